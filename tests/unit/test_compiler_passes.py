"""Passes: each makes the graph smaller and leaves what it computes as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfport.compiler.graph import (
    Add,
    Array,
    Convolution,
    DepthwiseConvolution,
    Elementwise,
    Graph,
    Multiply,
    Op,
    Pad,
    Pads,
    Pool,
    Quantisation,
    Requantise,
    Reshape,
    Softmax,
    Value,
    Work,
)
from tfport.compiler.passes import (
    drop_unused,
    fold_constants,
    fold_scales,
    fuse_activations,
    fuse_pads,
    optimise,
    separate_activations,
)

PICTURE = (1, 2, 2, 2)
CONVOLUTION = Convolution((1, 1), (1, 1), Pads())


def value(shape: tuple[int, ...] = PICTURE, data: Array | None = None, dtype: str = "float32") -> Value:
    return Value("v", dtype, shape if data is None else data.shape, None, data)


def chain(*works: Work, constants: dict[int, Array] | None = None) -> Graph:
    """Operators one after the other: number k reads value 10 k and writes 10 (k + 1).

    ``constants`` by key: 10 k + 1, 10 k + 2 are further inputs of operator k.
    """
    given = constants or {}
    values = {key: value(data=data) for key, data in given.items()}
    values.update({10 * k: value() for k in range(len(works) + 1)})
    ops = [
        Op(f"OP (node {k})", work, (10 * k, *sorted(key for key in given if key // 10 == k)), 10 * (k + 1))
        for k, work in enumerate(works)
    ]
    return Graph(values, tuple(ops), (0,), (10 * len(works),))


def weighted(*works: Work, **more: Array) -> Graph:
    constants = {1: np.array([[1.0, 2.0], [3.0, 4.0]], np.float32).reshape(2, 1, 1, 2)}
    constants[2] = np.array([1.0, -1.0], np.float32)
    constants.update({int(key[1:]): data for key, data in more.items()})
    return chain(*works, constants=constants)


def test_batch_normalisation_goes_into_the_weights() -> None:
    factor, summand = np.array([2.0, 3.0], np.float32), np.array([5.0, 7.0], np.float32)
    graph = fold_scales(weighted(CONVOLUTION, Multiply(), Add("relu"), c11=factor, c21=summand))
    [op] = graph.ops
    assert op.work == replace(CONVOLUTION, activation="relu")
    assert op.output == 30
    weights, bias = (graph.values[key].data for key in op.inputs[1:])
    assert weights is not None
    assert bias is not None
    assert weights.reshape(2, 2).tolist() == [[2.0, 4.0], [9.0, 12.0]]
    assert bias.tolist() == [7.0, 4.0]  # 1 * 2 + 5, -1 * 3 + 7


def test_a_factor_for_a_depthwise_convolution_is_that_of_its_last_dimension() -> None:
    work = DepthwiseConvolution((1, 1), (1, 1), Pads(), 1)
    weights = np.ones((1, 1, 1, 2), np.float32)
    graph = fold_scales(chain(work, Multiply(), constants={1: weights, 11: np.array([2.0, 3.0], np.float32)}))
    [op] = graph.ops
    data = graph.values[op.inputs[1]].data
    assert data is not None
    assert data.reshape(-1).tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "graph",
    [
        weighted(replace(CONVOLUTION, activation="relu"), Multiply(), c11=np.ones(2, np.float32)),
        weighted(CONVOLUTION, Multiply(), c11=np.ones((2, 1), np.float32)),
        weighted(CONVOLUTION, Multiply(), c11=np.ones(2, np.int8)),
        replace(weighted(CONVOLUTION, Multiply(), c11=np.ones(2, np.float32)), outputs=(10, 20)),
    ],
    ids=["an activation between", "not for each channel", "not floats", "the value is an output too"],
)
def test_scales_that_mean_something_else_stay(graph: Graph) -> None:
    assert fold_scales(graph) == graph


def test_zeros_around_a_picture_become_padding() -> None:
    work = replace(CONVOLUTION, pads=Pads(1, 1, 0, 0))
    pad = Pad(((0, 0), (1, 2), (3, 4), (0, 0)))
    graph = fuse_pads(chain(pad, work, constants={11: np.ones((2, 1, 1, 2), np.float32)}))
    [op] = graph.ops
    assert op.work == replace(work, pads=Pads(2, 3, 3, 4))
    assert op.inputs == (0, 11)


@pytest.mark.parametrize("pad", [Pad(((0, 0), (1, 1), (1, 1), (0, 1))), Pad(((0, 0), (1, 1)))])
def test_zeros_elsewhere_stay(pad: Pad) -> None:
    graph = chain(pad, CONVOLUTION, constants={11: np.ones((2, 1, 1, 2), np.float32)})
    assert fuse_pads(graph) == graph


def test_zeros_before_a_pool_stay() -> None:
    graph = chain(Pad(((0, 0), (1, 1), (1, 1), (0, 0))), Pool("max", (2, 2), (1, 1), Pads()))
    assert fuse_pads(graph) == graph


def test_a_clamp_goes_into_the_convolution_before() -> None:
    graph = fuse_activations(weighted(CONVOLUTION, Elementwise("relu6")))
    [op] = graph.ops
    assert op.work == replace(CONVOLUTION, activation="relu6")
    assert op.output == 20


def test_other_functions_stay() -> None:
    graph = weighted(CONVOLUTION, Elementwise("tanh"))
    assert fuse_activations(graph) == graph


def test_a_clamp_that_changes_the_scale_stays() -> None:
    graph = weighted(CONVOLUTION, Elementwise("relu"))
    finer = replace(graph.values[20], quantisation=Quantisation((0.5,), (0,)))
    graph = replace(graph, values={**graph.values, 20: finer})
    assert fuse_activations(graph) == graph


def test_weights_stored_as_halves_are_computed_before() -> None:
    half = np.array([[1.5, 2.0]], np.float16)
    values = {0: value((1, 2)), 1: value(data=half, dtype="float16"), 2: value((1, 2)), 3: value((1, 2))}
    ops = (Op("DEQUANTIZE (node 0)", Requantise(), (1,), 2), Op("ADD (node 1)", Add(), (0, 2), 3))
    graph = fold_constants(Graph(values, ops, (0,), (3,)))
    assert [op.node for op in graph.ops] == ["ADD (node 1)"]
    data = graph.values[2].data
    assert data is not None
    assert (data.dtype, data.tolist()) == (np.dtype(np.float32), [[1.5, 2.0]])


def test_stored_steps_become_floats_by_channel() -> None:
    steps = Value("w", "int8", (2, 2), Quantisation((0.5, 2.0), (1, 0), 0), np.array([[3, 1], [3, 1]]))
    values = {0: steps, 1: value((2, 2))}
    graph = fold_constants(Graph(values, (Op("DEQUANTIZE", Requantise(), (0,), 1),), (), (1,)))
    data = graph.values[1].data
    assert data is not None
    assert data.tolist() == [[1.0, 0.0], [6.0, 2.0]]


def test_what_nobody_reads_goes_with_all_that_it_needs() -> None:
    graph = chain(Elementwise("relu"), Reshape(), Softmax(1.0))
    spare = (Op("A", Reshape(), (10,), 90), Op("B", Reshape(), (90,), 91))
    values = {**graph.values, 90: value(), 91: value()}
    assert drop_unused(replace(graph, ops=(*graph.ops, *spare), values=values)) == graph


def test_separated_activations_read_a_value_of_their_own() -> None:
    graph = separate_activations(chain(Pool("max", (2, 2), (1, 1), Pads(), "relu6")), (Pool,))
    first, second = graph.ops
    assert first.work == Pool("max", (2, 2), (1, 1), Pads())
    assert second.work == Elementwise("relu6")
    assert (second.inputs, second.output) == ((first.output,), 10)


def test_all_passes_together() -> None:
    pad = Pad(((0, 0), (1, 1), (1, 1), (0, 0)))
    constants = {11: np.ones((2, 1, 1, 2), np.float32), 21: np.ones(2, np.float32)}
    graph = optimise(chain(pad, CONVOLUTION, Multiply(), Elementwise("relu"), constants=constants))
    [op] = graph.ops
    assert op.work == Convolution((1, 1), (1, 1), Pads(1, 1, 1, 1), "relu")
