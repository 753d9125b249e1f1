"""The graph that the model compiler works on: values, operators, and nothing of any file or back end.

Activations are laid out batch, height, width, channels. Weights of a convolution are output channels, height,
width, input channels; of a depthwise one 1, height, width, channels; of a matrix product outputs, inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Quantisation:
    """real = scale * (stored - zero point): one of each, or one for each slice of dimension ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def per_tensor(self) -> bool:
        return len(self.scales) == 1


@dataclass(frozen=True)
class Value:
    """A tensor. ``dtype`` as NumPy spells it; ``data`` is there for a constant alone."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    quantisation: Optional[Quantisation] = None
    data: Optional[Array] = field(default=None, compare=False, repr=False)

    @property
    def constant(self) -> bool:
        return self.data is not None

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Pads:
    """Zeros (of a quantised value: its zero point) around a picture."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __add__(self, other: Pads) -> Pads:
        return Pads(
            self.top + other.top,
            self.bottom + other.bottom,
            self.left + other.left,
            self.right + other.right,
        )


Pair = tuple[int, int]  # height, width
NONE = "none"
ACTIVATIONS = (NONE, "relu", "relu6", "relu_n1_to_1", "logistic", "tanh")


@dataclass(frozen=True)
class Convolution:
    """Inputs: values, weights, biases (may be left out)."""

    stride: Pair
    dilation: Pair
    pads: Pads
    activation: str = NONE


@dataclass(frozen=True)
class DepthwiseConvolution:
    """As ``Convolution``; output channels are ``multiplier`` times the input's."""

    stride: Pair
    dilation: Pair
    pads: Pads
    multiplier: int
    activation: str = NONE


@dataclass(frozen=True)
class MatrixProduct:
    """Inputs: values of rank 2, weights, biases (may be left out)."""

    activation: str = NONE


@dataclass(frozen=True)
class Pool:
    """``kind`` is "max" or "average"; an average leaves padding out."""

    kind: str
    window: Pair
    stride: Pair
    pads: Pads
    activation: str = NONE


@dataclass(frozen=True)
class Elementwise:
    """``function`` of ``ACTIVATIONS``."""

    function: str


@dataclass(frozen=True)
class Add:
    """Two inputs, the second of them perhaps a constant for each channel."""

    activation: str = NONE


@dataclass(frozen=True)
class Multiply:
    """Two inputs, the second of them perhaps a constant for each channel."""

    activation: str = NONE


@dataclass(frozen=True)
class Concatenation:
    """``axis`` counts from 0."""

    axis: int


@dataclass(frozen=True)
class Reshape:
    """The same elements in the same order."""


@dataclass(frozen=True)
class Softmax:
    """Over the last dimension."""

    beta: float


@dataclass(frozen=True)
class Pad:
    """``amounts``: before and after each dimension."""

    amounts: tuple[Pair, ...]


@dataclass(frozen=True)
class Resize:
    """Of height and width; ``kind`` is "bilinear" or "nearest"."""

    kind: str
    align_corners: bool
    half_pixel_centres: bool


@dataclass(frozen=True)
class Requantise:
    """To the type and scale of the output: also from floats, and to floats."""


Work = Union[
    Convolution,
    DepthwiseConvolution,
    MatrixProduct,
    Pool,
    Elementwise,
    Add,
    Multiply,
    Concatenation,
    Reshape,
    Softmax,
    Pad,
    Resize,
    Requantise,
]


@dataclass(frozen=True)
class Op:
    """One operator. ``node`` names it for a person; inputs and output are keys of ``Graph.values``."""

    node: str
    work: Work
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Graph:
    """Operators in an order in which they can run; each value is written once."""

    values: Mapping[int, Value]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def users(self, value: int) -> list[Op]:
        """Operators that read it."""
        return [op for op in self.ops if value in op.inputs]

    def writer(self, value: int) -> Optional[Op]:
        """The operator that writes it."""
        return next((op for op in self.ops if op.output == value), None)

    def only_user(self, value: int) -> Optional[Op]:
        """The one operator that reads it, when nobody else does and it is no output of the graph."""
        users = self.users(value)
        return users[0] if len(users) == 1 and value not in self.outputs else None

    def with_ops(self, ops: Iterable[Op], values: Optional[Mapping[int, Value]] = None) -> Graph:
        """The same with other operators; values that nobody names any more are left out."""
        kept, known = tuple(ops), self.values if values is None else values
        named = {*self.inputs, *self.outputs}
        for op in kept:
            named.update((*op.inputs, op.output))
        return replace(self, ops=kept, values={key: known[key] for key in known if key in named})
