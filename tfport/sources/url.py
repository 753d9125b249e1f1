"""Stream one file from one address: resume, retry, and a named error for every way a server fails."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Optional, Union
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError as StreamError
from urllib3.exceptions import ReadTimeoutError

from tfport.errors import NoNetwork, SourceNotFound, SourceStalled, SourceTruncated, TfportError
from tfport.sources.cache import SourceCache, Stopped, full_disk_named, mismatch
from tfport.sources.progress import Progress, Task
from tfport.sources.ref import SourceRef

_BLOCK = 1 << 16
_PROGRESS_BYTES = 1 << 20  # an attempt that brought more than this does not count as a failure
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses that a later attempt may not see
# Compressed transfer would change the bytes that are pinned.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "tfport"}


@dataclass(frozen=True)
class Limits:
    """How patient a download is; times in seconds."""

    connect: float = 15.0
    read: float = 30.0
    attempts: int = 4
    backoff: float = 1.0
    slow_bytes: int = 16 << 10  # fewer than these in slow_seconds is as good as nothing
    slow_seconds: float = 60.0


@dataclass(frozen=True)
class Location:
    """One address of one file, and how to reach it. ``place`` is what people are told."""

    url: str
    place: str
    proxy: Optional[str] = None  # None: as the environment says; empty: none
    verify: Union[bool, str] = True
    client_cert: str = ""


@dataclass
class Wire:
    """What the downloads of one fetch share."""

    cache: SourceCache
    progress: Progress
    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)
    unreachable: set[str] = field(default_factory=set)  # hosts, so that each is waited for only once

    def check(self) -> None:
        """Raise ``Stopped`` once the fetch was called off."""
        if self.stop.is_set():
            raise Stopped


class _Retry(Exception):
    """A failure that may pass; holds the error to report when it does not."""

    def __init__(self, error: TfportError) -> None:
        super().__init__(str(error))
        self.error = error


def download(ref: SourceRef, location: Location, wire: Wire) -> Path:
    """Bring one file into the cache and return its path. The caller holds the file's lock.

    An interrupted part is kept and resumed, by the next attempt as by the next run. Raises
    ``SourceNotFound``, ``SourceStalled``, ``SourceTruncated``, ``ChecksumMismatch``, ``NoNetwork``,
    ``DiskFull``, ``Stopped``.
    """
    host = urlsplit(location.url).netloc.rsplit("@", 1)[-1]
    if host in wire.unreachable:
        raise _unreachable(ref, host)
    part = wire.cache.part(ref.sha256)
    with full_disk_named(wire.cache.root):
        part.parent.mkdir(parents=True, exist_ok=True)
    attempt, fresh, best = 0, False, _size(part)
    while True:
        wire.check()
        try:
            resumed, actual = _attempt(ref, location, wire, part)
        except _Retry as failure:
            grown, best = _size(part) > best + _PROGRESS_BYTES, max(best, _size(part))
            attempt = 1 if grown else attempt + 1
            last = 2 if isinstance(failure.error, NoNetwork) else wire.limits.attempts
            if attempt >= last:
                if isinstance(failure.error, NoNetwork):
                    wire.unreachable.add(host)
                raise failure.error from failure
            if wire.stop.wait(wire.limits.backoff * 2 ** (attempt - 1)):
                raise Stopped from failure
            continue
        if actual == ref.sha256:
            return wire.cache.adopt(ref)
        size = part.stat().st_size
        part.unlink()
        if fresh or not resumed:
            raise mismatch(ref, actual, size, location.place)
        fresh = True  # the two halves may come from two files: once more, in one piece


def _attempt(ref: SourceRef, location: Location, wire: Wire, part: Path) -> tuple[bool, str]:
    """Let the part grow to its end: (was it resumed, its sha256)."""
    with full_disk_named(wire.cache.root), part.open("a+b") as file:
        digest = _digest(file)
        have = file.tell()
        if have and digest.hexdigest() == ref.sha256:
            return True, ref.sha256  # the last run ended just before it could be taken in
        with _open(ref, location, wire, have) as response:
            start, total = _span(response, have)
            if start != have:
                file.truncate(0)
                digest, have = hashlib.sha256(), 0
            if start < 0:
                raise _Retry(_truncated(ref, location, "it sent another range than it was asked for"))
            task = wire.progress.start(ref.filename, total)
            try:
                if have:
                    task.advance(have)
                _receive(ref, location, wire, response, file, digest, task)
            finally:
                task.done()
        file.flush()
        return have > 0, digest.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(file: IO[bytes]) -> hashlib._Hash:
    digest = hashlib.sha256()
    file.seek(0)
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest


def _open(ref: SourceRef, location: Location, wire: Wire, have: int) -> requests.Response:
    headers = dict(_HEADERS)
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = requests.get(
            location.url,
            headers=headers,
            stream=True,
            timeout=(wire.limits.connect, wire.limits.read),
            proxies=_proxies(location),
            verify=_trust() if location.verify is True else location.verify,
            cert=location.client_cert or None,
        )
    except requests.exceptions.ReadTimeout as error:
        raise _Retry(_stalled(ref, location, f"no answer for {wire.limits.read:g} s")) from error
    except requests.exceptions.SSLError as error:
        raise _unreachable(ref, location.place, f"its certificate is not trusted here ({error})") from error
    except requests.exceptions.RequestException as error:
        if _is_reset(error):
            raise _Retry(_truncated(ref, location, "the connection was closed without an answer")) from error
        raise _Retry(_unreachable(ref, location.place, _reason(error))) from error
    status = response.status_code
    if status in (200, 206):
        return response
    response.close()
    if status == 416:
        # The part is as long as the server's file or longer, and is not the pinned file.
        wire.cache.part(ref.sha256).unlink()
        raise _Retry(_truncated(ref, location, "the server has nothing after what had arrived"))
    refused = SourceNotFound(f"{location.place} has no {ref.filename}", f"it answered {status}")
    raise _Retry(refused) if status in _PASSING else refused


def _span(response: requests.Response, have: int) -> tuple[int, Optional[int]]:
    """Where the answer begins in the file (-1: not where it was asked to), and how long the whole file is."""
    if response.status_code == 206:
        match = _RANGE.match(response.headers.get("Content-Range", ""))
        start = int(match[1]) if match and int(match[1]) in (0, have) else -1
        return start, int(match[2]) if match and match[2] != "*" else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _trust() -> Union[bool, str]:
    """The machine's own certificates before the ones that requests brings; its variables before both."""
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True  # requests reads them
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or ""
    return bundle if bundle and Path(bundle).is_file() else True


