from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tfport.errors import ArchiveInvalid
from tfport.sources import extract_member

DATA = b"weights" * 1000


def _tar(path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("pkg-1/model.tflite")
        info.size = len(DATA)
        archive.addfile(info, io.BytesIO(DATA))
        link = tarfile.TarInfo("pkg-1/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pkg/model.tflite", DATA)
        link = zipfile.ZipInfo("pkg/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_reads_a_member_of_a_tar(tmp_path: Path, mode: str) -> None:
    assert extract_member(_tar(tmp_path / "a.tar", mode), "pkg-1/model.tflite") == DATA


def test_reads_a_member_of_a_wheel(tmp_path: Path) -> None:
    assert extract_member(_zip(tmp_path / "a.whl"), "pkg/model.tflite") == DATA


@pytest.mark.parametrize("member", ["/etc/passwd", "../x", "pkg-1/../../x", ""])
def test_refuses_paths_outside_the_archive(tmp_path: Path, member: str) -> None:
    with pytest.raises(ArchiveInvalid, match="does not name"):
        extract_member(_tar(tmp_path / "a.tar.gz"), member)


def test_refuses_links_and_names_what_is_not_there(tmp_path: Path) -> None:
    for archive, member in (
        (_tar(tmp_path / "a.tar.gz"), "pkg-1/link"),
        (_zip(tmp_path / "a.whl"), "pkg/link"),
        (_zip(tmp_path / "a.whl"), "pkg/none"),
    ):
        with pytest.raises(ArchiveInvalid, match="no regular file"):
            extract_member(archive, member)


def test_refuses_a_member_that_unpacks_too_far(tmp_path: Path) -> None:
    for archive in (_tar(tmp_path / "a.tar.gz"), _zip(tmp_path / "a.whl")):
        member = "pkg-1/model.tflite" if archive.name.endswith("gz") else "pkg/model.tflite"
        with pytest.raises(ArchiveInvalid, match="more than 100 bytes"):
            extract_member(archive, member, limit=100)


@pytest.mark.parametrize("kept", [0, 10, 60])
def test_damaged_archives_are_named(tmp_path: Path, kept: int) -> None:
    for archive in (_tar(tmp_path / "a.tar.gz"), _zip(tmp_path / "a.whl")):
        archive.write_bytes(archive.read_bytes()[:kept])
        with pytest.raises(ArchiveInvalid, match=archive.name):
            extract_member(archive, "pkg-1/model.tflite")


def test_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveInvalid, match="none"):
        extract_member(tmp_path / "none", "a")
