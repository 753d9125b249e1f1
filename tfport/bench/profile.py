"""What a program executed: how often each block of straight code ran, and what it is made of."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union

from tfport.errors import PluginFailed

ROUNDS = (1, 2)
Words = Sequence[Union[str, Path]]
T = TypeVar("T")
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


def run(program: Callable[[str], T], profiler: Path) -> tuple[Profile, T]:
    """One run and what it returns; ``program`` takes what QEMU's ``-plugin`` takes.

    Raises ``PluginFailed`` when the emulator counts nothing, and what the program raises.
    """
    with tempfile.TemporaryDirectory(prefix="tfport-profile-") as folder:
        out = Path(folder) / "profile.json"
        result = program(f"{profiler},out={out}")
        try:
            return Profile.parse(json.loads(out.read_text(encoding="utf-8"))), result
        except (OSError, ValueError, KeyError) as error:
            raise PluginFailed(
                "The emulator counted nothing",
                str(error),
                "The dynamic qemu-arm of Debian 12 takes plugins; qemu-arm-static does not.",
            ) from None


def per_round(first: Profile, second: Profile, rounds: tuple[int, int]) -> tuple[Profile, Profile]:
    """One round, and all that comes before and after the rounds, from runs of two numbers of rounds."""
    once = second.less(first, rounds[1] - rounds[0])
    many = Profile(once.classes, {a: tuple(rounds[0] * n for n in c) for a, c in once.blocks.items()})
    return once, first.less(many)
