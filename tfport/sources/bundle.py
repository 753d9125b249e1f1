"""Offline bundles: a folder with the files of a cache, carried to a machine without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tfport.errors import BundleIncomplete, ChecksumMismatch
from tfport.sources.cache import SourceCache, full_disk_named, mismatch
from tfport.sources.ref import SourceRef
from tfport.sums import sha256_of


class Bundle:
    """Reads a bundle. Raises ``BundleIncomplete`` when the folder is not there."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BundleIncomplete(
                f"there is no offline bundle at {folder}",
                hint="A bundle is a folder made by 'build.py bundle'; a packed one is to be unpacked first.",
            )
        self.folder = folder

    def find(self, ref: SourceRef) -> Path | None:
        """The file as a cache names it, or by its own name for bundles that were put together by hand."""
        for path in (
            self.folder / "s" / ref.sha256,
            self.folder / ref.sha256,
            self.folder / ref.filename,
        ):
            if path.is_file():
                return path
        return None

    def copy_to(self, cache: SourceCache, ref: SourceRef) -> Path | None:
        """The file, verified and in the cache, or None. The caller holds the file's lock.

        Raises ``ChecksumMismatch`` when the bundle's copy is damaged.
        """
        path = self.find(ref)
        if path is None:
            return None
        try:
            return cache.copy_in(ref, path)
        except ChecksumMismatch as error:
            why = f"the bundle's file {path} is damaged"
            raise ChecksumMismatch(error.what, why, "Copy the bundle again.") from error


def write_bundle(refs: Iterable[SourceRef], cache: SourceCache, folder: Path) -> list[Path]:
    """Copy verified files from the cache into a bundle; files that it has already are checked and left.

    Raises ``BundleIncomplete`` with all files that the cache lacks, ``ChecksumMismatch``, ``DiskFull``.
    """
    sources, missing = {}, []
    for ref in refs:
        with cache.lock(ref.sha256):
            path = cache.get(ref)
        if path is None:
            missing.append(ref.filename)
        else:
            sources[ref] = path
    if missing:
        raise BundleIncomplete(
            f"the cache lacks {len(missing)} files for a bundle: {', '.join(missing)}",
            hint="Run 'build.py fetch' first.",
        )
    written = []
    with full_disk_named(folder):
        (folder / "s").mkdir(parents=True, exist_ok=True)
        for ref, path in sources.items():
            target = folder / "s" / ref.sha256
            if not (target.is_file() and sha256_of(target) == ref.sha256):
                _copy(ref, path, target)
            written.append(target)
    return written


def _copy(ref: SourceRef, path: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.part")
    with path.open("rb") as source, beside.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())
    actual = sha256_of(beside)
    if actual != ref.sha256:
        size = beside.stat().st_size
        beside.unlink()
        raise mismatch(ref, actual, size, "the cache")
    beside.replace(target)