def _proxies(location: Location) -> Optional[dict[str, str]]:
    return None if location.proxy is None else {"http": location.proxy, "https": location.proxy}


def _receive(
    ref: SourceRef,
    location: Location,
    wire: Wire,
    response: requests.Response,
    file: IO[bytes],
    digest: hashlib._Hash,
    task: Task,
) -> None:
    window, window_bytes = time.monotonic(), 0
    while True:
        wire.check()
        try:
            block = response.raw.read1(_BLOCK, decode_content=False)
        except ReadTimeoutError as error:
            raise _Retry(_stalled(ref, location, f"nothing for {wire.limits.read:g} s")) from error
        except (StreamError, OSError) as error:
            raise _Retry(_truncated(ref, location, _reason(error))) from error
        if not block:
            return
        file.write(block)
        digest.update(block)
        task.advance(len(block))
        window_bytes += len(block)
        if window_bytes >= wire.limits.slow_bytes:
            window, window_bytes = time.monotonic(), 0
        elif time.monotonic() - window > wire.limits.slow_seconds:
            raise _Retry(_stalled(ref, location, f"{window_bytes} bytes in {wire.limits.slow_seconds:g} s"))


def read_text(location: Location, wire: Wire, accept: str = "*/*") -> str:
    """A small page, such as an index. Raises ``SourceNotFound``, ``SourceStalled`` and ``NoNetwork``."""
    host = urlsplit(location.url).netloc.rsplit("@", 1)[-1]
    wire.check()
    if host in wire.unreachable:
        raise NoNetwork(f"{host} cannot be reached")
    try:
        response = requests.get(
            location.url,
            headers={"Accept": accept, "User-Agent": _HEADERS["User-Agent"]},
            timeout=(wire.limits.connect, wire.limits.read),
            proxies=_proxies(location),
            verify=_trust() if location.verify is True else location.verify,
            cert=location.client_cert or None,
        )
    except requests.exceptions.ReadTimeout as error:
        raise SourceStalled(f"{location.place} does not answer") from error
    except requests.exceptions.RequestException as error:
        wire.unreachable.add(host)
        raise NoNetwork(f"{location.place} cannot be reached", _reason(error)) from error
    if response.status_code != 200:
        raise SourceNotFound(f"{location.place} has no such page", f"it answered {response.status_code}")
    with contextlib.closing(response):
        return response.text


def _stalled(ref: SourceRef, location: Location, detail: str) -> SourceStalled:
    return SourceStalled(
        f"{location.place} stopped sending {ref.filename}",
        detail,
        "Try again: what has arrived is kept. If it goes on, use another mirror or an offline bundle.",
    )


def _truncated(ref: SourceRef, location: Location, detail: str) -> SourceTruncated:
    return SourceTruncated(
        f"{location.place} broke off in the middle of {ref.filename}",
        detail,
        "Try again: what has arrived is kept. If it goes on, use another mirror or an offline bundle.",
    )


def _unreachable(ref: SourceRef, place: str, detail: str = "") -> NoNetwork:
    return NoNetwork(f"{place} cannot be reached for {ref.filename}", detail)


def _is_reset(error: BaseException) -> bool:
    text = repr(error)
    return "RemoteDisconnected" in text or "ConnectionResetError" in text or "BadStatusLine" in text


def _reason(error: BaseException) -> str:
    """The innermost cause, which is the part that tells something."""
    while True:
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            return str(error) or type(error).__name__
        error = inner
