"""A compile farm on this machine: distccd and Redis on loopback, and a small library to build there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.cross import needs_compiler
from tfport.recipe import Recipe

FILES = 8
CONANFILE = """
    import os
    from conan import ConanFile
    from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
    from conan.tools.files import copy

    class Farmed(ConanFile):
        name = "tiny-farmed"
        settings = "os", "arch", "compiler", "build_type"
        exports_sources = "CMakeLists.txt", "*.c"

        def layout(self):
            cmake_layout(self)

        def generate(self):
            CMakeToolchain(self).generate()

        def build(self):
            cmake = CMake(self)
            cmake.configure()
            cmake.build()

        def package(self):
            copy(self, "*.a", self.build_folder, os.path.join(self.package_folder, "lib"), keep_path=False)
"""
needs_distcc = [
    needs_compiler,
    pytest.mark.skipif(shutil.which("distccd") is None, reason="no distccd here: apt-get install distcc"),
]
needs_ccache = pytest.mark.skipif(shutil.which("ccache") is None, reason="no ccache on this machine")


def tiny_library(folder: Path) -> Recipe:
    """A recipe of FILES C files; each takes a moment to compile."""
    folder.mkdir(parents=True)
    (folder / "conanfile.py").write_text(textwrap.dedent(CONANFILE))
    names = [f"part{number}.c" for number in range(FILES)]
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.15)\nproject(farmed C)\n"
        f"add_library(farmed STATIC {' '.join(names)})\n"
    )
    for name in names:
        stem = name[:-2]
        bodies = (
            f"int {stem}_{i}(int *x, int n) {{ int s = {i}; while (n--) s += x[n] * {i}; return s; }}\n"
            for i in range(40)
        )
        (folder / name).write_text("".join(bodies))
    return Recipe("tiny-farmed", "1.0", folder)


class Daemon:
    """A server on a free port of loopback; ends with its children, by its process group."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                self.words(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        limit = time.monotonic() + 20
        while not self.answers():
            assert self._process.poll() is None and time.monotonic() < limit, self.said()
            time.sleep(0.05)

    def words(self) -> Sequence[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def die(self) -> None:
        """Without a word to anybody."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)


class Distccd(Daemon):
    """A host with two slots."""

    def words(self) -> Sequence[str]:
        here = ("--listen", "127.0.0.1", "--allow", "127.0.0.1", "--port", str(self.port))
        return (
            "distccd",
            "--daemon",
            "--no-detach",
            *here,
            "--jobs",
            "2",
            "--log-stderr",
            "--log-level=info",
        )

    @property
    def spec(self) -> str:
        return f"127.0.0.1:{self.port}/2"

    def compiled(self) -> list[str]:
        """The sources that it has compiled."""
        return re.findall(r"COMPILE_OK .*?(\w+\.c)$", self.said(), re.MULTILINE)

    def begun(self) -> bool:
        return "compile from part" in self.said()


class Redis(Daemon):
    """An empty Redis that keeps nothing on disk."""

    def words(self) -> Sequence[str]:
        return ("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "")
