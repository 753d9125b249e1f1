from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tfport.sources import debian
from tfport.sources.debian import Mirror, expand, parse_targets, pool_path
from tfport.sources.ref import DebianOrigin


def _origin(source: str, file: str) -> DebianOrigin:
    return DebianOrigin("forky", source, "1-1", file)


@pytest.mark.parametrize(
    ("source", "file", "path"),
    [
        ("abseil", "abseil_1.orig.tar.gz", "pool/main/a/abseil/abseil_1.orig.tar.gz"),
        ("libpng1.6", "libpng1.6_1.orig.tar.xz", "pool/main/libp/libpng1.6/libpng1.6_1.orig.tar.xz"),
        ("fp16", "fp16_0.0~git1.orig.tar.xz", "pool/main/f/fp16/fp16_0.0~git1.orig.tar.xz"),
        ("re2", "re2_1+dfsg.orig.tar.xz", "pool/main/r/re2/re2_1%2Bdfsg.orig.tar.xz"),
    ],
)
def test_pool_path_follows_the_layout_of_the_archive(source: str, file: str, path: str) -> None:
    assert pool_path(_origin(source, file)) == path


def test_mirrors_come_once_and_the_security_archive_not_at_all() -> None:
    listing = (
        "http://mirror.example/debian-security/|main|Debian-Security|\n"
        "http://mirror.example/debian/|main|Debian|/usr/share/keyrings/k.gpg\n"
        "http://mirror.example/debian/|contrib|Debian|\n"
        "https://other.example/node/|main|Somebody|\n"
        "http://mirror.example/debian/|main|Debian|/usr/share/keyrings/k.gpg\n"
    )
    assert parse_targets(listing) == [Mirror("http://mirror.example/debian/", "/usr/share/keyrings/k.gpg")]


def test_before_the_first_update_the_folder_tells() -> None:
    # apt prints fields that it does not know as they were asked for.
    listing = (
        "http://mirror.example/debian-security/|main|$(LABEL)|$(SIGNED_BY)\n"
        "http://mirror.example/elsewhere/|main|$(LABEL)|$(SIGNED_BY)\n"
        "http://mirror.example/debian|main|$(LABEL)|$(SIGNED_BY)\n"
    )
    assert [mirror.uri for mirror in parse_targets(listing)] == [
        "http://mirror.example/debian/",
        "http://mirror.example/elsewhere/",
    ]


def test_addresses_of_an_update_name_the_mirrors() -> None:
    addresses = (
        "'http://a.example/debian/dists/bookworm/InRelease' a.example_InRelease 0 \n"
        "'http://a.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' a.example_Packages 0 \n"
        "'http://a.example/debian/dists/bookworm/main/i18n/Translation-en.xz' a.example_en 0 \n"
        "'http://b.example/x/dists/bookworm/contrib/binary-amd64/Packages.xz' b.example_Packages 0 \n"
    )
    assert debian.targets_of(addresses) == "http://a.example/debian/|main||\n"


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is not here")
def test_apt_without_lists_has_mirrors_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    (tmp_path / "apt.conf").write_text(
        f'Dir::State::lists "{tmp_path}/lists/";\nDir::Etc::sourcelist "{tmp_path}/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    debian.mirrors.cache_clear()
    try:
        assert [mirror.uri for mirror in debian.mirrors()] == ["http://mirror.example/debian/"]
    finally:
        debian.mirrors.cache_clear()


def test_named_mirror_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(debian.MIRROR_VARIABLE, "http://chosen.example/debian")
    debian.mirrors.cache_clear()
    try:
        assert debian.mirrors()[0] == Mirror("http://chosen.example/debian/")
    finally:
        debian.mirrors.cache_clear()


def test_mirror_list_is_read(tmp_path: Path) -> None:
    (tmp_path / "debian.list").write_text(
        "# ours\nhttp://a.example/debian priority:1\n\nhttps://b.example/d/\n"
    )
    assert expand(f"mirror+file:{tmp_path}/debian.list") == [
        "http://a.example/debian/",
        "https://b.example/d/",
    ]
    assert expand("mirror+file:/nowhere/list") == []
    assert expand("http://a.example/debian/") == ["http://a.example/debian/"]


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror("https://me:secret@a.example/debian/"),))
    (location,) = debian.pool_locations(_origin("abseil", "abseil_1.orig.tar.gz"))
    assert "secret" in location.url
    assert "secret" not in location.place


def test_folders_of_this_machine_are_mirrors_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror("file:/srv/debian/"),))
    origin = _origin("fp16", "fp16_0.0~git1.orig.tar.xz")
    assert debian.local_files(origin) == [Path("/srv/debian/pool/main/f/fp16/fp16_0.0~git1.orig.tar.xz")]
    assert debian.pool_locations(origin) == []
