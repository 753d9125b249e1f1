"""A server on loopback that misbehaves in every way a mirror was seen to, and what is fetched from it."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Optional

from tfport.sources import Limits, SourceCache, SourceRef, Task, fetch

DATA = hashlib.shake_256(b"tfport").digest(300_000)
SHA = hashlib.sha256(DATA).hexdigest()
QUICK = Limits(connect=2, read=0.5, attempts=3, backoff=0.01)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

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


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str]] = []
        self.answer: Callable[[Handler], None] = Handler.whole
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that goes away is part of the tests

    def stall(self, handler: Handler) -> None:
        """Send a part, then nothing more until the test ends."""
        handler.head(200, len(DATA))
        handler.wfile.write(DATA[:1000])
        handler.wfile.flush()
        self.released.wait(30)
        handler.hang_up()


def ref_to(server: Server, name: str = "a.tar.gz", data: bytes = DATA) -> SourceRef:
    return SourceRef(f"{server.url}/{name}", hashlib.sha256(data).hexdigest())


def get(server: Server, cache: SourceCache) -> bytes:
    (path,) = fetch([ref_to(server)], cache, limits=QUICK)
    return path.read_bytes()


def nothing_cached(cache: SourceCache) -> bool:
    return not list(cache.root.glob("s/*"))


class Recorder:
    """Progress that counts; every task has to end."""

    def __init__(self) -> None:
        self.tasks: list[Recorded] = []

    def start(self, name: str, total: Optional[int]) -> Task:
        self.tasks.append(Recorded(name, total))
        return self.tasks[-1]


class Recorded:
    def __init__(self, name: str, total: Optional[int]) -> None:
        self.name, self.total, self.count, self.ended = name, total, 0, False

    def advance(self, count: int) -> None:
        self.count += count

    def done(self) -> None:
        self.ended = True
