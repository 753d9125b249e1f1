"""Other people's engines: from the wheels that they publish, under an ARM Python in a folder of its own, and
from Debian (``arm_compute``).

Nothing is installed: Debian's packages and the wheels are unpacked below the tools folder and run by the
dynamic emulator with that folder as its root.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfport.bench import arm_compute
from tfport.bench.cases import Case
from tfport.bench.data import HERE, load
from tfport.bench.engines import Engine, Prepared, Ran, facts_in_bytes
from tfport.bench.ncnn_graph import input_blob, output_blob, write_ncnn
from tfport.bench.profile import MONOTONIC_RAW, Words
from tfport.bench.unpacked import Unpacker
from tfport.emulator import Emulator
from tfport.errors import CommandFailed, EmulatorFailed, TfportError
from tfport.sources import SourceCache, SourceRef
from tfport.target import Target

GUEST = HERE / "guest"
_LIBRARIES = "usr/lib/arm-linux-gnueabihf"
_PYTHON = "usr/bin/python3.11"
_TIME_LIMIT = 1200.0


@dataclass(frozen=True)
class Description:
    """A row of ``peers.toml``, which explains the keys."""

    name: str
    version: str
    wheel: str
    sha256: str
    script: str
    graph: str
    library: str


def described() -> tuple[Description, ...]:
    """Every peer that there is."""
    return tuple(Description(**row) for row in load("peers.toml")["peer"])


def packages() -> list[SourceRef]:
    """The Debian packages of the guest's Python."""
    return [SourceRef(row["url"], row["sha256"]) for row in load("peers.toml")["package"]]


@dataclass(frozen=True)
class Peer:
    """A peer that is unpacked: ``root`` is the guest's root, ``site`` the folder of its wheel."""

    description: Description
    target: Target
    root: Path
    site: Path
    work: Path
    ours: bool = False

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def version(self) -> str:
        return self.description.version

    def refuses(self, case: Case, threads: int) -> str:
        if threads != 1:
            return "peers are measured on one thread"
        if len(case.lite.inputs) != 1 or len(case.lite.outputs) != 1:
            return "peers are given models of one input and one output"
        return ""

    def prepare(self, case: Case) -> Prepared:
        emulator = Emulator((*self._prefix(), str(self.root / _PYTHON)))
        folder = self.work / self.name / f"{case.network}-{case.precision}"
        folder.mkdir(parents=True, exist_ok=True)
        model, feed, extra = case.lite.path, case.feed[0][1], []
        foreign = self.description.graph == "ncnn"
        if foreign:
            model, feed = write_ncnn(case.lite, folder), folder / "input.npy"
            np.save(feed, case.real_input())
            extra = [input_blob(case.lite), output_blob(case.lite)]
        result = folder / "output.npy"

        def words(rounds: int) -> Words:
            return [GUEST / self.description.script, model, feed, result, str(rounds), *extra]

        def run(threads: int, rounds: int, plugin: str) -> Ran:
            result.unlink(missing_ok=True)
            try:
                done = emulator.run(words(rounds), timeout=_TIME_LIMIT, plugin=plugin)
                facts = json.loads(done.stdout.splitlines()[-1])
                return Ran([np.load(result, allow_pickle=False)], facts_in_bytes(facts))
            except (CommandFailed, OSError, ValueError, IndexError) as error:
                raise EmulatorFailed(f"{self.name} left no result", str(error)) from None

        return Prepared(
            run=run,
            judge=case.judge_foreign if foreign else case.judge,
            program_bytes=(self.site / self.description.library).stat().st_size,
            clock=MONOTONIC_RAW,
            idle=lambda plugin: emulator.run(words(0), timeout=_TIME_LIMIT, plugin=plugin),
        )

    def _prefix(self) -> Sequence[str]:
        lib = self.root / _LIBRARIES
        places = f"{lib / 'blas'}:{lib / 'lapack'}"
        program, _, cpu, *_ = self.target.emulator_command
        # A fixed seed of hashes: otherwise every run of Python executes something else.
        variables = (f"LD_LIBRARY_PATH={places}", f"PYTHONPATH={self.site}:{GUEST}", "PYTHONHASHSEED=0")
        settings = (*variables, "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1")
        given = [word for each in settings for word in ("-E", each)]
        return (program, "-cpu", cpu, "-L", str(self.root), *given)


def available(
    target: Target,
    cache: SourceCache,
    tools: Path,
    work: Path,
    progress: Callable[[], Any],
    offline: bool = False,
) -> tuple[list[Engine], list[str]]:
    """The peers that can be had here, and one line for each that cannot.

    ``progress()`` is a context manager that gives what ``fetch`` reports to.
    """
    if target.board is not None:
        return [], [f"peers are left out: they need an operating system, which {target.name} has not"]
    unpacker = Unpacker(tools, cache, progress, offline)
    found: list[Engine] = []
    left_out: list[str] = []
    try:
        root = unpacker.debian(packages(), "guest")
    except TfportError as error:
        left_out.append(f"peers from wheels are left out: the guest's Python cannot be had ({error.what})")
    else:
        for description in described():
            try:
                site = unpacker.wheel(SourceRef(description.wheel, description.sha256), description.name)
            except TfportError as error:
                left_out.append(_cannot_be_had(description.name, error))
            else:
                found.append(Peer(description, target, root, site, work))
    try:
        root = unpacker.debian(arm_compute.packages(), "arm-compute")
    except TfportError as error:
        left_out.append(_cannot_be_had(str(arm_compute.described()["name"]), error))
    else:
        found.append(arm_compute.ArmComputePeer(target, root, tools, work))
    return found, left_out


def _cannot_be_had(name: str, error: TfportError) -> str:
    return f"{name} is left out: it cannot be had ({error.what})"
