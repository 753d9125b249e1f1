"""The rows of a bench, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from tfport.quantise.accuracy import Agreement

SCHEMA = 1
# How a row came out: its figures count only when it is OK.
OK, WRONG, FAILED, LEFT_OUT = "ok", "wrong", "failed", "left out"


@dataclass(frozen=True)
class Bar:
    """A modelled figure, and how low and how high it may be by the bounds of the model."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True)
class Part:
    """What one operator takes of an inference."""

    operator: str
    group: str
    instructions: float
    cycles: float
    milliseconds: float


@dataclass(frozen=True)
class Row:
    """One engine on one case. Figures are for one inference; ``memory`` is in bytes, in the guest."""

    engine: str
    version: str
    ours: bool
    network: str
    precision: str
    threads: int
    state: str
    note: str = ""
    difference: str = ""
    worst: float = 0.0
    multiply_adds: int = 0
    instructions: Mapping[str, float] = field(default_factory=dict)
    cycles: Optional[Bar] = None
    milliseconds: Optional[Bar] = None
    verdict: str = ""
    split: Sequence[Part] = ()
    split_instructions: float = 0.0  # of the twin that was split up
    memory: Mapping[str, int] = field(default_factory=dict)
    program_bytes: int = 0
    start_up_instructions: float = 0.0
    kernels: Sequence[str] = ()
    accuracy: Optional[Agreement] = None  # of an int8 model with its fp32 one

    @property
    def ok(self) -> bool:
        return self.state == OK


@dataclass(frozen=True)
class Results:
    """A whole bench. ``left_out``: one line for each engine that could not take part."""

    target: str
    core: str
    clock_mhz: int
    deadline_ms: float
    command: str
    rows: Sequence[Row]
    left_out: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """As it goes into JSON."""
        return {"schema": SCHEMA, "modelled": ["cycles", "milliseconds", "verdict"], **asdict(self)}
