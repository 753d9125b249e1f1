"""Modelled Cortex-A7 cycles of what was counted, with a bar between stated bounds (``cycles.toml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfport.bench.data import load

PRECISIONS = ("fp32", "int8")
BOUNDS = ("low", "high")


@dataclass(frozen=True)
class Cycles:
    """A modelled figure and its bar, ``low`` to ``high``."""

    low: float
    likely: float
    high: float

    def milliseconds(self, clock_mhz: int) -> Cycles:
        """The time that so many cycles take."""
        return Cycles(*(value / clock_mhz / 1e3 for value in (self.low, self.likely, self.high)))


@lru_cache(maxsize=1)
def costs() -> dict[str, Any]:
    """``cycles.toml``."""
    return load("cycles.toml")


def models(core: str) -> bool:
    """Whether the costs are those of this core; there are none for another."""
    return core == str(costs()["core"])


def likely(counts: Mapping[str, float], precision: str) -> float:
    """The fit's figure alone."""
    return _sum(counts, precision)


def modelled(counts: Mapping[str, float], precision: str) -> Cycles:
    """Cycles of instructions by class; ``precision`` is that of the code, "fp32" or "int8"."""
    fit, error = _sum(counts, precision), float(costs()["fit_error"])
    low, high = (_sum(counts, bound) for bound in BOUNDS)
    return Cycles(min(low, fit * (1 - error)), fit, max(high, fit * (1 + error)))


def _sum(counts: Mapping[str, float], column: str) -> float:
    table = costs()["class"]
    return sum(number * float(table[name][column]) for name, number in counts.items() if name != "total")


def verdict(milliseconds: Cycles, deadline_ms: float) -> str:
    """ "kept" or "missed" when the whole bar is on one side of the deadline, else "open"."""
    if milliseconds.high <= deadline_ms:
        return "kept"
    return "missed" if milliseconds.low > deadline_ms else "open"
