"""tfport-run for TensorFlow itself, compiled for this machine against the host's TensorFlow.

The engine uses nothing but the C API, which the wheel has as well: so it is proven here before there is a
library for the target.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pytest

from tests.integration.cross import ROOT
from tfport.command import run
from tfport.reference import TENSORFLOW_VERSION, installed_version

RUNTIME = ROOT / "runtime"
HEAP_WRAPPERS = "malloc calloc realloc free memalign aligned_alloc posix_memalign"
# Stands in for our patches to TensorFlow's kernels. Two nodes, to see that the runner asks.
SWITCH = """
static int g_on = -1;
extern "C" void tfport_core_set_xnnpack(int on) { g_on = on; }
extern "C" long tfport_core_xnnpack_ops(void) { return g_on == 1 ? 2 : 0; }
"""

needs_host = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION or shutil.which("g++") is None,
    reason="host TensorFlow or a compiler for this machine is not installed",
)


def wheel() -> Path:
    """The folder of the host's tensorflow package, without importing it."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def runner_sources() -> list[Path]:
    """What CMakeLists.txt compiles for -DTFPORT_RUNTIME=core."""
    text = (RUNTIME / "runner" / "CMakeLists.txt").read_text(encoding="utf-8")
    engine = re.search(r"TensorFlowCore\)\s+set\(engine([^)]+)\)", text)
    common = re.search(r"add_executable\(tfport-run\s+\$\{heap\}([^$]+)\$\{engine\}\)", text)
    assert engine is not None and common is not None
    return [RUNTIME / "runner" / name for name in ("heap.cc", *(engine[1] + common[1]).split())]


def compile_all(folder: Path, sources: list[Path], *flags: str) -> list[Path]:
    """Compile C and C++ files, one at a time, with every warning an error."""
    objects = []
    for source in sources:
        language = ("gcc", "-std=gnu99") if source.suffix == ".c" else ("g++", "-std=gnu++17")
        objects.append(folder / f"{source.name}.o")
        includes = ("-isystem", str(wheel() / "include"), f"-I{RUNTIME / 'core' / 'include'}")
        words = (*language, "-O1", "-Wall", "-Wextra", "-Werror", "-D_FILE_OFFSET_BITS=64", *includes)
        run([*words, *flags, "-c", source, "-o", objects[-1]])
    return objects


def link(program: Path, objects: list[Path], *flags: str) -> Path:
    """Link with the libraries of the wheel, which the program then finds by itself."""
    libraries = [wheel() / f"libtensorflow_{name}.so.2" for name in ("cc", "framework")]
    search = (f"-Wl,-rpath,{wheel()}", "-Wl,--allow-shlib-undefined")
    run(["g++", "-o", program, *objects, *flags, *libraries, *search])
    return program


def library(folder: Path) -> list[Path]:
    """The objects of runtime/core, and the switch."""
    (folder / "switch.cc").write_text(SWITCH)
    sources = [*sorted((RUNTIME / "core").glob("*.c*")), RUNTIME / "common" / "cpu.c", folder / "switch.cc"]
    return compile_all(
        folder, sources, "-DTFPORT_CHECK_CPU=TfPortCoreCheckCpu", '-DTFPORT_TARGET="this machine"'
    )


@dataclass
class Done:
    """How a run ended; ``report`` is the JSON, ``outputs`` are arrays, or lists of bytes, by name."""

    code: int
    said: str
    report: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def error(self) -> str:
        return str(self.report["error"]["message"])


@dataclass(frozen=True)
class Runner:
    """The program, and the folder of the models."""

    program: Path
    models: Path

    def words(self, model: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run without --json; stdout and stderr are kept apart."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
        environment["CUDA_VISIBLE_DEVICES"] = ""
        words = [self.program, self.models / model, *arguments]
        return subprocess.run(
            words, capture_output=True, text=True, errors="backslashreplace", timeout=60, env=environment
        )

    def __call__(self, model: str, *arguments: str, output: Optional[Path] = None) -> Done:
        more = ("--output", str(output)) if output is not None else ()
        done = self.words(model, "--json", *arguments, *more)
        assert done.returncode >= 0, f"{model} ended by signal {-done.returncode}: {done.stderr}"
        report = json.loads(done.stdout)
        outputs: dict[str, Any] = {}
        if output is not None and done.returncode == 0:
            outputs = {each["name"]: _load(output / each["file"], each) for each in report["outputs"]}
        return Done(done.returncode, done.stderr, report, outputs)


def _load(path: Path, entry: dict[str, Any]) -> Any:
    """The array of one output; of strings, the flat list."""
    if path.suffix == ".npy":
        array: npt.NDArray[Any] = np.load(path)
        assert (list(array.shape), array.dtype.name) == (entry["shape"], entry["dtype"])
        return array
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["shape"], content["dtype"]) == (entry["shape"], "string")
    return [text.encode("utf-8", "surrogateescape") for text in content["data"]]
