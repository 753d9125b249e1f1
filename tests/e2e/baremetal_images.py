"""Builds images without an operating system from tests/e2e/baremetal, and boots them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from tfport.target import ROOT, Target, load_target

RUNTIME = ROOT / "runtime" / "baremetal"
PROGRAMS = Path(__file__).resolve().parent / "baremetal"
TEMPLATES = ROOT / "toolchains" / "templates"
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


@dataclass(frozen=True)
class Board:
    """A board's facts, and the words that start its emulator."""

    name: str
    target: Target
    facts: dict[str, Any]
    emulator: tuple[str, ...]

    @classmethod
    def of(cls, name: str, *, machine: Sequence[str] = (), **changes: Any) -> Board:
        """The board of a target file, but for ``changes`` to its facts and ``machine`` instead of QEMU's."""
        target = load_target(name)
        facts = {**json.loads(target.board_facts), **changes}
        words = target.board_command
        if machine:
            words = (target.emulator.program, *machine, *words[words.index("-display") :])
        label = "-".join([name, *(f"{key}-{value}" for key, value in changes.items() if key != "devices")])
        return cls(label, target, facts, words)


@dataclass(frozen=True)
class Boot:
    """What an image said and how it ended."""

    text: str
    status: int
    verdict: int

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@dataclass
class Bench:
    """Keeps what is built: a runtime for each board, an image for each program."""

    folder: Path
    runtimes: dict[str, Path] = field(default_factory=dict)

    def runtime(self, board: Board) -> Path:
        """The folder of libtfport-baremetal.a for a board, with board.h and baremetal.ld."""
        if board.name in self.runtimes:
            return self.runtimes[board.name]
        folder = self.folder / board.name
        folder.mkdir(parents=True)
        for name in ("board.h", "baremetal.ld"):
            template = jinja2.Template(
                (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8"),
                undefined=jinja2.StrictUndefined,
                trim_blocks=True,
                keep_trailing_newline=True,
            )
            (folder / name).write_text(template.render(board=board.facts), encoding="utf-8")
        compiler, flags = board.target.compiler, " ".join(board.target.compile_flags)
        settings = {
            "CMAKE_SYSTEM_NAME": "Generic",
            "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_C_COMPILER": compiler.program("gcc"),
            "CMAKE_CXX_COMPILER": compiler.program("g++"),
            "CMAKE_C_FLAGS": flags,
            "CMAKE_CXX_FLAGS": flags,
            "CMAKE_ASM_FLAGS": flags,
            "TFPORT_BOARD_DIR": folder,
        }
        words = [f"-D{key}={value}" for key, value in settings.items()]
        _run(["cmake", "-S", RUNTIME, "-B", folder, "-G", "Ninja", *words])
        _run(["cmake", "--build", folder, "-j", "2"])
        self.runtimes[board.name] = folder
        return folder

    def image(self, board: Board, program: str, *, defines: Sequence[str] = (), case: int = 0) -> Path:
        """The image of a program; ``case`` is the address of the symbol test_case."""
        runtime = self.runtime(board)
        key = re.sub(r"\W+", "-", "-".join([program, *defines]))
        common = [board.target.compiler.program("g++"), *board.target.compile_flags]
        compiled = runtime / f"{key}.o"
        if not compiled.exists():
            flags = RUNTIME / "flags.txt"
            listed = [line for line in flags.read_text(encoding="utf-8").splitlines() if line.startswith("-")]
            compile_words = [word for line in listed for word in line.split()]
            optimise = ["-O2", "-std=gnu++17", "-Wall", "-ffunction-sections", "-fdata-sections"]
            headers = ["-isystem", RUNTIME / "include"]
            source = PROGRAMS / f"{program}.cc"
            _run([*common, *headers, *compile_words, *optimise, *defines, "-c", source, "-o", compiled])
        image = runtime / f"{key}-{case}.elf"
        script = ["-nostartfiles", "-T", runtime / "baremetal.ld", "-Wl,--gc-sections"]
        symbol = f"-Wl,--defsym,test_case={case}"
        _run([*common, compiled, *script, symbol, "-L", runtime, "-ltfport-baremetal", "-o", image])
        return image

    def boot(
        self,
        board: Board,
        image: Path,
        *,
        semihosting: bool = False,
        words: Sequence[str] = (),
        timeout: float = 60,
    ) -> Boot:
        """Run an image to its verdict. Fails when it has none, or takes longer than ``timeout`` seconds."""
        *emulator, kernel = board.emulator
        options = [*(SEMIHOSTING if semihosting else ()), *words]
        process = subprocess.run(
            [*emulator, *options, kernel, image],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            cwd=image.parent,
        )
        text = process.stdout.decode("utf-8", "replace")
        verdicts = re.findall(r"^tfport: exit (-?\d+)\r?$", text, re.MULTILINE | re.IGNORECASE)
        assert verdicts, f"no verdict\n{text}\n{process.stderr.decode()}"
        return Boot(text, process.returncode, int(verdicts[-1]))

    def run(self, board: Board, program: str, *, defines: Sequence[str] = (), **how: Any) -> Boot:
        """Build and boot a program."""
        return self.boot(board, self.image(board, program, defines=defines), **how)


def _run(words: Sequence[object]) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
