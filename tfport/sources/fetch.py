"""Bring pinned files into the cache: cache, offline bundle, Debian, PyPI, upstream URL, in this order."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Optional, Union

from tfport.errors import (
    BundleIncomplete,
    ChecksumMismatch,
    DiskFull,
    NoNetwork,
    SourceNotFound,
    SourceStalled,
    SourceTruncated,
    TfportError,
)
from tfport.sources import debian, pypi
from tfport.sources.bundle import Bundle
from tfport.sources.cache import SourceCache, Stopped
from tfport.sources.progress import Progress, Silent
from tfport.sources.ref import DebianOrigin, Origin, PypiOrigin, SourceRef
from tfport.sources.url import Limits, Location, Wire, download

_WORKERS = 2
_ORDER = (DebianOrigin, PypiOrigin)  # upstream URLs come last
# The most telling failure of a file first: it becomes the error, the others its "why".
_RANK = (DiskFull, ChecksumMismatch, SourceTruncated, SourceStalled, SourceNotFound, NoNetwork)


def fetch(
    refs: Iterable[SourceRef],
    cache: SourceCache,
    progress: Optional[Progress] = None,
    offline: bool = False,
    bundle: Optional[Path] = None,
    limits: Optional[Limits] = None,
) -> list[Path]:
    """Return the verified files in the order of ``refs``, downloading what is missing, two at a time.

    With ``offline`` nothing but the cache and the ``bundle`` (a folder) is asked. A failed file does not keep
    the others from arriving. Raises ``SourceNotFound``, ``SourceStalled``, ``SourceTruncated``,
    ``ChecksumMismatch``, ``NoNetwork``, ``DiskFull``, ``BundleIncomplete``.
    """
    wanted = list(refs)
    job = _Job(Wire(cache, progress or Silent(), limits or Limits()), Bundle(bundle) if bundle else None)
    unique = list({ref.sha256: ref for ref in wanted}.values())
    todo = [ref for ref in unique if not job.from_disk(ref)]
    if todo and offline:
        raise _offline(todo, job)
    if todo:
        job.in_parallel(todo)
        for ref in [ref for ref in todo if job.may_be_indexed(ref)]:
            job.from_index(ref)
    failed = [ref for ref in todo if ref.sha256 not in job.found]
    if failed:
        raise _failure(failed, job.failures)
    return [job.found[ref.sha256] for ref in wanted]


def missing(refs: Iterable[SourceRef], cache: SourceCache) -> list[SourceRef]:
    """The files that the cache lacks, each once; nothing is downloaded."""
    lacking = {}
    for ref in refs:
        with cache.lock(ref.sha256):
            if cache.get(ref) is None:
                lacking[ref.sha256] = ref
    return list(lacking.values())


class _Job:
    """One fetch: what was found and what failed, by sha256."""

    def __init__(self, wire: Wire, bundle: Optional[Bundle]) -> None:
        self.wire = wire
        self.cache = wire.cache
        self.bundle = bundle
        self.found: dict[str, Path] = {}
        self.failures: dict[str, list[TfportError]] = {}
        self.broken: list[BaseException] = []

    def from_disk(self, ref: SourceRef) -> bool:
        with self.cache.lock(ref.sha256, self.wire.stop):
            path = self.cache.get(ref)
            if path is None and self.bundle is not None:
                try:
                    path = self.bundle.copy_to(self.cache, ref)
                except ChecksumMismatch as error:
                    self.failures.setdefault(ref.sha256, []).append(error)
        if path is not None:
            self.found[ref.sha256] = path
        return path is not None

    def in_parallel(self, refs: Sequence[SourceRef]) -> None:
        # What asks programs is asked once, here: Ctrl-C reaches only this thread.
        origins = [origin for ref in refs for origin in ref.origins]
        if any(isinstance(origin, DebianOrigin) for origin in origins):
            debian.mirrors()
        if any(isinstance(origin, PypiOrigin) for origin in origins):
            pypi.pip_configuration()
        jobs: queue.SimpleQueue[SourceRef] = queue.SimpleQueue()
        for ref in refs:
            jobs.put(ref)
        # Daemons: a thread that waits for a silent server does not hold up the end of the program.
        threads = [threading.Thread(target=self._work, args=(jobs,), daemon=True) for _ in range(_WORKERS)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
        finally:
            self.wire.stop.set()
            for thread in threads:
                thread.join(1.0)
        if self.broken:
            raise self.broken[0]
        self.wire.stop.clear()

    def _work(self, jobs: queue.SimpleQueue[SourceRef]) -> None:
        try:
            while not self.wire.stop.is_set():
                self._bring(jobs.get_nowait())
        except (queue.Empty, Stopped):
            return
        except BaseException as error:  # handed to the thread that waits
            self.broken.append(error)
            self.wire.stop.set()

    def _bring(self, ref: SourceRef) -> None:
        with self.cache.lock(ref.sha256, self.wire.stop):
            path = self.cache.get(ref)  # another process may have been faster
            for origin in sorted(ref.origins, key=_order):
                path = path or self._from_origin(ref, origin)
        if path is not None:
            self.found[ref.sha256] = path

    def _from_origin(self, ref: SourceRef, origin: Origin) -> Optional[Path]:
        errors = self.failures.setdefault(ref.sha256, [])
        try:
            places = self._places(ref, origin)
        except (SourceNotFound, SourceStalled, NoNetwork) as error:
            errors.append(error)
            return None
        for place in places:
            try:
                if isinstance(place, Path):
                    return self.cache.copy_in(ref, place)
                return download(ref, place, self.wire)
            except DiskFull:
                raise
            except TfportError as error:
                errors.append(error)
        return None

    def _places(self, ref: SourceRef, origin: Origin) -> Sequence[Union[Path, Location]]:
        if isinstance(origin, DebianOrigin):
            local = [path for path in debian.local_files(origin) if path.is_file()]
            return [*local, *debian.pool_locations(origin)]
        if isinstance(origin, PypiOrigin):
            return [pypi.find(origin, ref.sha256, self.wire)]
        return [Location(origin.url, origin.url)]

    def may_be_indexed(self, ref: SourceRef) -> bool:
        """Is the file still missing, from Debian, and did the network answer at all?"""
        if ref.sha256 in self.found or not any(isinstance(origin, DebianOrigin) for origin in ref.origins):
            return False
        errors = self.failures.get(ref.sha256, [])
        return not errors or any(isinstance(error, SourceNotFound) for error in errors)

    def from_index(self, ref: SourceRef) -> None:
        errors = self.failures.setdefault(ref.sha256, [])
        for origin in ref.origins:
            if isinstance(origin, DebianOrigin):
                try:
                    with self.cache.lock("apt"):
                        location = debian.index_location(ref, origin, self.cache.root / "apt")
                    with self.cache.lock(ref.sha256):
                        self.found[ref.sha256] = self.cache.get(ref) or download(ref, location, self.wire)
                    return
                except DiskFull:
                    raise
                except TfportError as error:
                    errors.append(error)


def _order(origin: Origin) -> int:
    return _ORDER.index(type(origin)) if type(origin) in _ORDER else len(_ORDER)


def _offline(todo: Sequence[SourceRef], job: _Job) -> TfportError:
    names = ", ".join(ref.filename for ref in todo)
    damaged = "; ".join(error.why for ref in todo for error in job.failures.get(ref.sha256, []))
    if job.bundle is not None:
        return BundleIncomplete(
            f"the offline bundle {job.bundle.folder} is incomplete: {names}",
            damaged or "it was made for another version or target",
            "Make it again with 'build.py bundle' from the same commit.",
        )
    return NoNetwork(
        f"{_files(len(todo))} not in the cache, and the network is not to be used: {names}",
        hint="Run 'build.py fetch' with a network once, or give --bundle DIR.",
    )


def _failure(failed: Sequence[SourceRef], failures: dict[str, list[TfportError]]) -> TfportError:
    """One error for all files that could not be had."""
    every = [error for ref in failed for error in failures.get(ref.sha256, [])]
    if not every:
        names = ", ".join(ref.filename for ref in failed)
        return SourceNotFound(
            f"there is no place to get {names} from",
            "apt is not configured with a Debian mirror",
            f"Set {debian.MIRROR_VARIABLE} to the address of one, or give --bundle DIR.",
        )
    worst = min(every, key=lambda error: _RANK.index(type(error)) if type(error) in _RANK else 0)
    lines = list(dict.fromkeys(_line(error) for error in every if error is not worst))
    what = worst.what
    if isinstance(worst, NoNetwork):
        what = f"no network: {_files(len(failed))} missing ({', '.join(ref.filename for ref in failed)})"
        # The same of every file: one line for each cause is enough.
        hint = "Connect this machine to the network, or give an offline bundle with --bundle DIR."
        return NoNetwork(what, "\n".join(dict.fromkeys(error.why or error.what for error in every[:3])), hint)
    elif len(failed) > 1:
        lines.append(f"these could not be had: {', '.join(ref.filename for ref in failed)}")
    why = "\n".join(([worst.why] if worst.why else []) + lines)
    hint = worst.hint or "What has arrived is kept: try again, or give an offline bundle with --bundle DIR."
    return type(worst)(what, why, hint)


def _line(error: TfportError) -> str:
    with contextlib.suppress(IndexError):
        return f"{error.what}: {error.why.splitlines()[0]}"
    return error.what


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"
