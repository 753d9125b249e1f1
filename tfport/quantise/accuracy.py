"""How well a quantised model agrees with the float model that it was made of, on samples of the user.

Runs in the process of ``tfport.host``: TensorFlow Lite's own kernels, without delegates, on this machine.
What the target computes is held against the reference by the smoke test.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from tfport.catalogue import write_whole
from tfport.compare import is_classification, same_top_class
from tfport.inputs import Array, Names, Slot
from tfport.model import read_tflite
from tfport.quantise.samples import Tell, samples
from tfport.reference import import_tensorflow


@dataclass(frozen=True)
class Agreement:
    """Over all samples. ``same_top1`` counts those of which both choose one class; None without classes.

    ``sqnr_db``: signal to quantisation noise over all outputs; None where they are equal.
    """

    samples: int
    same_top1: Optional[int]
    sqnr_db: Optional[float]

    @property
    def top1(self) -> str:
        """The share of samples with the same class, or "" without classes."""
        if self.same_top1 is None:
            return ""
        return f"{100 * self.same_top1 / self.samples:.1f} % ({self.same_top1} of {self.samples})"

    def __str__(self) -> str:
        noise = "outputs are equal"
        if self.sqnr_db is not None:
            noise = f"signal to noise {self.sqnr_db:.1f} dB"
        return f"top-1 as fp32 {self.top1}, {noise}" if self.top1 else noise


def agreement(
    fp32: Path,
    int8: Path,
    files: Sequence[Path],
    slots: Sequence[Slot],
    scaling: str,
    result: Path,
    tell: Tell,
) -> None:
    """Run both models on every sample and write ``result``, an ``Agreement`` as JSON."""
    plain, quantised = _Runner(fp32), _Runner(int8)
    tally = Tally()
    for number, (path, values) in enumerate(samples(files, slots, scaling), 1):
        if number % max(1, len(files) // 20) == 0:
            tell(min(number, len(files)), len(files), f"comparing on {path.name}")
        tally.add(plain(values), quantised(values))
    write_whole(result, (json.dumps(asdict(tally.sum())) + "\n").encode())


def slots_of(path: Path) -> list[Slot]:
    """The inputs of a .tflite with one signature, by their names in it."""
    model = read_tflite(path)
    [signature] = model.signatures
    tensors = model.graphs[signature.graph].tensors
    return [
        Slot(name, tensors[index].dtype, tensors[index].shape, tensors[index].shape)
        for name, index in signature.inputs
    ]


class Tally:
    """Adds up what an ``Agreement`` holds."""

    def __init__(self) -> None:
        self._count = self._same = 0
        self._classes = True
        self._signal = self._noise = 0.0

    def add(self, want: Names, got: Names) -> None:
        """The outputs of one sample in real numbers, by name."""
        self._count += 1
        for name, values in want.items():
            exact, other = values.astype(np.float64), got[name].astype(np.float64)
            self._signal += float(np.square(exact).sum())
            self._noise += float(np.square(exact - other).sum())
        rows = [name for name, values in want.items() if is_classification(values)]
        self._classes = self._classes and bool(rows)
        if rows:
            self._same += same_top_class(got[rows[0]], want[rows[0]])

    def sum(self) -> Agreement:
        """All that was added."""
        ratio = self._signal / self._noise if self._noise else 0.0
        noise = round(10 * math.log10(ratio), 2) if ratio else None
        return Agreement(self._count, self._same if self._classes else None, noise)


class _Runner:
    """A .tflite that takes and gives real numbers, by the names of its signature."""

    def __init__(self, path: Path) -> None:
        lite = import_tensorflow().lite
        resolver = lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = lite.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=resolver)
        self._run = self._interpreter.get_signature_runner()

    def __call__(self, values: Names) -> Names:
        details = self._run.get_input_details()
        given = self._run(**{name: _stored(values[name], detail) for name, detail in details.items()})
        outputs = self._run.get_output_details()
        return {name: _real(result, outputs[name]) for name, result in given.items()}


def _stored(values: Array, detail: Any) -> Array:
    scale, zero = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    steps = np.rint(values / np.float32(scale)) + zero
    clipped: Array = np.clip(steps, limits.min, limits.max)
    return clipped.astype(detail["dtype"])


def _real(values: Array, detail: Any) -> Array:
    scale, zero = detail["quantization"]
    plain: Array = (values.astype(np.float32) - zero) * np.float32(scale) if scale else values
    return plain
