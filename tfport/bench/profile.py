"""What a program executed: how often each block of straight code ran, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from tfport.emulator import Emulator

Words = Sequence[Union[str, Path]]
Counts = dict[str, float]  # class of instructions -> number


@dataclass(frozen=True)
class Profile:
    """``blocks``: address -> executed instructions of each of ``classes``."""

    classes: tuple[str, ...]
    blocks: Mapping[int, tuple[float, ...]]

    @classmethod
    def parse(cls, data: Any) -> Profile:
        """What block_profile.c writes. QEMU may translate a block again; its records are added up."""
        classes = tuple(data["classes"])
        blocks: dict[int, tuple[float, ...]] = {}
        for address, executions, *made_of in data["blocks"]:
            before = blocks.get(address, (0.0,) * len(classes))
            blocks[address] = tuple(b + executions * n for b, n in zip(before, made_of))
        return cls(classes, blocks)

    def counts(self) -> Counts:
        """Instructions by class, and "total"."""
        sums = [0.0] * len(self.classes)
        for executed in self.blocks.values():
            sums = [s + n for s, n in zip(sums, executed)]
        return named(self.classes, sums)

    def less(self, other: Profile, divisor: int = 1) -> Profile:
        """What this run executed more than the other, divided."""
        nothing = (0.0,) * len(self.classes)
        blocks = {}
        for address in {*self.blocks, *other.blocks}:
            mine, its = self.blocks.get(address, nothing), other.blocks.get(address, nothing)
            blocks[address] = tuple((a - b) / divisor for a, b in zip(mine, its))
        return Profile(self.classes, {a: counts for a, counts in blocks.items() if any(counts)})


def named(classes: Sequence[str], numbers: Sequence[float]) -> Counts:
    """Numbers by class, and their sum as "total"."""
    return {"total": sum(numbers), **dict(zip(classes, numbers))}


def run(emulator: Emulator, words: Words, profiler: Path, timeout: Optional[float]) -> Profile:
    """One run. Raises ``PluginFailed``."""
    return Profile.parse(emulator.profile(words, profiler, timeout))


def per_round(
    emulator: Emulator,
    words: Callable[[int], Words],
    profiler: Path,
    rounds: tuple[int, int] = (1, 2),
    timeout: Optional[float] = None,
) -> tuple[Profile, Profile]:
    """One more round, and all that comes before and after the rounds.

    From two runs, so that start-up and end cancel out. Raises ``PluginFailed``.
    """
    first, second = (run(emulator, words(n), profiler, timeout) for n in rounds)
    once = second.less(first, rounds[1] - rounds[0])
    many = Profile(once.classes, {a: tuple(rounds[0] * n for n in c) for a, c in once.blocks.items()})
    return once, first.less(many)
