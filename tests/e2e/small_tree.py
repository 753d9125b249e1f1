"""A tree of its own with one small recipe, so that a whole run of the front door takes seconds.

The recipe has the name of the SDK's. Its source is a file that the test serves; it compiles one C file, whose
object is as large as the test wants, and its package is a copy of an SDK that was built in earnest. So every
stage of the main job runs as it is, the artefact's check included; the catalogue of demo models is empty.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import textwrap
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tfport.target import ROOT

ENV = {"CCACHE_DISABLE": "1", "http_proxy": "", "HTTP_PROXY": "", "all_proxy": "", "ALL_PROXY": ""}
CONANFILE = """
    import os
    from conan import ConanFile
    from conan.tools.files import copy, get

    class Small(ConanFile):
        name = "tfport-lite"
        settings = "os", "arch", "compiler", "build_type"
        options = {{"ops": ["ANY"]}}
        default_options = {{"ops": "all"}}

        def source(self):
            get(self, **self.conan_data["sources"][self.version], strip_root=True)

        def build(self):
            compiler = self.conf.get("tools.build:compiler_executables", check_type=dict)["c"]
            self.run(f"{{compiler}} -c {{self.source_folder}}/large.c -o large.o")

        def package(self):
            copy(self, "*", {sdk!r}, self.package_folder, excludes="report.json")
"""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        start = int(asked[len("bytes=") :].split("-")[0]) if asked else 0
        data, whole = self.server.data, len(self.server.data)
        self.server.ranges.append(asked)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(whole - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.end_headers()
        if len(self.server.ranges) == 1 and self.server.stall_first:
            self.wfile.write(data[: whole // 2])
            self.wfile.flush()
            self.server.over.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(data[start:])

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves ``data`` under every name; with ``stall_first`` the first answer stops in its middle."""

    daemon_threads = True

    def __init__(self, data: bytes, stall_first: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data, self.stall_first = data, stall_first
        self.ranges: list[str] = []
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that goes away is what the tests are about

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


@dataclass
class SmallTree:
    """The tree in ``folder``, with its caches in ``home`` and its result in ``output``."""

    folder: Path
    home: Path
    output: Path
    sdk: Path
    object_bytes: int = 4 << 20
    stall_first: bool = False
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        for part in ("tfport", "toolchains"):
            shutil.copytree(ROOT / part, self.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("patches", "runtime", "models"):
            (self.folder / name).mkdir()
        (self.folder / "models" / "models.toml").write_text("schema = 1\n")
        data = self._archive()
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.server = Server(data, self.stall_first)
        recipe = self.folder / "recipes" / "tfport-lite"
        (recipe / "all").mkdir(parents=True)
        (recipe / "config.yml").write_text('versions:\n  "2.14.1":\n    folder: all\n')
        (recipe / "all" / "conanfile.py").write_text(
            textwrap.dedent(CONANFILE).format(sdk=str(self.sdk)), encoding="utf-8"
        )
        url = f"http://127.0.0.1:{self.server.server_address[1]}/small.tar.gz"
        (recipe / "all" / "conandata.yml").write_text(
            f'sources:\n  "2.14.1":\n    sha256: {self.sha256}\n    url: {url}\n', encoding="utf-8"
        )

    def _archive(self) -> bytes:
        """2 MB that cannot be compressed, and the C file."""
        made = io.BytesIO()
        source = f"char large[{self.object_bytes}] = {{1}};\n".encode()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name, data in (("large.c", source), ("noise", os.urandom(2 << 20))):
                info = tarfile.TarInfo(f"small-1.0/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return made.getvalue()

    @property
    def cached(self) -> Path:
        """Where the source lies once it is whole."""
        return self.home / "sources" / "s" / self.sha256

    @property
    def part(self) -> Path:
        return self.home / "sources" / "parts" / f"{self.sha256}.part"

    @property
    def leftovers(self) -> list[str]:
        """What lies about where the SDK is to be."""
        return sorted(path.name for path in self.output.parent.iterdir() if path != self.output)

    @property
    def said(self) -> str:
        """All that the run said that was started last."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def _log(self) -> Path:
        return self.folder / "said.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Begin the main job, in a process group of its own as a shell does it."""
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder)!r}); "
            "from tfport.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        words = [sys.executable, "-I", "-B", "-c", code, "--target", "zuluko", "--no-reference"]
        words += ["--output", str(self.output)]
        with self._log.open("wb") as sink:
            return subprocess.Popen(
                words,
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **ENV, "TFPORT_HOME": str(self.home)},
                start_new_session=True,
            )

    def run(self) -> tuple[int, str]:
        """The main job to its end: the exit code, and what it said."""
        return self.start().wait(timeout=300), self.said
