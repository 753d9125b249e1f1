from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tfport.errors import SourceNotFound
from tfport.sources import Silent, SourceCache, pypi
from tfport.sources.pypi import Pip, files, find, parse_configuration
from tfport.sources.ref import PypiOrigin
from tfport.sources.url import Location, Wire

SHA = hashlib.sha256(b"bytes").hexdigest()
ORIGIN = PypiOrigin("Ml_Dtypes", "0.2.0", "ml_dtypes-0.2.0.tar.gz")


@pytest.fixture
def wire(tmp_path: Path) -> Wire:
    return Wire(SourceCache(tmp_path / "cache"), Silent())


def test_configuration_is_merged_as_pip_does() -> None:
    pip = parse_configuration(
        ":env:.cert='/etc/ca.pem'\n"
        ":env:.index-url='https://env.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "global.extra-index-url='file:///a/simple file:///b/simple'\n"
        "global.find-links='/wheels'\n"
        "global.trusted-host='env.example\\nother.example:8080'\n"
        "install.index-url='https://install.example/simple'\n",
        "https://default.example/simple",
    )
    assert pip.indexes == ("https://env.example/simple", "file:///a/simple", "file:///b/simple")
    assert pip.find_links == ("/wheels",)
    assert pip.location("https://env.example/x", "p").verify is False
    assert pip.location("https://other.example:8080/x", "p").verify is False
    assert pip.location("https://else.example/x", "p").verify == "/etc/ca.pem"


def test_default_index_serves_when_none_is_configured() -> None:
    assert parse_configuration("", "https://default.example/simple").indexes == (
        "https://default.example/simple",
    )
    assert parse_configuration("global.no-index='true'\n", "https://default.example/simple").indexes == ()


def test_pip_of_this_machine_answers() -> None:
    pypi.pip_configuration.cache_clear()
    assert isinstance(pypi.pip_configuration(), Pip)


def test_reads_both_forms_of_an_index() -> None:
    page = '<html><body><a href="../../files/a-1.zip#sha256=' + SHA + '">a-1.zip</a><a>none</a></body></html>'
    assert files(page, "https://i.example/simple/a/") == [("https://i.example/files/a-1.zip", SHA)]
    rows = {"files": [{"url": "https://f.example/a-1.zip", "hashes": {"sha256": SHA}}, {"url": "b.zip"}]}
    assert files(json.dumps(rows), "https://i.example/simple/a/") == [
        ("https://f.example/a-1.zip", SHA),
        ("https://i.example/simple/a/b.zip", ""),
    ]


def test_finds_files_of_local_folders(tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / ORIGIN.file).write_bytes(b"bytes")
    monkeypatch.setattr(pypi, "pip_configuration", lambda: Pip(find_links=(str(wheels),)))
    assert find(ORIGIN, SHA, wire) == wheels / ORIGIN.file


def test_finds_files_of_local_indexes(tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "simple" / "ml-dtypes" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../files/{ORIGIN.file}#sha256={SHA}">x</a>')
    monkeypatch.setattr(pypi, "pip_configuration", lambda: Pip((f"file://{tmp_path}/simple",)))
    assert find(ORIGIN, SHA, wire) == tmp_path / "files" / ORIGIN.file


def test_a_file_with_another_sha256_is_passed_over(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {
        "https://a.example/simple/ml-dtypes/": f'<a href="/{ORIGIN.file}#sha256={"0" * 64}">x</a>',
        "https://b.example/simple/ml-dtypes/": f'<a href="/{ORIGIN.file}#sha256={SHA}">x</a>',
    }

    def read(location: Location, wire: Wire, accept: str) -> str:
        return pages[location.url]

    monkeypatch.setattr(pypi, "read_text", read)
    monkeypatch.setattr(
        pypi, "pip_configuration", lambda: Pip(("https://a.example/simple", "https://b.example/simple/"))
    )
    found = find(ORIGIN, SHA, wire)
    assert isinstance(found, Location)
    assert found.url == f"https://b.example/{ORIGIN.file}"
    with pytest.raises(SourceNotFound) as caught:
        find(ORIGIN, "1" * 64, wire)
    assert "a.example" in caught.value.why
    assert "b.example" in caught.value.why
