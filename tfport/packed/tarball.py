"""Archives that are the same bytes for the same files, and that are unpacked with suspicion.

Entries are sorted, belong to nobody, have one of two modes and one time. Neither compressor notes a name or a
time.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import zstandard

from tfport.errors import PackDamaged, PackError
from tfport.packed.files import SUFFIXES

_ZSTD_LEVEL, _GZIP_LEVEL = 19, 9
_LARGEST = 8 << 30  # bytes of all files; a real pack has some tens of megabytes
_BLOCK = 1 << 20


class Sink(Protocol):
    """What a tar is written to."""

    def write(self, data: bytes, /) -> int: ...


def write_tar(folder: Path, top: str, time: int, sink: Sink) -> None:
    """All files below ``folder`` as a tar, below the folder ``top`` in it. Raises ``PackError`` for links."""
    with tarfile.open(fileobj=_OnlyWrites(sink), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise PackError(f"{path} is neither a file nor a folder", "A packed file holds no links.")
            if path.is_dir():
                continue
            entry = tarfile.TarInfo(f"{top}/{path.relative_to(folder).as_posix()}")
            entry.size, entry.mtime = path.stat().st_size, time
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as handle:
                tar.addfile(entry, handle)


def compress(tar: Path, output: Path) -> None:
    """Write ``tar`` as ``output``, by the suffix of that."""
    with tar.open("rb") as source, output.open("wb") as raw:
        if output.name.endswith(".zst"):
            packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True, threads=0)
            packer.copy_stream(source, raw, size=tar.stat().st_size)
        else:
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as zipped:
                shutil.copyfileobj(source, zipped, _BLOCK)


def stem_of(file: Path) -> str:
    """The name of a pack without its suffix. Raises ``PackError``."""
    for suffix in SUFFIXES:
        if file.name.endswith(suffix):
            return file.name[: -len(suffix)]
    raise PackError(
        f"{file} is not a packed file by its name",
        f"They end in {' or '.join(SUFFIXES)}.",
        "build.py pack writes them.",
    )


def unpack(file: Path, folder: Path) -> tuple[Path, str]:
    """Unpack ``file`` into the empty ``folder``; returns the one folder in it and the tar's sha256.

    Raises ``PackDamaged`` for anything that is not whole or could not come from ``write_tar``.
    """
    top = stem_of(file)
    try:
        with _decompressed(file) as stream:
            hashed = _Hashing(stream)
            with tarfile.open(fileobj=hashed, mode="r|") as tar:
                size = 0
                for entry in tar:
                    size += entry.size
                    _place(tar, entry, folder, top, size)
            while hashed.read(_BLOCK):
                pass
    except (OSError, EOFError, zlib.error, zstandard.ZstdError, tarfile.TarError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the archive's
            raise
        raise PackDamaged(
            f"{file.name} cannot be unpacked: {error}",
            "It was changed, or did not arrive whole.",
            "Take it from its source again.",
        ) from None
    if not (folder / top).is_dir():
        raise PackDamaged(f"{file.name} holds no folder {top}", "It was renamed, or made by something else.")
    return folder / top, hashed.sha256.hexdigest()


def tar_digest(folder: Path, top: str, time: int) -> str:
    """sha256 of the tar that ``write_tar`` makes of ``folder``."""
    sha256 = hashlib.sha256()

    class Digest:
        def write(self, data: bytes, /) -> int:
            sha256.update(data)
            return len(data)

    write_tar(folder, top, time, Digest())
    return sha256.hexdigest()


def _place(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, top: str, size: int) -> None:
    parts = PurePosixPath(entry.name).parts
    bad = (
        entry.name.startswith("/") or ".." in parts or not entry.isreg() or parts[0] != top or len(parts) < 2
    )
    place = folder.joinpath(*parts)
    if bad or place.exists() or size > _LARGEST:
        raise PackDamaged(
            f"{entry.name!r} does not belong into this packed file",
            "It is a link, lies outside, comes twice or is too large: tfport packs nothing of the kind.",
            "Do not unpack it with other programs.",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(entry)
    assert source is not None  # a regular file
    with source, place.open("xb") as target:
        shutil.copyfileobj(source, target, _BLOCK)
    place.chmod(entry.mode & 0o777)


@contextmanager
def _decompressed(file: Path) -> Iterator[IO[bytes]]:
    with file.open("rb") as raw:
        if file.name.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
                yield stream
        else:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream  # type: ignore[misc]


class _Hashing(io.RawIOBase):
    """Reads through, and hashes all that is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.sha256.update(data)
        return data


class _OnlyWrites(io.RawIOBase):
    """A ``Sink`` as the file that tarfile asks for."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        return self._sink.write(data)
