"""Downloads from a server on loopback that misbehaves in every way a mirror was seen to."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from tfport.errors import (
    ChecksumMismatch,
    DiskFull,
    NoNetwork,
    SourceNotFound,
    SourceStalled,
    SourceTruncated,
)
from tfport.sources import Limits, SourceCache, SourceRef, Task, debian, fetch, pypi
from tfport.sources.debian import Mirror
from tfport.sources.pypi import Pip

ROOT = Path(__file__).resolve().parents[2]
DATA = hashlib.shake_256(b"tfport").digest(300_000)
SHA = hashlib.sha256(DATA).hexdigest()
QUICK = Limits(connect=2, read=0.5, attempts=3, backoff=0.01)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append((self.path, self.headers.get("Range", "")))
        self.server.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def head(self, status: int, length: Optional[int], **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def whole(self, data: bytes = DATA) -> None:
        """Answer as a decent server does, ranges included."""
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            start = int(asked[len("bytes=") :].split("-")[0])
            if start >= len(data):
                self.head(416, 0)
                return
            self.head(206, len(data) - start, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.wfile.write(data[start:])
        else:
            self.head(200, len(data))
            self.wfile.write(data)

    def hang_up(self) -> None:
        """Close the connection in the middle of what was promised."""
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str]] = []
        self.answer: Callable[[_Handler], None] = _Handler.whole
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that goes away is part of the tests

    def stall(self, handler: _Handler) -> None:
        """Send a part, then nothing more until the test ends."""
        handler.head(200, len(DATA))
        handler.wfile.write(DATA[:1000])
        handler.wfile.flush()
        self.released.wait(30)
        handler.hang_up()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    served = _Server()
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.released.set()
    served.shutdown()
    served.server_close()


@pytest.fixture
def cache(tmp_path: Path) -> SourceCache:
    return SourceCache(tmp_path / "sources")


def _ref(server: _Server, name: str = "a.tar.gz", data: bytes = DATA) -> SourceRef:
    return SourceRef(f"{server.url}/{name}", hashlib.sha256(data).hexdigest())


def _get(server: _Server, cache: SourceCache) -> bytes:
    (path,) = fetch([_ref(server)], cache, limits=QUICK)
    return path.read_bytes()


def _nothing_cached(cache: SourceCache) -> bool:
    return not list(cache.root.glob("s/*"))


class _Recorder:
    """Progress that counts; every task has to end."""

    def __init__(self) -> None:
        self.tasks: list[_Recorded] = []

    def start(self, name: str, total: Optional[int]) -> Task:
        self.tasks.append(_Recorded(name, total))
        return self.tasks[-1]


class _Recorded:
    def __init__(self, name: str, total: Optional[int]) -> None:
        self.name, self.total, self.count, self.ended = name, total, 0, False

    def advance(self, count: int) -> None:
        self.count += count

    def done(self) -> None:
        self.ended = True


def test_downloads_once_and_then_needs_no_network(server: _Server, cache: SourceCache) -> None:
    recorder = _Recorder()
    ref = _ref(server)
    fetch([ref, ref], cache, recorder, limits=QUICK)
    (task,) = recorder.tasks
    assert (task.name, task.total, task.count, task.ended) == ("a.tar.gz", len(DATA), len(DATA), True)
    server.shutdown()
    server.server_close()
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert len(server.requests) == 1


def test_missing_file_lists_what_was_tried(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.head(404, 0)
    ref = SourceRef(f"{server.url}/a.tar.gz", SHA, mirrors=(f"{server.url}/b.tar.gz",))
    with pytest.raises(SourceNotFound) as caught:
        fetch([ref], cache, limits=QUICK)
    assert "404" in caught.value.why
    assert "b.tar.gz" in caught.value.why
    assert len(server.requests) == 2, "a plain 404 is not asked for again"


def test_second_mirror_is_tried(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if "good" in handler.path else handler.head(404, 0)
    ref = SourceRef(f"{server.url}/a.tar.gz", SHA, mirrors=(f"{server.url}/good",))
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA


def test_passing_trouble_is_sat_out(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if len(server.requests) > 2 else handler.head(503, 0)
    assert _get(server, cache) == DATA


def test_stalling_server_is_given_up(server: _Server, cache: SourceCache) -> None:
    server.answer = server.stall
    with pytest.raises(SourceStalled) as caught:
        _get(server, cache)
    assert "a.tar.gz" in caught.value.what
    assert _nothing_cached(cache)


def test_server_that_never_answers_is_given_up(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.hang_up() if server.released.wait(30) else None
    with pytest.raises(SourceStalled, match="stopped sending"):
        _get(server, cache)


def test_dripping_server_is_given_up(server: _Server, cache: SourceCache) -> None:
    def drip(handler: _Handler) -> None:
        handler.head(200, len(DATA))
        while not server.released.wait(0.05):
            handler.wfile.write(b"x")

    server.answer = drip
    limits = Limits(connect=2, read=1, attempts=1, slow_bytes=1000, slow_seconds=0.5)
    started = time.monotonic()
    with pytest.raises(SourceStalled, match="stopped sending"):
        fetch([_ref(server)], cache, limits=limits)
    assert time.monotonic() - started < 5


def test_stalled_download_resumes_where_it_stopped(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: server.stall(handler) if len(server.requests) == 1 else handler.whole()
    assert _get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["", "bytes=1000-"]


def _promise_more(handler: _Handler) -> None:
    handler.head(200, len(DATA) + 5000)
    handler.wfile.write(DATA[: len(DATA) // 2])
    handler.hang_up()


def test_truncating_server_is_named(server: _Server, cache: SourceCache) -> None:
    server.answer = _promise_more
    with pytest.raises(SourceTruncated) as caught:
        _get(server, cache)
    assert "broke off" in caught.value.what
    assert _nothing_cached(cache)


def test_connection_that_dies_midway_is_resumed(server: _Server, cache: SourceCache) -> None:
    def die_twice(handler: _Handler) -> None:
        if len(server.requests) > 2:
            handler.whole()
        elif handler.headers.get("Range"):
            handler.head(206, 200_000, Content_Range=f"bytes 100000-{len(DATA) - 1}/{len(DATA)}")
            handler.wfile.write(DATA[100_000:150_000])
            handler.hang_up()
        else:
            handler.head(200, len(DATA))
            handler.wfile.write(DATA[:100_000])
            handler.hang_up()

    server.answer = die_twice
    assert _get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["", "bytes=100000-", "bytes=150000-"]


def test_connection_that_dies_before_an_answer_is_tried_again(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if len(server.requests) > 1 else handler.hang_up()
    assert _get(server, cache) == DATA


def test_chunked_answer_that_breaks_off_is_truncated(server: _Server, cache: SourceCache) -> None:
    def chunked(handler: _Handler) -> None:
        handler.head(200, None, Transfer_Encoding="chunked")
        handler.wfile.write(b"400\r\n" + DATA[:1024] + b"\r\n")
        handler.hang_up()

    server.answer = chunked
    with pytest.raises(SourceTruncated):
        _get(server, cache)


def test_length_that_promises_too_little_is_a_wrong_file(server: _Server, cache: SourceCache) -> None:
    def cut(handler: _Handler) -> None:
        handler.head(200, len(DATA) - 1000)
        handler.wfile.write(DATA[:-1000])

    server.answer = cut
    with pytest.raises(ChecksumMismatch, match=f"{len(DATA) - 1000} bytes"):
        _get(server, cache)


def test_changed_bytes_are_refused_and_not_kept(server: _Server, cache: SourceCache) -> None:
    changed = DATA[:-1] + bytes([DATA[-1] ^ 1])
    server.answer = lambda handler: handler.whole(changed)
    with pytest.raises(ChecksumMismatch) as caught:
        _get(server, cache)
    assert hashlib.sha256(changed).hexdigest() in caught.value.what
    assert SHA in caught.value.what
    assert caught.value.hint
    assert not list(cache.root.glob("parts/*"))
    assert _nothing_cached(cache)
    server.answer = _Handler.whole
    assert _get(server, cache) == DATA


def test_part_of_another_file_is_begun_again(server: _Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    assert _get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["bytes=1000-", ""]


def test_part_that_is_longer_than_the_file_is_begun_again(server: _Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(DATA) + 5))
    assert _get(server, cache) == DATA


def test_part_that_is_whole_is_taken_in_without_asking(server: _Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    assert _get(server, cache) == DATA
    assert server.requests == []


def test_server_without_ranges_starts_over(server: _Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:1000])

    def whole_only(handler: _Handler) -> None:
        handler.head(200, len(DATA))
        handler.wfile.write(DATA)

    server.answer = whole_only
    assert _get(server, cache) == DATA


def test_server_that_sends_another_range_is_not_believed(server: _Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:1000])

    def off_by_one(handler: _Handler) -> None:
        if handler.headers.get("Range"):
            handler.head(206, len(DATA) - 999, Content_Range=f"bytes 999-{len(DATA) - 1}/{len(DATA)}")
            handler.wfile.write(DATA[999:])
        else:
            handler.whole()

    server.answer = off_by_one
    assert _get(server, cache) == DATA


def test_compressed_transfer_is_not_undone(server: _Server, cache: SourceCache) -> None:
    # Some servers call a .tar.gz gzip-encoded; the pinned bytes are those of the .tar.gz.
    def encoded(handler: _Handler) -> None:
        handler.head(200, len(DATA), Content_Encoding="gzip")
        handler.wfile.write(DATA)

    server.answer = encoded
    assert _get(server, cache) == DATA


def test_one_bad_file_does_not_keep_the_others(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.head(404, 0) if "bad" in handler.path else handler.whole()
    bad = SourceRef(f"{server.url}/bad.tar.gz", "0" * 64)
    with pytest.raises(SourceNotFound, match=r"bad\.tar\.gz"):
        fetch([bad, _ref(server)], cache, limits=QUICK)
    assert cache.get(_ref(server)) is not None


def test_unreachable_server_is_no_network(cache: SourceCache) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    refs = [SourceRef(f"{url}/{name}.tar.gz", name * 64) for name in "abcdef"]
    started = time.monotonic()
    with pytest.raises(NoNetwork) as caught:
        fetch(refs, cache, limits=QUICK)
    assert all(ref.filename in caught.value.what for ref in refs)
    assert time.monotonic() - started < 5


class _FullFile(io.FileIO):
    """A file on a disk that has room for 100,000 bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_no_temporary_file_is_taken_for_whole_when_the_disk_is_full(
    server: _Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *mode: _FullFile(path, "a+") if path.suffix == ".part" else opened(path, *mode),
    )
    with pytest.raises(DiskFull) as caught:
        _get(server, cache)
    assert str(cache.root) in caught.value.what
    assert "TFPORT_HOME" in caught.value.hint
    assert _nothing_cached(cache)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_named_and_the_next_run_continues(server: _Server, small_disk: Path) -> None:
    cache = SourceCache(small_disk)
    with pytest.raises(DiskFull):
        _get(server, cache)
    assert _nothing_cached(cache)
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    assert _get(server, cache) == DATA
    assert server.requests[-1][1].startswith("bytes="), "what had arrived was not used"


