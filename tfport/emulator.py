"""Run target programs on this machine, and count their instructions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
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
# A board's clock is then its instructions, 1 << shift nanoseconds each, and its cores take turns of 0.1 s by
# that clock: every run is the same. In long turns one core does the work of all; turns of 98,000 instructions
# are short beside the work of an operator.
_LONG_TURNS = ("-icount", "shift=0,sleep=off")
_SHORT_TURNS = ("-icount", "shift=10,sleep=off")
# What this machine needs to start the emulator. A program that is counted sees no variable of this machine:
# their lengths move its stack, and counts with it.
_HOST_VARIABLES = ("PATH", "LD_LIBRARY_PATH")
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

    def argv(self, words: Sequence[Word], plugin: str = "", turns: Sequence[str] = ()) -> list[str]:
        """The whole command for a target program; ``plugin`` as QEMU's ``-plugin`` takes it.

        ``turns``: with a plugin, how the cores of a board take turns; long ones when it is empty. Raises
        ``EmulatorFailed`` when an image cannot be given these words.
        """
        extra = ["-plugin", plugin] if plugin else []
        if plugin and self.boots:
            extra += turns or _LONG_TURNS
        elif plugin:
            extra += [word for name in _HOST_VARIABLES for word in ("-U", name)]
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
        turns: Sequence[str] = (),
        cwd: Optional[Path] = None,
        env: Optional[Mapping[str, Optional[str]]] = None,
        log: Optional[Path] = None,
        check: bool = True,
    ) -> Completed:
        """Run a target program; ``timeout`` in seconds. Raises as ``command.run``.

        With a plugin, its environment is ``env`` and what the prefix sets, nothing else.
        """
        if plugin and not self.boots:
            foreign = dict.fromkeys(os.environ.keys() - set(_HOST_VARIABLES))
            env = {**foreign, **(env or {})}
        return command.run(
            self.argv(words, plugin, turns), timeout=timeout, cwd=cwd, env=env, log=log, check=check
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

        The cores take short turns, as if all were equally fast, so the counts are the same in every run.

        ``counter`` from ``build_counter(..., CORE_COUNTER_SOURCE)``; between ``idle`` code waits.
        """
        plugin = f"{counter},idle={idle[0]:x}-{idle[1]:x}"
        first, second = (self._counted(words(n), plugin, timeout, _SHORT_TURNS)["work"] for n in rounds)
        first += [0] * (len(second) - len(first))
        return tuple((b - a) / (rounds[1] - rounds[0]) for a, b in zip(first, second))

    def count_until(
        self,
        words: Sequence[Word],
        counter: Path,
        idle: tuple[int, int],
        place: int,
        timeout: Optional[float] = None,
    ) -> int:
        """Instructions of all cores of a board from reset until the function at ``place`` runs first.

        ``counter`` and ``idle`` as for ``count_cores``; here the cores take turns. Raises ``PluginFailed``.
        """
        plugin = f"{counter},idle={idle[0]:x}-{idle[1]:x},until={place:x}"
        found: int = self._counted(words, plugin, timeout)["until"]
        if found < 0:
            raise PluginFailed(f"{Path(str(words[0])).name} never came to {place:#x}")
        return found

    def _counted(
        self, words: Sequence[Word], plugin: str, timeout: Optional[float], turns: Sequence[str] = ()
    ) -> Any:
        """What a counting plugin writes."""
        with tempfile.TemporaryDirectory(prefix="tfport-count-") as folder:
            out = Path(folder) / "counts.json"
            try:
                self.run(words, timeout=timeout, plugin=f"{plugin},out={out}", turns=turns)
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

    def count_start_up(
        self, words: Callable[[int], Sequence[Word]], counter: Path, timeout: Optional[float] = None
    ) -> int:
        """Instructions of one run without those of a round; ``words`` as for ``count_per_round``."""
        once, twice = (self.count(words(n), counter, timeout)["total"] for n in (1, 2))
        return 2 * once - twice


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
    # Several threads may build it at once, each its own.
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"]
    try:
        command.run([compiler, *flags, "-o", part, source_file], timeout=120)
    except CommandFailed as error:
        raise PluginFailed("The instruction counter does not compile", error.why, error.hint) from None
    part.replace(path)
    return path
