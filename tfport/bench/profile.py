"""What a program executed: how often each block of straight code ran, and what it is made of."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, Union

from tfport.errors import PluginFailed

# Linux's numbers of clocks. The second is one that no library looks at by itself.
MONOTONIC, MONOTONIC_RAW = 1, 4
INFERENCES = 2  # the first one may still prepare something
Words = Sequence[Union[str, Path]]
T = TypeVar("T")
Counts = dict[str, float]  # class of instructions -> number


@dataclass(frozen=True)
class Profile:
    """``blocks``: address -> executed instructions of each of ``classes``."""

    classes: tuple[str, ...]
    blocks: Mapping[int, tuple[float, ...]]

    @classmethod
    def parse(cls, data: Any) -> tuple[Profile, Profile]:
        """What block_profile.c writes: the whole run, and its last lap.

        QEMU may translate a block again; its records are added up.
        """
        classes = tuple(data["classes"])
        whole: dict[int, tuple[float, ...]] = {}
        lap: dict[int, tuple[float, ...]] = {}
        for address, executions, in_lap, *made_of in data["blocks"]:
            for blocks, times in ((whole, executions), (lap, in_lap)):
                if times:
                    before = blocks.get(address, (0.0,) * len(classes))
                    blocks[address] = tuple(b + times * n for b, n in zip(before, made_of))
        return cls(classes, whole), cls(classes, lap)

    def counts(self) -> Counts:
        """Instructions by class, and "total"."""
        sums = [0.0] * len(self.classes)
        for executed in self.blocks.values():
            sums = [s + n for s, n in zip(sums, executed)]
        return named(self.classes, sums)

    def less(self, other: Profile) -> Profile:
        """What this run executed more than the other."""
        nothing = (0.0,) * len(self.classes)
        blocks = {}
        for address in {*self.blocks, *other.blocks}:
            mine, its = self.blocks.get(address, nothing), other.blocks.get(address, nothing)
            blocks[address] = tuple(a - b for a, b in zip(mine, its))
        return Profile(self.classes, {a: counts for a, counts in blocks.items() if any(counts)})


def named(classes: Sequence[str], numbers: Sequence[float]) -> Counts:
    """Numbers by class, and their sum as "total"."""
    return {"total": sum(numbers), **dict(zip(classes, numbers))}


def run(program: Callable[[str], T], profiler: Path, clock: int = MONOTONIC) -> tuple[Profile, Profile, T]:
    """One run, the last thing in it that was timed, and what it returns.

    ``program`` takes what QEMU's ``-plugin`` takes, ``clock`` is what it times by. Raises ``PluginFailed``
    when the emulator counts nothing, and what the program raises.
    """
    with tempfile.TemporaryDirectory(prefix="tfport-profile-") as folder:
        out = Path(folder) / "profile.json"
        result = program(f"{profiler},out={out},clock={clock}")
        try:
            whole, lap = Profile.parse(json.loads(out.read_text(encoding="utf-8")))
            return whole, lap, result
        except (OSError, ValueError, KeyError) as error:
            raise PluginFailed(
                "The emulator counted nothing",
                str(error),
                "The dynamic qemu-arm of Debian 12 takes plugins; qemu-arm-static does not.",
            ) from None


def inference(
    program: Callable[[int, str], T], profiler: Path, timed: bool, clock: int = MONOTONIC
) -> tuple[Profile, float, T]:
    """One inference that is not the first, the instructions of all but inferences, and what a run returns.

    ``program(inferences, plugin)``. ``timed``: an inference is a lap. If not, it is the difference of two
    runs, which holds what else differs between them, some thousand instructions.
    """
    if timed:
        whole, once, result = run(partial(program, INFERENCES), profiler, clock)
        if not once.blocks:
            raise PluginFailed("The program did not look at its clock", "So no inference can be told apart.")
        return once, whole.counts()["total"] - INFERENCES * once.counts()["total"], result
    whole, _, result = run(partial(program, 1), profiler)
    more, _, _ = run(partial(program, 2), profiler)
    once = more.less(whole)
    return once, whole.counts()["total"] - once.counts()["total"], result
