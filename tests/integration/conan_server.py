"""A real conan_server on loopback, which can be told to fail.

It is a package of its own whose modules would overwrite Conan's, so it is unpacked beside and not installed.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tfport.environment import tfport_home
from tfport.errors import NoNetwork, SourceNotFound
from tfport.sources import SourceCache, SourceRef, fetch

USER = {"CONAN_LOGIN_USERNAME": "demo", "CONAN_PASSWORD": "demo"}
_MAIN = Path(__file__).with_name("conan_server_main.py")
_REFS = [
    SourceRef(f"pypi:{place}", sha256)
    for place, sha256 in (
        (
            "conan-server/2.33.0/conan_server-2.33.0-py3-none-any.whl",
            "8d8abf575e8bf82763f3caf4c1a75d37d8421b8d7cf3d7d3a1569d660e4e4e19",
        ),
        (
            "bottle/0.13.4/bottle-0.13.4-py2.py3-none-any.whl",
            "045684fbd2764eac9cdeb824861d1551d113e8b683d8d26e296898d3dd99a12e",
        ),
        (
            "pyjwt/2.15.1/pyjwt-2.15.1-py3-none-any.whl",
            "42d59d631f7768a1028a64c7ff581a9bf7519804daf91fc5b6c56e30eec5e193",
        ),
        (
            "pluginbase/1.0.1/pluginbase-1.0.1.tar.gz",
            "ff6c33a98fce232e9c73841d787a643de574937069f0d18147028d70d7dee287",
        ),
    )
]


@dataclass
class ConanServer:
    """One server with its data in ``folder``; ``modules`` is where its code lies."""

    folder: Path
    modules: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> ConanServer:
        """Serve, at the same port as before if there was one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        words = [sys.executable, "-I", str(_MAIN), str(self.modules), str(self.folder), str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def misbehave(self, how: str) -> None:
        """``die NAME``: in the middle of a file so named; ``refuse NAME``: with 500; "" for nothing."""
        (self.folder / "control").write_text(how)

    def holds(self, name: str) -> list[str]:
        """The files of that name, by the part of their path that tells what they belong to."""
        data = self.folder / "data"
        return sorted(str(path.relative_to(data)) for path in data.rglob(name))

    @property
    def requests(self) -> list[str]:
        """Method and path of each request so far."""
        path = self.folder / "requests"
        return path.read_text().splitlines() if path.exists() else []


@contextlib.contextmanager
def conan_server(folder: Path) -> Iterator[ConanServer]:
    """A server for as long as this lasts; skips the test where its package cannot be had."""
    try:
        files = fetch(_REFS, SourceCache(tfport_home() / "sources"))
    except (NoNetwork, SourceNotFound):
        pytest.skip("conan_server is neither in the cache nor to be had: no network")
    modules = folder / "modules"
    for ref, path in zip(_REFS, files):
        if ref.filename.endswith(".whl"):
            with zipfile.ZipFile(path) as wheel:
                wheel.extractall(modules)
        else:
            with tarfile.open(path) as archive:
                archive.extract("pluginbase-1.0.1/pluginbase.py", modules)
            (modules / "pluginbase-1.0.1" / "pluginbase.py").replace(modules / "pluginbase.py")
    server = ConanServer(folder / "server", modules)
    try:
        yield server.start()
    finally:
        server.stop()
