"""The cache of verified files, laid out as Conan's ``core.sources:download_cache``.

``s/<sha256>`` are the files, as Conan reads them; ``locks/<sha256>`` are the lock files, taken in the way
Conan takes them. ``parts/`` holds unfinished downloads and ``verified/`` notes of past checks: Conan looks at
neither. Folders appear on first use.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from tfport.errors import ChecksumMismatch, DiskFull
from tfport.sources.ref import SourceRef
from tfport.sums import sha256_of

_BLOCK = 1 << 20
_LOCK_POLL_SECONDS = 0.1
_thread_locks: dict[str, threading.Lock] = {}


class Stopped(Exception):
    """The fetch was called off, by Ctrl-C or because another file of it failed for good."""


class SourceCache:
    """Files by sha256 below ``root``; safe for several threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def path(self, sha256: str) -> Path:
        """Where the whole, verified file lies; where Conan looks for it."""
        return self.root / "s" / sha256

    def part(self, sha256: str) -> Path:
        """Where a download grows until it is verified."""
        return self.root / "parts" / f"{sha256}.part"

    @contextlib.contextmanager
    def lock(self, sha256: str, stop: threading.Event | None = None) -> Iterator[None]:
        """Hold one file against other threads and processes. Raises ``Stopped`` when ``stop`` is set."""
        path = self.root / "locks" / sha256
        with full_disk_named(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = path.open("a")
        # POSIX record locks belong to the process, hence the second lock between threads.
        thread_lock = _thread_locks.setdefault(str(path), threading.Lock())
        with handle:
            while not thread_lock.acquire(timeout=_LOCK_POLL_SECONDS):
                _check(stop)
            try:
                while not _try_lock(handle.fileno()):
                    _check(stop)
                    threading.Event().wait(_LOCK_POLL_SECONDS)
                yield
            finally:
                thread_lock.release()

    def get(self, ref: SourceRef) -> Path | None:
        """The verified file, or None. A file that no longer matches its name is removed.

        The caller holds the lock.
        """
        path = self.path(ref.sha256)
        if Path(f"{path}.dirty").exists():
            # Conan began to write this file itself and did not come to the end.
            _unlink(path, Path(f"{path}.dirty"))
        if not path.is_file():
            return None
        if not self._is_noted(path, ref.sha256):
            if sha256_of(path) != ref.sha256:
                _unlink(path, self._note(ref.sha256))
                return None
            self._take_note(path, ref.sha256)
        self._forget_other_urls(ref)
        return path

    def adopt(self, ref: SourceRef) -> Path:
        """Make the finished part the cached file, safely on disk. The caller holds the lock.

        Raises ``ChecksumMismatch`` (the part is removed) and ``DiskFull``.
        """
        part, path = self.part(ref.sha256), self.path(ref.sha256)
        with full_disk_named(self.root):
            actual = sha256_of(part)
            if actual != ref.sha256:
                size = part.stat().st_size
                _unlink(part)
                raise mismatch(ref, actual, size, "the cache")
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
            part.chmod(0o644)
            part.replace(path)
            _fsync_folder(path.parent)
            _unlink(Path(f"{path}.dirty"))
            self._forget_other_urls(ref)
            self._take_note(path, ref.sha256)
        return path

    def copy_in(self, ref: SourceRef, file: Path) -> Path:
        """Take a local file (of a bundle, or a file: mirror) into the cache; errors as ``adopt``."""
        part = self.part(ref.sha256)
        with full_disk_named(self.root):
            part.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, part)
        return self.adopt(ref)

    def _note(self, sha256: str) -> Path:
        return self.root / "verified" / sha256

    def _is_noted(self, path: Path, sha256: str) -> bool:
        try:
            return self._note(sha256).read_text() == _fingerprint(path)
        except OSError:
            return False

    def _take_note(self, path: Path, sha256: str) -> None:
        # Only saves hashing the next time: a read-only or full disk is no reason to fail.
        with contextlib.suppress(OSError):
            note = self._note(sha256)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(_fingerprint(path))

    def _forget_other_urls(self, ref: SourceRef) -> None:
        # Conan notes the urls of a cached file and downloads it again when asked for it by another url, which
        # it cannot do for ours: a pin that moves on to a new Debian revision of the same tarball would fail.
        summary = Path(f"{self.path(ref.sha256)}.json")
        try:
            references = json.loads(summary.read_text())["references"]
            known = {url for urls in references.values() for url in urls}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            known = set()
        if not known.intersection(ref.urls):
            with contextlib.suppress(OSError):
                summary.unlink()


def mismatch(ref: SourceRef, actual: str, size: int, place: str) -> ChecksumMismatch:
    """The error for bytes that are not the pinned ones."""
    return ChecksumMismatch(
        f"{ref.filename} from {place} is not the pinned file: "
        f"sha256 {actual} ({size} bytes) instead of {ref.sha256}",
        "a proxy or a damaged mirror changed it, or the pin is wrong; the file was removed",
        "Try again, or from another mirror. Do not change the pin unless you know why the file changed.",
    )


FULL = (errno.ENOSPC, errno.EDQUOT)
_LARGER_CACHE = "Free some space or set TFPORT_HOME to a folder on a larger disk; what has arrived is kept."


@contextlib.contextmanager
def full_disk_named(folder: Path, hint: str = _LARGER_CACHE) -> Iterator[None]:
    """Turn "no space left" and "quota exceeded" into ``DiskFull``, which names the disk of ``folder``."""
    try:
        yield
    except OSError as error:
        if not _tells_of_full_disk(error):
            raise
        raise DiskFull(f"no space is left in {folder}", hint=hint) from error


def _tells_of_full_disk(error: OSError) -> bool:
    if isinstance(error, shutil.Error):  # copytree's collection of errors, of which it keeps the text only
        return any(f"[Errno {number}]" in str(error) for number in FULL)
    return error.errno in FULL


def _fingerprint(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _try_lock(fileno: int) -> bool:
    try:
        fcntl.lockf(fileno, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True


def _check(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped


def _unlink(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
