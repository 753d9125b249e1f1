"""Debian's build of the Arm Compute Library as a peer, on the graph that our own engine of it has.

The model compiler generates the same network for it as for ``--runtime acl``, but leaves to the library how
it convolves (Winograd among its ways). Built with Debian's headers against its shared library, the program
runs in a folder with the Debian packages that the library needs.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tfport.acl.generate import Compiled, compile_model, render
from tfport.bench.cases import Case
from tfport.bench.data import HERE, load
from tfport.bench.engines import Prepared, Ran
from tfport.bench.guest_build import built_once, cmake
from tfport.command import Completed
from tfport.emulator import Emulator
from tfport.errors import NotCompilable
from tfport.sources import SourceRef
from tfport.target import ROOT, Target
from tfport.target_run import Runner, Setting

PROJECT = HERE / "guest" / "arm_compute"
# The function that chooses among the library's convolutions, for the one that our engine calls.
_CHOOSING = {"NEGEMMConvolutionLayer": "NEConvolutionLayer"}
_MANIFEST = b'const char tfport_acl_manifest[] = "{}";\n'  # the runner asks for one
_TIME_LIMIT = 1200.0


@lru_cache(maxsize=1)
def described() -> Mapping[str, Any]:
    """``arm_compute`` of ``peers.toml``, which explains the keys."""
    found: Mapping[str, Any] = load("peers.toml")["arm_compute"]
    return found


def packages() -> list[SourceRef]:
    """The Debian packages of the library and of what it is linked with."""
    return [SourceRef(row["url"], row["sha256"]) for row in described()["package"]]


@dataclass(frozen=True)
class ArmComputePeer:
    """``root`` has the packages, ``tools`` keeps programs, ``work`` logs and outputs."""

    target: Target
    root: Path
    tools: Path
    work: Path
    ours: bool = False

    @property
    def name(self) -> str:
        return str(described()["name"])

    @property
    def version(self) -> str:
        return str(described()["version"])

    @property
    def _library(self) -> Path:
        return self.root / str(described()["library"])

    def refuses(self, case: Case, threads: int) -> str:
        if threads != 1:
            return "peers are measured on one thread"
        try:
            compile_model(case.lite.path)
        except NotCompilable as problem:
            return f"the model compiler knows no engine for it: {problem.why.splitlines()[0]}"
        return ""

    def prepare(self, case: Case) -> Prepared:
        program = self.program(compile_model(case.lite.path))
        name, _, cpu, *_ = self.target.emulator_command
        emulator = Emulator((name, "-cpu", cpu, "-L", str(self.root)))
        runner = Runner(emulator, program, self.work / "outputs", timeout=_TIME_LIMIT)

        def run(threads: int, rounds: int, plugin: str) -> Ran:
            more = ("--repeat", str(rounds))
            done = runner.run(case.lite.path, case.feed, Setting(threads, True), more, plugin)
            return Ran(done.outputs, {"heap_bytes": int(done.facts["heap_high_water_bytes"])})

        def idle(plugin: str) -> Completed:
            return emulator.run([program, "--version"], timeout=_TIME_LIMIT, plugin=plugin)

        return Prepared(run=run, judge=case.judge, program_bytes=self._library.stat().st_size, idle=idle)

    def program(self, compiled: Compiled) -> Path:
        """The network against Debian's library, built on first use. Raises ``CommandFailed``."""
        files = {**compiled.files, "engine.cc": self.source(compiled), "manifest.c": _MANIFEST}
        made = self.tools / f"arm-compute-{self._digest(files)}" / "peer"

        def build(work: Path) -> None:
            for name, content in files.items():
                (work / name).write_bytes(content)
            options = {
                "ENGINE_DIR": work,
                "ROOT_DIR": self.root,
                "RUNTIME_DIR": ROOT / "runtime",
                "LIBRARY": self._library.name,
                "VERSION": self.version,
                "TARGET": self.target.name,
            }
            cmake(self.target, PROJECT, work / "build", options, self.work / f"{self.name}.log")

        return built_once(made, build)

    def source(self, compiled: Compiled) -> bytes:
        """The network in C++, as ``engine.cc`` but for the functions of ``_CHOOSING``."""
        calls = [
            replace(call, function=_CHOOSING.get(call.function, call.function))
            for call in compiled.program.calls
        ]
        program = replace(compiled.program, calls=calls)
        return render(program, compiled.model, zlib.crc32(compiled.model.path.read_bytes())).encode()

    def _digest(self, files: Mapping[str, bytes]) -> str:
        """Of all that the program is made of."""
        digest = hashlib.sha256(f"{self.root.name} {self.target.compile_flags}".encode())
        for name in sorted(files):
            digest.update(hashlib.sha256(files[name]).digest())
        for folder in (PROJECT, *(ROOT / "runtime" / part for part in ("acl", "common", "runner"))):
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]
