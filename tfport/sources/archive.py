"""Read single members of the archives that sources come in, without unpacking them."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tfport.errors import ArchiveInvalid

MAX_MEMBER_BYTES = 1 << 30
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


def extract_member(archive: Path, member: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
    """The bytes of one regular file of a zip (a wheel) or tar archive; nothing is written to disk.

    ``member`` is its path inside the archive. Raises ``ArchiveInvalid`` when the archive is damaged, when it
    has no such file, when the member is a link, or when it unpacks to more than ``limit`` bytes.
    """
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ArchiveInvalid(f"'{member}' does not name a file inside an archive")
    try:
        if zipfile.is_zipfile(archive):
            data = _from_zip(archive, str(path), limit)
        else:
            data = _from_tar(archive, path, limit)
    except _DAMAGE as error:
        raise ArchiveInvalid(f"{archive} cannot be read as an archive", str(error)) from error
    if data is None:
        raise ArchiveInvalid(f"{archive} has no regular file {member}")
    if len(data) > limit:
        raise ArchiveInvalid(f"{member} of {archive} unpacks to more than {limit} bytes")
    return data


def _from_zip(archive: Path, member: str, limit: int) -> bytes | None:
    with zipfile.ZipFile(archive) as file:
        try:
            info = file.getinfo(member)
        except KeyError:
            return None
        if info.is_dir() or (info.external_attr >> 16) & 0o170000 == 0o120000:  # a symbolic link
            return None
        with file.open(info) as stream:
            return stream.read(limit + 1)


def _from_tar(archive: Path, member: PurePosixPath, limit: int) -> bytes | None:
    with tarfile.open(archive) as file:
        for info in file:
            if PurePosixPath(info.name) == member and info.isreg():
                stream = file.extractfile(info)
                return stream.read(limit + 1) if stream else None
    return None
