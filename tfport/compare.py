"""Hold a target's results against the reference, by rules that are not tuned to any result.

Float: the largest difference is at most 1e-4 times the larger of 1 and the reference's largest value.
Quantised integers: steps, the difference of the stored numbers; an operator fed the reference's own inputs
may be off by 1. Everything else is equal or wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from tfport.inputs import Array

FLOAT_TOLERANCE = 1e-4
OP_STEPS = 1


@dataclass(frozen=True)
class Difference:
    """How one tensor differs. ``worst`` and ``limit`` are in the tensor's units, or in steps.

    ``limit`` is None where the difference is reported but not judged; ``note`` says what no number can.
    """

    name: str
    dtype: str
    rule: str  # "float", "steps" or "equal"
    worst: float
    limit: Optional[float]
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.note and (self.limit is None or self.worst <= self.limit)

    def __str__(self) -> str:
        limit = "" if self.limit is None else f", {self.limit:.6g} allowed"
        unit = {"float": "", "steps": " steps", "equal": " elements"}[self.rule]
        return f"{self.name} ({self.dtype}): " + (self.note or f"off by {self.worst:.6g}{unit}{limit}")


def compare(name: str, got: Array, want: Array, quantised: bool = False, judge: bool = True) -> Difference:
    """Compare one tensor with the reference's.

    ``quantised``: 8- and 16-bit integers are steps of a scale. ``judge`` False gives no limit: for results at
    the end of a quantised network, where steps of single operators add up.
    """
    dtype = want.dtype.name
    kind = "float" if want.dtype.kind in "fc" else "steps" if _in_steps(want, quantised) else "equal"
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind or _width(got) != _width(want):
        note = f"is {got.dtype.name}{list(got.shape)}, the reference is {dtype}{list(want.shape)}"
        return Difference(name, dtype, kind, float("inf"), 0.0, note)
    if kind == "float":
        return _compare_floats(name, got, want, judge)
    if kind == "steps":
        steps = np.abs(got.astype(np.int64) - want.astype(np.int64))
        return Difference(name, dtype, kind, float(steps.max(initial=0)), OP_STEPS if judge else None)
    return Difference(name, dtype, kind, float(np.count_nonzero(got != want)), 0.0 if judge else None)


def _compare_floats(name: str, got: Array, want: Array, judge: bool) -> Difference:
    dtype = want.dtype.name
    precise: Any = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(precise), want.astype(precise)
    finite = np.isfinite(want)
    limit = FLOAT_TOLERANCE * max(1.0, float(np.abs(want[finite]).max(initial=0.0))) if judge else None
    worst = float(np.abs(got[finite] - want[finite]).max(initial=0.0))
    note = ""
    if not np.isfinite(worst):
        note = "has infinities or NaN where the reference has numbers"
    elif not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        note = "has other infinities or NaN than the reference"
    return Difference(name, dtype, "float", worst, limit, note)


def top_class(scores: Array) -> int:
    """The index of the largest score (the first, among equals)."""
    return int(np.argmax(scores))


def same_top_class(got: Array, want: Array) -> bool:
    """Whether both choose the same class; one that the reference scores equally high counts as the same."""
    flat = want.reshape(-1)
    return bool(flat[top_class(got)] == flat[top_class(want)])


def is_classification(tensor: Array) -> bool:
    """Whether a tensor looks like one row of class scores: [classes] or [1, classes], two classes or more."""
    return (
        tensor.dtype.kind in "fiu"
        and 1 <= tensor.ndim <= 2
        and tensor.size > 1
        and tensor.size == tensor.shape[-1]
    )


def _in_steps(want: Array, quantised: bool) -> bool:
    return quantised and want.dtype.kind in "iu" and want.dtype.itemsize <= 2


def _width(values: Array) -> int:
    # Byte strings are as wide as the longest of them, which is no part of their type.
    return 0 if values.dtype.kind in "SU" else values.dtype.itemsize
