"""The front end: what it makes of a file, and how it refuses what it does not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.lite_graphs import N, T, lite_model
from tfport.compiler import graph as ir
from tfport.compiler.lite_reader import read_lite
from tfport.errors import ModelBroken, NotCompilable

PATH = Path("net.tflite")
SAME, VALID, RELU, RELU6 = b"\x00", b"\x01", b"\x01", b"\x03"
INPUT = T((1, 7, 8, 3))
WEIGHTS = T((4, 3, 3, 3), data=np.arange(108, dtype=np.float32).reshape(4, 3, 3, 3))
BIAS = T((4,), data=np.arange(4, dtype=np.float32))
OUTPUT = T((1, 4, 4, 4))


def convolution(padding: bytes = SAME, activation: bytes = RELU6) -> N:
    return N("CONV_2D", (0, 1, 2), (3,), ((0, padding), (1, 2), (2, 2), (3, activation), (4, 1), (5, 1)))


def small(node: N, output: T = OUTPUT, first: T = INPUT) -> bytes:
    return lite_model([first, WEIGHTS, BIAS, output], [node], [0], [node.outputs[0]])


def refused(data: bytes) -> NotCompilable:
    with pytest.raises(NotCompilable) as caught:
        read_lite(data, PATH)
    return caught.value


def test_a_convolution_with_all_that_it_says() -> None:
    graph = read_lite(small(convolution()), PATH)
    [op] = graph.ops
    # Seven rows in steps of two with three taps: (4 - 1) * 2 + 3 - 7 = 2 zeros; eight columns: 1, behind.
    assert op.work == ir.Convolution((2, 2), (1, 1), ir.Pads(1, 1, 0, 1), "relu6")
    assert op.node == "CONV_2D (node 0)"
    assert (op.inputs, op.output, graph.inputs, graph.outputs) == ((0, 1, 2), 3, (0,), (3,))
    data = graph.values[1].data
    assert data is not None
    assert data.shape == (4, 3, 3, 3)
    assert data[3, 2, 2, 2] == 107.0


def test_valid_padding_is_none() -> None:
    graph = read_lite(small(convolution(VALID), T((1, 3, 3, 4))), PATH)
    assert isinstance(graph.ops[0].work, ir.Convolution)
    assert graph.ops[0].work.pads == ir.Pads()


def test_a_mean_over_height_and_width_is_a_pool() -> None:
    axes = T((2,), "int32", np.array([2, -3]))
    data = lite_model([INPUT, axes, T((1, 3))], [N("MEAN", (0, 1), (2,))], [0], [2])
    assert read_lite(data, PATH).ops[0].work == ir.Pool("average", (7, 8), (1, 1), ir.Pads())


@pytest.mark.parametrize(
    ("node", "output", "sentence"),
    [
        (N("COS", (0,), (3,)), INPUT, "COS (node 0): no such operator is known to the compiler"),
        (convolution(activation=b"\x05"), T((1, 4, 4, 4)), "its fused activation sign_bit is not known"),
        (N("CONV_2D", (0, 0), (3,)), INPUT, "its weights are computed by the model, not constant"),
        (N("MEAN", (0, 2), (3,)), INPUT, "it is taken over the axes [0, 1, 2, 3]"),
        (N("PAD", (0, 0), (3,)), INPUT, "its list of paddings is computed by the model, not constant"),
        (N("FULLY_CONNECTED", (0, 1), (3,)), INPUT, "its output has 4 dimensions, not 2"),
        (N("RELU", (0,), (3,)), replace(INPUT, dtype="int8"), "it mixes float32 and int8"),
        (N("RELU", (2,), (3,)), replace(BIAS, data=None, dtype="int32"), "it mixes float32 and int32"),
    ],
    ids=lambda value: value.op if isinstance(value, N) else None,
)
def test_what_is_not_known_is_named_with_its_node(node: N, output: T, sentence: str) -> None:
    error = refused(small(node, output))
    assert sentence in error.why
    assert f"{node.op} (node 0)" in error.why
    assert "--runtime lite" in error.hint


def test_every_node_at_fault_is_named() -> None:
    nodes = [N("COS", (0,), (1,)), N("RELU", (1,), (2,)), N("SIN", (2,), (3,))]
    error = refused(lite_model([INPUT] * 4, nodes, [0], [3]))
    assert "2 of its nodes" in error.what
    assert [line.split(":")[0] for line in error.why.splitlines()] == ["COS (node 0)", "SIN (node 2)"]


def test_a_dynamic_shape_is_refused() -> None:
    error = refused(small(convolution(), first=replace(INPUT, signature=(-1, 7, 8, 3))))
    assert "tensor 't0' has a dynamic shape, [-1, 7, 8, 3]" in error.why
    assert "fixed batch" in error.hint


def test_weights_of_another_kind_than_activations_are_refused() -> None:
    weights = replace(WEIGHTS, dtype="int8", data=np.zeros((4, 3, 3, 3)), scales=(0.1,))
    data = lite_model([INPUT, weights, BIAS, T((1, 4, 4, 4))], [convolution()], [0], [3])
    assert "a mixed quantisation is not compiled" in refused(data).why


def test_eight_bits_need_a_scale() -> None:
    plain = replace(INPUT, dtype="int8")
    data = lite_model([plain, replace(plain, scales=(0.5,))], [N("RELU", (0,), (1,))], [0], [1])
    assert "'t0' is int8 without a scale" in refused(data).why


def test_a_scale_for_each_channel_is_for_weights_alone() -> None:
    many = replace(INPUT, dtype="int8", scales=(0.1, 0.2, 0.3), axis=3)
    data = lite_model([many, many], [N("RELU", (0,), (1,))], [0], [1])
    assert "which only weights may have" in refused(data).why


def test_a_grouped_convolution_is_refused() -> None:
    data = lite_model([T((1, 7, 8, 6)), WEIGHTS, BIAS, T((1, 4, 4, 4))], [convolution()], [0], [3])
    assert "it is a grouped convolution" in refused(data).why


def test_a_constant_that_does_not_fill_its_shape_is_corruption() -> None:
    short = replace(WEIGHTS, shape=(4, 3, 3, 4))
    data = lite_model([INPUT, short, BIAS, T((1, 4, 4, 4))], [convolution()], [0], [3])
    with pytest.raises(ModelBroken, match="does not fill its shape"):
        read_lite(data, PATH)
