"""What the bench asks of an engine: ours and the peers look the same to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Protocol

from tfport.bench.cases import Case
from tfport.bench.profile import Words
from tfport.compare import Difference
from tfport.emulator import Emulator
from tfport.inputs import Array


@dataclass(frozen=True)
class Ran:
    """What one run left: outputs in the model's order, and what the engine told of its memory, in bytes."""

    outputs: Sequence[Array]
    memory: dict[str, int] = field(default_factory=dict)
    kernels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """An engine with one case, ready to run.

    ``words(rounds)`` is the command line that makes so many inferences on one thread. ``idle`` is one that
    starts and ends without the engine's model, for engines that live in an interpreter. ``twin(rounds)`` runs
    the same code in a program that has symbols, ``symbols`` is that program.
    """

    emulator: Emulator
    run: Callable[[int], Ran]  # of a number of threads
    words: Callable[[int], Words]
    judge: Callable[[Sequence[Array]], tuple[list[Difference], list[str]]]
    program_bytes: int
    idle: Optional[Words] = None
    twin: Optional[Callable[[int], Words]] = None
    symbols: Optional[Path] = None


class Engine(Protocol):
    """Something that runs networks under the emulator."""

    @property
    def name(self) -> str:
        """As it stands in tables."""

    @property
    def version(self) -> str:
        """Its release."""

    @property
    def ours(self) -> bool:
        """Whether it is built by this project."""

    def refuses(self, case: Case, threads: int) -> str:
        """Why it has no row for this case; "" when it has one."""

    def prepare(self, case: Case) -> Prepared:
        """Get ready. Raises ``TfportError``, which becomes the row's note."""


def facts_in_bytes(facts: dict[str, Any]) -> dict[str, int]:
    """The figures of memory among what a program told."""
    return {key: int(value) for key, value in facts.items() if key.endswith("_bytes")}
