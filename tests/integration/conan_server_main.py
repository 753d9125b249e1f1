"""The process of a conan_server: arguments are the folder of its modules, its own folder, and the port."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

CONFIG = """[server]
jwt_secret: secret-of-these-tests-that-is-long-enough
jwt_expire_minutes: 120
ssl_enabled: False
port: {port}
host_name: 127.0.0.1
authorize_timeout: 1800
disk_storage_path: {folder}/data
disk_authorize_timeout: 1800
updown_secret: another-secret-of-these-tests-that-is-long
[write_permissions]
*/*@*/*: demo
[read_permissions]
*/*@*/*: *
[users]
demo: demo
reader: reader
"""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def faulty(app: Any, folder: Path) -> Any:
    """The application behind what ``control`` says; every request is noted."""

    def call(environ: dict[str, Any], start: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with (folder / "requests").open("a") as log:
            log.write(f"{method} {path}\n")
        control = folder / "control"
        how, _, name = (control.read_text() if control.exists() else "").partition(" ")
        if how and method == "PUT" and name in path:
            if how == "die":
                environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]) // 2)
                os._exit(1)
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            start("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"the disk of the server is full"]
        return app(environ, start)

    return call


def main(modules: str, folder: Path, port: int) -> None:
    sys.path.insert(0, modules)
    (folder / "server.conf").write_text(CONFIG.format(folder=folder, port=port))
    from conans.server.launcher import ServerLauncher

    app = ServerLauncher(server_dir=str(folder)).server.root_app
    make_server("127.0.0.1", port, faulty(app, folder), Server, Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
