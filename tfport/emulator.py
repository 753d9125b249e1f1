"""Run target programs on this machine, and count their instructions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from tfport import command
from tfport.command import Completed
from tfport.errors import CommandFailed, EmulatorFailed, PluginFailed
from tfport.target import Target

PLUGINS = Path(__file__).resolve().parent / "plugins"
COUNTER_SOURCE = PLUGINS / "insn_count.c"
CORE_COUNTER_SOURCE = PLUGINS / "core_count.c"
PROFILER_SOURCE = PLUGINS / "block_profile.c"
# A board's clock is then its instructions, and its cores take turns: every run is the same.
_COUNTED_TIME = ("-icount", "shift=0")
_COMPILERS = ("gcc", "cc", "clang")
# The runtime of an image has room for so much of it (runtime/baremetal/src/files/arguments.c).
_LONGEST_LINE = 900
Word = Union[str, Path]


@dataclass(frozen=True)
class Emulator:
    """A command prefix that makes this machine run the target's programs; empty if it can by itself.

    With ``boots`` it is a board without an operating system, and a program an image that it boots. The
    image gets its words in one line, through semihosting.
    """

    prefix: tuple[str, ...]
    boots: bool = False

    @classmethod
    def for_target(cls, target: Target) -> Emulator:
        """The target's emulator. Raises ``EmulatorFailed`` when it is not installed."""
        words = target.emulator_command
        if shutil.which(words[0]) is None:
            raise EmulatorFailed(
                f"The emulator {words[0]} is not installed",
                hint=f"apt-get install {' '.join(target.emulator.packages)}",
            )
        return cls(tuple(words), target.board is not None)

    def argv(self, words: Sequence[Word], plugin: str = "", steady: bool = True) -> list[str]:
        """The whole command for a target program; ``plugin`` as QEMU's ``-plugin`` takes it.

        ``steady``: with a plugin, the cores of a board take turns, so that every run is the same. Raises
        ``EmulatorFailed`` when an image cannot be given these words.
        """
        extra = ["-plugin", plugin] if plugin else []
        extra += _COUNTED_TIME if plugin and self.boots and steady else ()
        given = [str(word) for word in words]
        if self.boots and len(given) > 1:
            given = [given[0], "-append", _one_line(given[1:])]
        return [*self.prefix[:1], *extra, *self.prefix[1:], *given]

    def run(
        self,
        words: Sequence[Word],
        *,
        timeout: Optional[float] = None,
        plugin: str = "",
        steady: bool = True,
        cwd: Optional[Path] = None,
        env: Optional[Mapping[str, str]] = None,
        log: Optional[Path] = None,
        check: bool = True,
    ) -> Completed:
        """Run a target program; ``timeout`` in seconds. Raises as ``command.run``."""
        return command.run(
            self.argv(words, plugin, steady), timeout=timeout, cwd=cwd, env=env, log=log, check=check
        )

    def count(self, words: Sequence[Word], counter: Path, timeout: Optional[float] = None) -> dict[str, int]:
        """Instructions of one run, by class and as "total"; ``counter`` from ``build_counter``.

        Exact for a program of one thread. Raises ``PluginFailed`` when the emulator takes no plugins.
        """
        counts: dict[str, int] = self._counted(words, str(counter), timeout)
        return counts

    def count_cores(
        self,
        words: Callable[[int], Sequence[Word]],
        counter: Path,
        idle: tuple[int, int],
        rounds: tuple[int, int] = (1, 3),
        timeout: Optional[float] = None,
    ) -> tuple[float, ...]:
        """Instructions of one more round on each core of a board, those that wait left out.

        The cores run at once, as on a board: if they took turns, one would take the work of all in its turn.
        So the counts differ from run to run, by who takes which part of the work.

        ``counter`` from ``build_counter(..., CORE_COUNTER_SOURCE)``; between ``idle`` code waits.
        """
        plugin = f"{counter},idle={idle[0]:x}-{idle[1]:x}"
        first, second = (self._counted(words(n), plugin, timeout, steady=False)["work"] for n in rounds)
        first += [0] * (len(second) - len(first))
        return tuple((b - a) / (rounds[1] - rounds[0]) for a, b in zip(first, second))

    def _counted(
        self, words: Sequence[Word], plugin: str, timeout: Optional[float], steady: bool = True
    ) -> Any:
        """What a counting plugin writes."""
        with tempfile.TemporaryDirectory(prefix="tfport-count-") as folder:
            out = Path(folder) / "counts.json"
            try:
                self.run(words, timeout=timeout, plugin=f"{plugin},out={out}", steady=steady)
                return json.loads(out.read_text(encoding="utf-8"))
            except (CommandFailed, OSError, ValueError) as error:
                raise PluginFailed(
                    f"{self.prefix[0]} could not count the instructions of {Path(str(words[0])).name}",
                    str(getattr(error, "why", "") or error),
                    "The dynamic qemu-arm of Debian 12 takes plugins; qemu-arm-static does not.",
                ) from None

    def count_per_round(
        self,
        words: Callable[[int], Sequence[Word]],
        counter: Path,
        rounds: tuple[int, int] = (1, 3),
        timeout: Optional[float] = None,
    ) -> dict[str, float]:
        """Instructions of one more round, from two runs, so that start-up and end cancel out.

        ``words(n)`` is the command line that makes n rounds.
        """
        first, second = (self.count(words(n), counter, timeout) for n in rounds)
        return {name: (second[name] - first[name]) / (rounds[1] - rounds[0]) for name in first}


def _one_line(words: Sequence[str]) -> str:
    """The words of an image's command line as its runtime takes them apart again."""
    line = " ".join(f'"{word}"' if " " in word or not word else word for word in words)
    if '"' in "".join(words) or len(line) > _LONGEST_LINE:
        raise EmulatorFailed(
            "An image cannot be given these words through semihosting",
            f"They may have {_LONGEST_LINE} characters and no double quotes; these have {len(line)}.",
            "Use files with shorter names, or the folder of the SDK nearer to the root.",
        )
    return line


def build_counter(folder: Path, source_file: Path = COUNTER_SOURCE) -> Path:
    """An instruction counter as a shared object in ``folder``, compiled for this machine on first use.

    Raises ``PluginFailed`` without a host compiler.
    """
    headers = sorted(source_file.parent.glob("*.h"))
    source = b"".join(path.read_bytes() for path in (source_file, *headers))
    path = folder / f"{source_file.stem}-{hashlib.sha256(source).hexdigest()[:12]}.so"
    if path.is_file():
        return path
    compiler = next((name for name in _COMPILERS if shutil.which(name)), None)
    if compiler is None:
        raise PluginFailed(
            "There is no host C compiler for the instruction counter", hint="apt-get install gcc"
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"]
    try:
        command.run([compiler, *flags, "-o", part, source_file], timeout=120)
    except CommandFailed as error:
        raise PluginFailed("The instruction counter does not compile", error.why, error.hint) from None
    part.replace(path)
    return path
