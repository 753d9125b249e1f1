"""What the bench asks of an engine: ours and the peers look the same to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Protocol

from tfport.bench.cases import Case
from tfport.bench.profile import MONOTONIC
from tfport.compare import Difference
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

    ``run(threads, inferences, plugin)``; "" for no plugin. ``idle(plugin)`` starts and ends without a model,
    for engines that live in an interpreter. ``twin(inferences, plugin)`` runs the same kernels in
    ``symbols``, a program that has symbols; without ``twin``, the code of ``symbols`` is that of ``run``.
    ``clock`` is what the program times an inference by.
    """

    run: Callable[[int, int, str], Ran]
    judge: Callable[[Sequence[Array]], tuple[list[Difference], list[str]]]
    program_bytes: int
    idle: Optional[Callable[[str], object]] = None
    twin: Optional[Callable[[int, str], object]] = None
    symbols: Optional[Path] = None
    clock: int = MONOTONIC


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
