from __future__ import annotations

import pytest

from tfport.errors import RecipeInvalid
from tfport.sources import SourceRef
from tfport.sources.ref import DebianOrigin, PypiOrigin, UrlOrigin, parse_origin

SHA = "ab" * 32


def test_reads_the_three_forms() -> None:
    assert parse_origin("debian:forky/eigen3/5.0.1-3/eigen3_5.0.1.orig.tar.bz2") == DebianOrigin(
        "forky", "eigen3", "5.0.1-3", "eigen3_5.0.1.orig.tar.bz2"
    )
    assert parse_origin("pypi:ml-dtypes/0.2.0/ml_dtypes-0.2.0.tar.gz") == PypiOrigin(
        "ml-dtypes", "0.2.0", "ml_dtypes-0.2.0.tar.gz"
    )
    assert parse_origin("https://example.org/a/b.tar.gz") == UrlOrigin("https://example.org/a/b.tar.gz")


def test_debian_versions_have_epochs_tildes_and_plusses() -> None:
    origin = parse_origin("debian:sid/x/1:0.0~git20240616.560c60d+dfsg-1/x_0.0~git+dfsg.orig.tar.xz")
    assert isinstance(origin, DebianOrigin)
    assert origin.version == "1:0.0~git20240616.560c60d+dfsg-1"


def test_file_name_follows_from_the_url() -> None:
    assert SourceRef("https://example.org/v1/a.tar.gz?raw=1", SHA).filename == "a.tar.gz"
    assert SourceRef("https://example.org/v1", SHA, "a.tar.gz").filename == "a.tar.gz"


def test_mirrors_are_tried_after_the_url() -> None:
    ref = SourceRef("pypi:a/1/a-1.zip", SHA, mirrors=("https://example.org/a-1.zip",))
    assert [type(origin) for origin in ref.origins] == [PypiOrigin, UrlOrigin]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "debian:forky/eigen3/eigen3_5.0.1.orig.tar.bz2",
        "debian:forky/../../etc/passwd",
        "debian:forky/eigen3//eigen3.tar",
        "pypi:a/1",
        "ftp://example.org/a.tar.gz",
        "https://example.org/",
        "https:a.tar.gz",
        "/tmp/a.tar.gz",
    ],
)
def test_refuses_what_is_none_of_them(url: str) -> None:
    with pytest.raises(RecipeInvalid) as caught:
        SourceRef(url, SHA)
    assert "debian:<suite>" in caught.value.hint


@pytest.mark.parametrize("sha256", ["", "abc", "AB" * 32, "ab" * 32 + "0", "gg" * 32])
def test_refuses_what_is_not_a_sha256(sha256: str) -> None:
    with pytest.raises(RecipeInvalid, match="not a sha256"):
        SourceRef("pypi:a/1/a-1.zip", sha256)
