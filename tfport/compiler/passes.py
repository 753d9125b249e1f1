"""Passes that make a graph smaller without changing what it computes, whatever the back end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Optional, Union, cast

import numpy as np

from tfport.compiler.graph import (
    NONE,
    Add,
    Array,
    Convolution,
    DepthwiseConvolution,
    Elementwise,
    Graph,
    MatrixProduct,
    Multiply,
    Op,
    Pad,
    Pads,
    Requantise,
    Reshape,
    Value,
)

Weighty = Union[Convolution, DepthwiseConvolution, MatrixProduct]
_WEIGHTY = (Convolution, DepthwiseConvolution, MatrixProduct)
# What every back end does in the operator before; the rest are computed by themselves.
_CLAMPS = ("relu", "relu6", "relu_n1_to_1")


def optimise(graph: Graph) -> Graph:
    """All passes, in the order in which they help each other."""
    for each in (fold_constants, fold_scales, fuse_pads, fuse_activations, drop_unused):
        graph = each(graph)
    return graph


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on constants alone: weights that are stored in fewer bits, or in another shape."""
    values, ops = dict(graph.values), []
    for op in graph.ops:
        data = values[op.inputs[0]].data
        if data is None or not isinstance(op.work, (Reshape, Requantise)):
            ops.append(op)
            continue
        source, result = values[op.inputs[0]], values[op.output]
        if isinstance(op.work, Requantise):
            if result.dtype != "float32":
                ops.append(op)
                continue
            data = _real(source, data)
        values[op.output] = replace(result, data=data.reshape(result.shape))
    return graph.with_ops(ops, values)


def _real(value: Value, data: Array) -> Array:
    """Stored numbers as the floats that they stand for."""
    floats: Array = data.astype(np.float32)
    if value.quantisation is None:
        return floats
    spread = [1] * data.ndim
    if not value.quantisation.per_tensor:
        spread[value.quantisation.axis] = -1
    scales = np.array(value.quantisation.scales, np.float32).reshape(spread)
    points = np.array(value.quantisation.zero_points, np.float32).reshape(spread)
    result: Array = (floats - points) * scales
    return result


def fold_scales(graph: Graph) -> Graph:
    """Batch normalisation: a factor and a summand for each channel go into the weights before them."""

    def fold(graph: Graph, op: Op) -> Optional[Graph]:
        if not isinstance(op.work, (Multiply, Add)):
            return None
        source, constant = _operands(graph, op)
        before = graph.writer(source) if constant is not None else None
        if before is None or constant is None or not isinstance(before.work, _WEIGHTY):
            return None
        if before.work.activation != NONE or graph.only_user(source) is not op:
            return None
        channels = graph.values[op.output].shape[-1]
        data = graph.values[constant].data
        if data is None or data.dtype != np.float32 or data.size not in (1, channels):
            return None
        if data.ndim and data.size != data.shape[-1]:  # a constant for each row, not for each channel
            return None
        factor = np.broadcast_to(data.reshape(-1), (channels,))
        return _absorb(graph, before, op, factor)

    return _repeat(graph, fold)


def _operands(graph: Graph, op: Op) -> tuple[int, Optional[int]]:
    first, second = op.inputs
    if graph.values[first].constant:
        first, second = second, first
    return first, second if graph.values[second].constant else None


def _absorb(graph: Graph, before: Op, op: Op, numbers: Array) -> Optional[Graph]:
    """``before`` with the constant of ``op`` in its weights and biases, and the result of ``op``."""
    work = cast(Weighty, before.work)
    weights = graph.values[before.inputs[1]]
    if weights.data is None or weights.dtype != "float32":
        return None
    bias = graph.values[before.inputs[2]].data if len(before.inputs) > 2 else None
    shift: Array = np.zeros(numbers.shape, np.float32) if bias is None else bias.astype(np.float32)
    data = weights.data
    if isinstance(op.work, Multiply):
        along = (1, 1, 1, -1) if isinstance(work, DepthwiseConvolution) else (-1, *[1] * (data.ndim - 1))
        data, shift = data * numbers.reshape(along), shift * numbers
    else:
        shift = shift + numbers
    values = dict(graph.values)
    key = max(values) + 1
    values[key] = replace(weights, data=data)
    values[key + 1] = Value(f"{weights.name}/bias", "float32", shift.shape, None, shift)
    activation = cast(Union[Multiply, Add], op.work).activation
    merged = Op(
        before.node, replace(work, activation=activation), (before.inputs[0], key, key + 1), op.output
    )
    return graph.with_ops(_merged(graph, before, op, merged), values)


