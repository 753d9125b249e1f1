"""The cross compiler and the emulator for tests that build small programs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Union

import pytest

from tfport.command import run
from tfport.headers import FLATBUFFERS, deploy_headers
from tfport.link import LinkResult, Tools, link_archive
from tfport.target import Target, load_target

ROOT = Path(__file__).resolve().parents[2]
CASE = Path(__file__).parent / "one_archive"
ZULUKO, VFPV3 = load_target("zuluko"), load_target("zuluko-vfpv3")
TOOLS = Tools.from_prefix(ZULUKO.compiler.program(""))
HOUSE = ("-O2", "-g1", "-fPIC", "-ffunction-sections", "-fdata-sections", "-fno-gnu-unique")
Words = Sequence[Union[str, Path]]

needs_compiler = pytest.mark.skipif(
    shutil.which(ZULUKO.compiler.program("g++")) is None, reason="no ARM cross compiler on this machine"
)
needs_emulator = pytest.mark.skipif(
    shutil.which(ZULUKO.emulator.program) is None, reason="no qemu-arm on this machine"
)


def compile_file(source: Path, output: Path, *flags: str, target: Target = ZULUKO) -> Path:
    """Compile one C or C++ file with the target's flags and the given ones."""
    driver = target.compiler.program("gcc" if source.suffix == ".c" else "g++")
    output.parent.mkdir(parents=True, exist_ok=True)
    run([driver, *target.compile_flags, *flags, "-c", source, "-o", output])
    return output


def archive(output: Path, *objects: Path) -> Path:
    run([TOOLS.ar, "rcsD", output, *objects])
    return output


def link_program(output: Path, words: Words, driver: str = "gcc") -> Path:
    run([ZULUKO.compiler.program(driver), "-o", output, *words])
    return output


def emulate(program: Path, *words: str, target: Target = ZULUKO) -> str:
    """Standard output of a target program; a minute at most."""
    return run([*target.emulator_command, program, *words], timeout=60).stdout.strip()


def compat(folder: Path, target: Target = ZULUKO) -> Path:
    """The archive of stand-ins for newer library symbols."""
    source = ROOT / "runtime" / "compat"
    c = compile_file(source / "glibc.c", folder / "glibc.o", *HOUSE, target=target)
    cxx = compile_file(source / "libstdcxx.cc", folder / "libstdcxx.o", *HOUSE, "-std=gnu++17", target=target)
    return archive(folder / "libcompat.a", c, cxx)


class Sdk:
    """A small SDK made the way the real one is: own third parties, one archive, renamed headers."""

    def __init__(self, folder: Path, target: Target = ZULUKO) -> None:
        self.folder, self.target = folder, target
        self.lib, self.include = folder / "sdk" / "lib", folder / "sdk" / "include"
        self.archive = self.lib / "libtensorflow-lite.a"
        self.debug = self.lib / "debug" / "libtensorflow-lite.a"
        flags = (*HOUSE, f"-I{CASE / 'ours'}", f"-I{CASE / 'lite'}", "-Dflatbuffers=tfport_flatbuffers")
        lite, third = CASE / "lite", CASE / "ours"

        def built(source: Path) -> Path:
            return compile_file(source, folder / "o" / f"{source.name}.o", *flags, target=target)

        # The registrations first: nothing refers to the kernels, so order must not matter to them.
        self.roots = [built(lite / name) for name in ("kernel.cc", "interpreter.cc", "registry.cc")]
        self.libraries = [
            archive(folder / "libabsl.a", built(third / "absl.cc"), built(third / "flatbuffers.cc")),
            archive(folder / "libxnn.a", built(lite / "xnn.c"), built(lite / "xnn_unneeded.c")),
            compat(folder / "compat", target),
        ]
        deploy_headers(
            entries=["tensorflow/lite/interpreter.h"],
            roots=[lite, third],
            output=self.include,
            renames=FLATBUFFERS,
        )

    def link(self, **changes: object) -> LinkResult:
        arguments: dict[str, object] = {
            "run": run,
            "tools": TOOLS,
            "roots": self.roots,
            "libraries": self.libraries,
            "output": self.archive,
            "debug_output": self.debug,
        }
        return link_archive(**{**arguments, **changes})  # type: ignore[arg-type]

    def consumer(self) -> tuple[Path, Path]:
        """(the consumer's object, the archive of its own versions of the third parties)."""
        theirs = CASE / "theirs"
        flags = ("-O2", f"-I{theirs}", f"-I{self.include}")
        names = ("absl.cc", "flatbuffers.cc")
        objects = [compile_file(theirs / n, self.folder / "theirs" / f"{n}.o", *flags) for n in names]
        main = compile_file(CASE / "consumer.cc", self.folder / "theirs" / "consumer.o", *flags)
        return main, archive(self.folder / "theirs" / "libtheirs.a", *objects)
