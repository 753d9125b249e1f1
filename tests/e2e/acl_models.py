"""One model with every operator of the model compiler, each on the model's input: floats, or eight bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.unit.lite_graphs import N, T, lite_model

INPUT = (1, 9, 10, 8)
SAME, VALID = b"\x00", b"\x01"
NONE, RELU, RELU_N1, RELU6 = b"\x00", b"\x01", b"\x02", b"\x03"
# Of the input, of what sums and products come to, and what Softmax and Logistic prescribe.
NARROW, WIDE, UNIT = ((0.04,), (5,)), ((0.11,), (-7,)), ((1 / 256,), (-128,))
SIGNED = ((1 / 128,), (0,))


class Zoo:
    """Tensors and nodes as they come; tensor 0 is the input."""

    def __init__(self, quantised: bool) -> None:
        self.quantised = quantised
        self.chance = np.random.default_rng(3)
        self.tensors = [self.activation(INPUT)]
        self.nodes: list[N] = []
        self.outputs: list[int] = []

    def activation(
        self, shape: tuple[int, ...], scale: tuple[tuple[float, ...], tuple[int, ...]] = NARROW
    ) -> T:
        if not self.quantised:
            return T(shape)
        return T(shape, "int8", scales=scale[0], points=scale[1])

    def add(self, tensor: T) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def weights(self, shape: tuple[int, ...], axis: int, channels: bool = True) -> tuple[int, int]:
        """Weights and biases for a sum over all but ``axis``."""
        count = shape[axis]
        reach = 1 / math.sqrt(math.prod(shape) / count)
        if not self.quantised:
            data = self.chance.uniform(-reach, reach, shape)
            return self.add(T(shape, data=data)), self.add(
                T((count,), data=self.chance.uniform(-1, 1, count))
            )
        steps = self.chance.integers(-127, 128, shape)
        scales = tuple(reach / 127 * (1 + k % 3) for k in range(count)) if channels else (reach / 127,)
        weights = T(shape, "int8", steps, scales, (0,) * len(scales), axis)
        biases = self.chance.integers(-900, 900, count)
        summed = tuple(scale * NARROW[0][0] for scale in scales)
        return self.add(weights), self.add(T((count,), "int32", biases, summed, (0,) * len(summed)))

    def node(
        self,
        op: str,
        inputs: Sequence[int],
        shape: tuple[int, ...],
        *options: tuple[int, object],
        scale: tuple[tuple[float, ...], tuple[int, ...]] = NARROW,
    ) -> int:
        output = self.add(self.activation(shape, scale))
        self.nodes.append(N(op, tuple(inputs), (output,), options))
        self.outputs.append(output)
        return output

    def numbers(self, *values: int) -> int:
        return self.add(T((len(values),), "int32", np.array(values)))

    def amounts(self, *values: int) -> int:
        """Before and after each dimension."""
        return self.add(T((len(values) // 2, 2), "int32", np.array(values)))


def _convolutions(zoo: Zoo) -> None:
    def options(
        padding: bytes, stride: int, activation: bytes, dilation: int = 1
    ) -> list[tuple[int, object]]:
        return [(0, padding), (1, stride), (2, stride), (3, activation), (4, dilation), (5, dilation)]

    def depthwise(padding: bytes, stride: int, many: int, activation: bytes) -> list[tuple[int, object]]:
        steps = [(1, stride), (2, stride), (3, many)]
        return [(0, padding), *steps, (4, activation), (5, 1), (6, 1)]

    for padding, stride, activation, dilation, size in (
        (SAME, 1, NONE, 1, (9, 10)),
        (SAME, 2, RELU6, 1, (5, 5)),
        (VALID, 1, RELU, 1, (7, 8)),
        (VALID, 2, RELU_N1, 1, (4, 4)),
        (VALID, 1, NONE, 2, (5, 6)),
    ):
        pair = zoo.weights((12, 3, 3, 8), 0)
        words = options(padding, stride, activation, dilation)
        zoo.node("CONV_2D", (0, *pair), (1, *size, 12), *words, scale=WIDE)
    zoo.node(
        "CONV_2D", (0, *zoo.weights((5, 1, 1, 8), 0)), (1, 9, 10, 5), *options(SAME, 1, NONE), scale=WIDE
    )
    for padding, stride, many, activation, size in (
        (SAME, 1, 1, RELU6, (9, 10)),
        (SAME, 2, 1, NONE, (5, 5)),
        (VALID, 1, 2, RELU, (7, 8)),
    ):
        pair = zoo.weights((1, 3, 3, 8 * many), 3)
        words = depthwise(padding, stride, many, activation)
        zoo.node("DEPTHWISE_CONV_2D", (0, *pair), (1, *size, 8 * many), *words, scale=WIDE)
    # A padding before a convolution, and two convolutions that are concatenated.
    zoo.node("PAD", (0, zoo.amounts(0, 0, 1, 0, 0, 1, 0, 0)), (1, 10, 11, 8))
    padded = zoo.outputs.pop()
    zoo.node(
        "CONV_2D", (padded, *zoo.weights((4, 3, 3, 8), 0)), (1, 8, 9, 4), *options(VALID, 1, NONE), scale=WIDE
    )
    parts = []
    for count in (4, 12):
        parts.append(
            zoo.node(
                "CONV_2D",
                (0, *zoo.weights((count, 3, 3, 8), 0)),
                (1, 9, 10, count),
                *options(SAME, 1, RELU),
                scale=WIDE,
            )
        )
        zoo.outputs.pop()
    zoo.node("CONCATENATION", parts, (1, 9, 10, 16), (0, 3), scale=WIDE)


def _others(zoo: Zoo) -> None:
    def window(padding: bytes, stride: int, size: int) -> list[tuple[int, object]]:
        return [(0, padding), (1, stride), (2, stride), (3, size), (4, size)]

    zoo.node("MAX_POOL_2D", (0,), (1, 5, 5, 8), *window(SAME, 2, 3))
    zoo.node("MAX_POOL_2D", (0,), (1, 4, 4, 8), *window(VALID, 2, 3))
    zoo.node("AVERAGE_POOL_2D", (0,), (1, 5, 5, 8), *window(SAME, 2, 3))
    zoo.node("AVERAGE_POOL_2D", (0,), (1, 4, 5, 8), *window(VALID, 2, 2))
    zoo.node("MEAN", (0, zoo.numbers(1, 2)), (1, 8))
    flat = zoo.node("RESHAPE", (0, zoo.numbers(1, 720)), (1, 720), (0, None))
    zoo.outputs.pop()
    pair = zoo.weights((10, 720), 0, channels=False)
    zoo.node("FULLY_CONNECTED", (flat, *pair), (1, 10), (0, NONE), scale=WIDE)
    zoo.node("SOFTMAX", (0,), INPUT, (0, 1.0), scale=UNIT)
    zoo.node("SOFTMAX", (flat,), (1, 720), (0, 1.0), scale=UNIT)
    zoo.node("ADD", (0, 0), INPUT, (0, NONE), scale=WIDE)
    zoo.node("ADD", (0, 0), INPUT, (0, RELU), scale=WIDE)
    zoo.node("CONCATENATION", (0, 0), (1, 9, 10, 16), (0, 3))
    zoo.node("CONCATENATION", (0, 0), (1, 18, 10, 8), (0, 1))
    zoo.node("PAD", (0, zoo.amounts(0, 0, 1, 2, 0, 3, 0, 0)), (1, 12, 13, 8))
    zoo.node("LOGISTIC", (0,), INPUT, scale=UNIT)
    zoo.node("TANH", (0,), INPUT, scale=SIGNED)
    for op in ("RELU", "RELU6"):
        zoo.node(op, (0,), INPUT)
    for op, slots in (("RESIZE_BILINEAR", (2, 3)), ("RESIZE_NEAREST_NEIGHBOR", (0, 1))):
        zoo.node(op, (0, zoo.numbers(18, 20)), (1, 18, 20, 8), (slots[0], b"\x00"), (slots[1], b"\x01"))
        zoo.node(op, (0, zoo.numbers(18, 20)), (1, 18, 20, 8))


def zoo(quantised: bool) -> bytes:
    """The model as a .tflite file."""
    made = Zoo(quantised)
    _convolutions(made)
    _others(made)
    if quantised:  # to another scale, to floats
        finer = replace(made.tensors[0], scales=(0.02,), points=(1,))
        for tensor, op in ((finer, "QUANTIZE"), (T(INPUT), "DEQUANTIZE")):
            made.outputs.append(made.add(tensor))
            made.nodes.append(N(op, (0,), (made.outputs[-1],)))
    nodes = [replace(node, options=tuple(o for o in node.options if o[1] is not None)) for node in made.nodes]
    return lite_model(made.tensors, nodes, [0], made.outputs)