def fuse_pads(graph: Graph) -> Graph:
    """Zeros around a picture become the padding of the convolution after them."""

    def fuse(graph: Graph, op: Op) -> Optional[Graph]:
        if not isinstance(op.work, Pad) or len(op.work.amounts) != 4:
            return None
        after = graph.only_user(op.output)
        if after is None or not isinstance(after.work, (Convolution, DepthwiseConvolution)):
            return None
        batch, (top, bottom), (left, right), channels = op.work.amounts
        same = graph.values[op.inputs[0]].quantisation == graph.values[op.output].quantisation
        if batch != (0, 0) or channels != (0, 0) or not same:
            return None
        work = replace(after.work, pads=after.work.pads + Pads(top, bottom, left, right))
        merged = replace(after, work=work, inputs=(op.inputs[0], *after.inputs[1:]))
        return graph.with_ops(_merged(graph, op, after, merged))

    return _repeat(graph, fuse)


def fuse_activations(graph: Graph) -> Graph:
    """A clamp becomes part of the operator that computes what it clamps."""

    def fuse(graph: Graph, op: Op) -> Optional[Graph]:
        if not isinstance(op.work, Elementwise) or op.work.function not in _CLAMPS:
            return None
        before = graph.writer(op.inputs[0])
        if before is None or not isinstance(before.work, (*_WEIGHTY, Add)):
            return None
        if before.work.activation != NONE or graph.only_user(before.output) is not op:
            return None
        if graph.values[before.output].quantisation != graph.values[op.output].quantisation:
            return None
        work = replace(before.work, activation=op.work.function)
        merged = replace(before, work=work, output=op.output)
        return graph.with_ops(_merged(graph, before, op, merged))

    return _repeat(graph, fuse)


def drop_unused(graph: Graph) -> Graph:
    """Operators whose results nobody reads."""

    def drop(graph: Graph, op: Op) -> Optional[Graph]:
        if op.output in graph.outputs or graph.users(op.output):
            return None
        return graph.with_ops(each for each in graph.ops if each is not op)

    return _repeat(graph, drop)


def separate_activations(graph: Graph, kinds: tuple[type, ...]) -> Graph:
    """For back ends that do not fuse activations into operators of these ``kinds``."""
    values: Mapping[int, Value] = dict(graph.values)
    ops: list[Op] = []
    for op in graph.ops:
        activation = getattr(op.work, "activation", NONE)
        if not isinstance(op.work, kinds) or activation == NONE:
            ops.append(op)
            continue
        key = max(values) + 1
        values = {**values, key: replace(values[op.output], name=f"{values[op.output].name}/raw")}
        plain = replace(cast(Add, op.work), activation=NONE)
        ops += [replace(op, work=plain, output=key), Op(op.node, Elementwise(activation), (key,), op.output)]
    return graph.with_ops(ops, values)


def _merged(graph: Graph, first: Op, second: Op, merged: Op) -> list[Op]:
    """The operators with ``merged`` in the place of ``second``, and ``first`` gone."""
    return [merged if op is second else op for op in graph.ops if op is not first]


def _repeat(graph: Graph, change: Callable[[Graph, Op], Optional[Graph]]) -> Graph:
    """Apply ``change`` until it finds nothing more to do."""
    while True:
        for op in graph.ops:
            changed = change(graph, op)
            if changed is not None:
                graph = changed
                break
        else:
            return graph