def _program(server: _Server, cache: SourceCache) -> list[str]:
    code = f"""
        from pathlib import Path
        from tfport.sources import Limits, SourceCache, SourceRef, fetch
        ref = SourceRef({_ref(server).url!r}, {SHA!r})
        fetch([ref], SourceCache(Path({str(cache.root)!r})), limits=Limits(read=20))
    """
    return [sys.executable, "-c", textwrap.dedent(code)]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def _part_size(cache: SourceCache) -> int:
    part = cache.part(SHA)
    return part.stat().st_size if part.exists() else 0


def test_ctrl_c_ends_at_once_and_the_next_run_continues(server: _Server, cache: SourceCache) -> None:
    server.answer = lambda handler: server.stall(handler) if len(server.requests) == 1 else handler.whole()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(_program(server, cache), env=environment, stderr=subprocess.PIPE, cwd=ROOT)
    _wait_for(lambda: len(server.requests) == 1)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=10)
    assert time.monotonic() - started < 5
    assert process.returncode != 0
    assert _nothing_cached(cache)
    assert _get(server, cache) == DATA


def test_killed_download_is_continued(server: _Server, cache: SourceCache) -> None:
    def half(handler: _Handler) -> None:
        if len(server.requests) > 1:
            handler.whole()
            return
        handler.head(200, len(DATA))
        handler.wfile.write(DATA[:200_000])
        handler.wfile.flush()
        server.released.wait(30)

    server.answer = half
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(_program(server, cache), env=environment, cwd=ROOT)
    _wait_for(lambda: _part_size(cache) >= 100_000)
    process.kill()
    process.wait(10)
    assert _nothing_cached(cache)
    assert _get(server, cache) == DATA
    assert server.requests[-1][1].startswith("bytes=1") or server.requests[-1][1].startswith("bytes=2")


