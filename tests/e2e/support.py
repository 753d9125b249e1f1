"""What the end-to-end tests share: the front door, the cross compiler, the target's CPU."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from elftools.elf.elffile import ELFFile

from tfport import command
from tfport.command import Completed
from tfport.conan import Conan, render_profile
from tfport.emulator import Emulator
from tfport.environment import compile_jobs
from tfport.launcher import choose
from tfport.locks import hold
from tfport.recipe import load_recipes
from tfport.sources import SourceCache, fetch
from tfport.target import ROOT, Target

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
EXAMPLE = ROOT / "runtime" / "examples" / "classify.c"
SYSTEM_LIBS = ("-lstdc++", "-lpthread", "-lm")
GC = ("-ffunction-sections", "-Wl,--gc-sections")
ESPRESSO = 967
FEATURES = ("VFPv4", "hardware divide")  # what a Cortex-A9 lacks
Word = Union[str, Path]

# What build.py becomes once its virtual environment is there; these tests run in that environment.
_START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "from tfport.cli import main; sys.exit(main(sys.argv[1:]))"
)


def front_door(*arguments: Word) -> list[str]:
    """The words that do what ``python3 build.py ARGUMENTS`` does."""
    return [sys.executable, "-I", "-c", _START, *map(str, arguments)]


def tfport(
    *arguments: Word, timeout: float = 5400, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the front door to its end, whatever it returns."""
    return subprocess.run(
        front_door(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )


def home() -> Path:
    """Where tfport keeps its caches, by the rule of the front door."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport"
    return Path(os.environ.get("TFPORT_HOME") or base)


def conan_lock() -> AbstractContextManager[None]:
    """Keeps builds out of Conan's cache, which takes one writer at a time."""
    return hold(home() / "conan.lock", "Another build uses Conan's cache; waiting for it.", print)


def exported(logs: Path) -> Conan:
    """Conan on the user's cache, with sources fetched and all recipes exported as they are now."""
    conan = Conan(home() / "conan", home() / "sources", logs)
    recipes = load_recipes(ROOT)
    fetch([source for recipe in recipes for source in recipe.sources], SourceCache(home() / "sources"))
    with conan_lock():
        conan.export(recipes)
    return conan


def profile_of(target: Target) -> str:
    """The Conan profile with which the front door builds for ``target``."""
    return render_profile(target, compile_jobs(), home() / "conan" / "p", choose(None))


def on_board(target: Target, words: Sequence[Word], cpu: str = "", timeout: float = 300) -> Completed:
    """Run a target program under the emulator, whatever it returns; ``cpu`` instead of the target's own."""
    if cpu:
        target = dataclasses.replace(target, emulator=dataclasses.replace(target.emulator, cpu=cpu))
    return Emulator.for_target(target).run(words, timeout=timeout, check=False)


@dataclass(frozen=True)
class Sdk:
    """A deployed SDK; ``library`` is its archive's name, as ``-l`` takes it."""

    folder: Path
    target: Target
    library: str = "tensorflow-lite"

    @property
    def archive(self) -> Path:
        return self.folder / "lib" / f"lib{self.library}.a"

    @property
    def libs(self) -> tuple[str, ...]:
        """What a program links with, as the documentation says."""
        return (f"-l{self.library}", *SYSTEM_LIBS, *(["-ldl"] if self.library == "tensorflow-core" else []))

    @property
    def report(self) -> dict[str, Any]:
        """report.json."""
        content: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return content

    @property
    def models(self) -> Path:
        """Where the prepared models of TensorFlow core lie."""
        return self.folder / "share" / "tfport" / "models"

    @property
    def runner(self) -> Path:
        return self.folder / "bin" / "tfport-run"

    def gcc(self, *words: Word, cxx: bool = False, headers: str = "include") -> Completed:
        """Run the cross compiler with the SDK's headers and archive in reach."""
        program = self.target.compiler.program("g++" if cxx else "gcc")
        paths = (f"-I{self.folder / headers}", f"-L{self.folder / 'lib'}")
        return command.run([program, *paths, *words], timeout=300)

    def c_program(self, source: Path, result: Path, *flags: str) -> Path:
        """Compile and link one C file, as the README says."""
        self.gcc("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o", result, *flags, *self.libs)
        return result

    def cxx_program(self, source: Path, result: Path, *flags: str, headers: str = "include") -> Path:
        """Compile and link one C++17 file."""
        self.gcc("-std=c++17", "-O1", source, "-o", result, *flags, *self.libs, cxx=True, headers=headers)
        return result

    def run(self, *words: Word, cpu: str = "", timeout: float = 300) -> Completed:
        return on_board(self.target, words, cpu, timeout)


def classified(done: Completed) -> tuple[int, float]:
    """The class and score that classify.c printed."""
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    number, score = done.stdout.split()[-2:]
    return int(number), float(score)


def tags_of(program: Path) -> dict[str, list[str]]:
    """Dynamic tags of a program: name -> values; empty for a static one."""
    found: dict[str, list[str]] = {}
    with program.open("rb") as file:
        dynamic = ELFFile(file).get_section_by_name(".dynamic")
        for tag in dynamic.iter_tags() if dynamic is not None else ():
            found.setdefault(tag.entry.d_tag, []).append(str(getattr(tag, "needed", tag.entry.d_val)))
    return found


def is_static_and_stripped(program: Path) -> bool:
    """Whether a program needs no other file, and carries no symbols."""
    with program.open("rb") as file:
        elf = ELFFile(file)
        loaded = {segment.header.p_type for segment in elf.iter_segments()}
        return not loaded & {"PT_INTERP", "PT_DYNAMIC"} and elf.get_section_by_name(".symtab") is None


def refused(code: int, *arguments: object) -> str:
    """Run the front door, which must end with ``code`` and speak to a person; returns what it said."""
    done = tfport(*map(str, arguments))
    said = done.stdout + done.stderr
    assert done.returncode == code, (done.returncode, said)
    assert "Traceback" not in said and "error" in said.lower()
    return said