def test_two_fetches_at_once_download_once(server: _Server, cache: SourceCache) -> None:
    def slow(handler: _Handler) -> None:
        time.sleep(0.3)
        handler.whole()

    server.answer = slow
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen(_program(server, cache), env=environment, cwd=ROOT) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert cache.path(SHA).read_bytes() == DATA
    assert len(server.requests) == 1


def test_debian_pool_of_a_mirror(
    server: _Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror(f"{server.url}/debian/"),))
    ref = SourceRef("debian:forky/fp16/0.0~git1-1/fp16_0.0~git1.orig.tar.xz", SHA)
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert server.requests == [("/debian/pool/main/f/fp16/fp16_0.0~git1.orig.tar.xz", "")]


def test_index_of_a_mirror_is_asked_when_the_pool_path_fails(
    server: _Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mirror has no index either: apt says so, and all that was tried is listed.
    server.answer = lambda handler: handler.head(404, 0)
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror(f"{server.url}/debian/"),))
    ref = SourceRef("debian:forky/fp16/0.0~git1-1/fp16_0.0~git1.orig.tar.xz", SHA)
    with pytest.raises(SourceNotFound) as caught:
        fetch([ref], cache, limits=QUICK)
    assert "404" in caught.value.why
    assert "the index of Debian forky does not list fp16 0.0~git1-1" in caught.value.why
    assert (
        any("/dists/forky/" in path for path, _ in server.requests)
        or "not on this machine" in caught.value.why
    )


def test_package_index(server: _Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def index(handler: _Handler) -> None:
        if handler.path == "/simple/ml-dtypes/":
            page = f'<a href="../../files/ml_dtypes-0.2.0.tar.gz#sha256={SHA}">x</a>'.encode()
            handler.head(200, len(page), Content_Type="text/html")
            handler.wfile.write(page)
        else:
            handler.whole()

    server.answer = index
    monkeypatch.setattr(pypi, "pip_configuration", lambda: Pip((f"{server.url}/simple",)))
    ref = SourceRef("pypi:ml-dtypes/0.2.0/ml_dtypes-0.2.0.tar.gz", SHA)
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert [path for path, _ in server.requests] == ["/simple/ml-dtypes/", "/files/ml_dtypes-0.2.0.tar.gz"]
