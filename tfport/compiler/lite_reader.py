"""The front end for TensorFlow Lite: a .tflite file becomes a graph, or is refused, each node named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from tfport.compiler import graph as ir
from tfport.compiler.lite_options import Options
from tfport.errors import ModelBroken, NotCompilable
from tfport.flat import Flat, FlatError, FlatTable
from tfport.model import LiteModel, Node, Tensor, parse_tflite

_HINT = "Build it with --runtime lite, which runs every operator of TensorFlow Lite."
_FLOAT, _BYTES = "float32", ("int8", "uint8")
_CONSTANTS = (_FLOAT, "float16", "int32", "int64", *_BYTES)


class Unsupported(Exception):
    """One node asks for what the compiler does not do."""


@dataclass(frozen=True)
class Site:
    """A node with all that is known of it."""

    values: Mapping[int, ir.Value]
    options: Options
    inputs: tuple[int, ...]
    output: int

    def shape(self, position: int) -> tuple[int, ...]:
        return self.values[self.inputs[position]].shape

    def numbers(self, position: int, what: str) -> tuple[int, ...]:
        """The whole numbers of an input that must be a constant."""
        data = self.values[self.inputs[position]].data if position < len(self.inputs) else None
        if data is None:
            raise Unsupported(f"its {what} is computed by the model, not constant")
        return tuple(int(number) for number in np.asarray(data).reshape(-1))

    @property
    def result(self) -> ir.Value:
        return self.values[self.output]


def read_lite(data: bytes, path: Path) -> ir.Graph:
    """The main graph of a model file. Raises what ``parse_tflite`` does, and ``NotCompilable``."""
    model = parse_tflite(data, path)
    _refuse_forms(model)
    try:
        root = Flat(data).root()
        table = next(root.tables(2))
        values = _values(data, root, table, model)
        ops, problems = _ops(table, model, values)
    except FlatError as error:
        raise ModelBroken(f"The model {path} is corrupted: {error}") from None
    if problems:
        count = len(problems)
        raise NotCompilable(
            f"{path} cannot be compiled: the model compiler does not know {count} of its nodes",
            "\n".join(problems),
            _HINT,
        )
    main = model.graphs[0]
    return ir.Graph(values, tuple(ops), main.inputs, main.outputs).with_ops(ops)


def _refuse_forms(model: LiteModel) -> None:
    """What holds for the model as a whole."""
    problems = []
    if len(model.graphs) > 1:
        problems.append(f"it has {len(model.graphs)} graphs; control flow cannot be compiled")
    main = model.graphs[0]
    if not main.inputs or not main.outputs:
        problems.append("it has no input or no output")
    for tensor in main.tensors:
        if -1 in tensor.signature or -1 in tensor.shape:
            problems.append(f"tensor {tensor.name!r} has a dynamic shape, {list(tensor.signature)}")
        if tensor.variable or tensor.sparse:
            kind = "a variable" if tensor.variable else "sparse"
            problems.append(f"tensor {tensor.name!r} is {kind}")
    if problems:
        hint = "Convert it with a fixed batch and fixed sizes." if "dynamic" in problems[0] else _HINT
        raise NotCompilable(f"{model.path} cannot be compiled", "\n".join(problems), hint)


def _values(data: bytes, root: FlatTable, table: FlatTable, model: LiteModel) -> dict[int, ir.Value]:
    buffers = list(root.tables(4))
    values = {}
    for index, (tensor, entry) in enumerate(zip(model.graphs[0].tensors, table.tables(0))):
        start, size = buffers[entry.scalar(2, "I")].span(0) if tensor.constant_bytes else (0, 0)
        values[index] = _value(tensor, data[start : start + size] if size else None)
    return values


def _value(tensor: Tensor, raw: Optional[bytes]) -> ir.Value:
    quantisation = None
    if tensor.scales:
        points = tensor.zero_points or (0,) * len(tensor.scales)
        quantisation = ir.Quantisation(tensor.scales, points, tensor.axis)
    content = None
    if raw is not None and tensor.dtype in _CONSTANTS:
        kind = np.dtype(tensor.dtype).newbyteorder("<")
        if len(raw) != int(np.prod(tensor.shape, dtype=np.int64)) * kind.itemsize:
            raise FlatError(
                f"the data of tensor {tensor.name!r} does not fill its shape {list(tensor.shape)}"
            )
        content = np.frombuffer(raw, kind).reshape(tensor.shape)
    return ir.Value(tensor.name, tensor.dtype, tensor.shape, quantisation, content)


def _ops(table: FlatTable, model: LiteModel, values: Mapping[int, ir.Value]) -> tuple[list[ir.Op], list[str]]:
    ops, problems = [], []
    for number, (node, entry) in enumerate(zip(model.graphs[0].nodes, table.tables(3))):
        code = model.op_codes[node.op]
        name = f"{code.name} (node {number})"
        try:
            if code.custom or code.name not in _READERS:
                raise Unsupported("no such operator is known to the compiler")
            ops.append(_op(name, code.name, node, entry, values))
        except Unsupported as problem:
            problems.append(f"{name}: {problem}")
    return ops, problems


def _op(name: str, kind: str, node: Node, entry: FlatTable, values: Mapping[int, ir.Value]) -> ir.Op:
    inputs = tuple(index for index in node.inputs if index >= 0)
    if len(node.outputs) != 1 or node.outputs[0] < 0 or not inputs:
        raise Unsupported(f"it has {len(inputs)} inputs and {len(node.outputs)} outputs")
    reader, data_inputs = _READERS[kind]
    site = Site(values, Options(entry.table(4)), inputs, node.outputs[0])
    work = reader(site)
    activation = getattr(work, "activation", ir.NONE)
    if activation not in ir.ACTIVATIONS:
        raise Unsupported(f"its fused activation {activation} is not known")
    kept = inputs if data_inputs is None else inputs[:data_inputs]
    _check_types(kind, work, [values[index] for index in kept], site.result)
    return ir.Op(name, work, kept, node.outputs[0])


def _check_types(kind: str, work: ir.Work, inputs: list[ir.Value], output: ir.Value) -> None:
    """One kind of number throughout, or eight bits with scales throughout."""
    if isinstance(work, ir.Requantise):
        allowed = (_FLOAT, "float16", *_BYTES) if inputs[0].constant else (_FLOAT, *_BYTES)
        wrong = [value for value in (*inputs, output) if value.dtype not in allowed]
    else:
        weighty = isinstance(work, (ir.Convolution, ir.DepthwiseConvolution, ir.MatrixProduct))
        main = [*(inputs[:2] if weighty else inputs), output]
        kinds = sorted({value.dtype for value in main})
        if len(kinds) > 1:
            raise Unsupported(f"it mixes {' and '.join(kinds)}; a mixed quantisation is not compiled")
        wrong = [value for value in main if value.dtype not in (_FLOAT, *_BYTES)]
    if wrong:
        raise Unsupported(f"{wrong[0].name!r} is {wrong[0].dtype}; only float32, int8 and uint8 are compiled")
    for value in (*inputs, output):
        if value.dtype not in _BYTES:
            continue
        if value.quantisation is None:
            raise Unsupported(f"{value.name!r} is {value.dtype} without a scale")
        if not value.quantisation.per_tensor and not value.constant:
            raise Unsupported(f"{value.name!r} has a scale for each channel, which only weights may have")


def _picture(site: Site) -> ir.Pair:
    shape = site.shape(0)
    if len(shape) != 4:
        raise Unsupported(f"its input has {len(shape)} dimensions, not 4")
    return shape[1], shape[2]


def _weights(site: Site) -> ir.Pair:
    weights = site.values[site.inputs[1]] if len(site.inputs) > 1 else None
    if weights is None or weights.data is None:
        raise Unsupported("its weights are computed by the model, not constant")
    if len(weights.shape) != 4:
        raise Unsupported(f"its weights have {len(weights.shape)} dimensions, not 4")
    return weights.shape[1], weights.shape[2]


def _convolution(site: Site) -> ir.Work:
    size, window, options = _picture(site), _weights(site), site.options
    if site.shape(1)[3] != site.shape(0)[3]:
        raise Unsupported("it is a grouped convolution")
    dilation = options.integer(5, 1), options.integer(4, 1)
    pads = options.pads(size, window, dilation)
    return ir.Convolution(options.strides(), dilation, pads, options.activation(3))


def _depthwise(site: Site) -> ir.Work:
    size, window, options = _picture(site), _weights(site), site.options
    multiplier, rest = divmod(site.shape(1)[3], max(1, site.shape(0)[3]))
    if rest or not multiplier:
        raise Unsupported("its channels do not divide those of its weights")
    dilation = options.integer(6, 1), options.integer(5, 1)
    pads = options.pads(size, window, dilation)
    return ir.DepthwiseConvolution(options.strides(), dilation, pads, multiplier, options.activation(4))


def _matrix_product(site: Site) -> ir.Work:
    if len(site.inputs) < 2 or not site.values[site.inputs[1]].constant:
        raise Unsupported("its weights are computed by the model, not constant")
    if site.options.small(1):
        raise Unsupported("its weights are shuffled")
    if len(site.result.shape) != 2:
        raise Unsupported(f"its output has {len(site.result.shape)} dimensions, not 2")
    return ir.MatrixProduct(site.options.activation(0))


def _pool(kind: str) -> Callable[[Site], ir.Work]:
    def read(site: Site) -> ir.Work:
        size, options = _picture(site), site.options
        window = options.integer(4), options.integer(3)
        pads = options.pads(size, window, (1, 1))
        return ir.Pool(kind, window, options.strides(), pads, options.activation(5))

    return read


def _mean(site: Site) -> ir.Work:
    size = _picture(site)
    axes = sorted(axis % 4 for axis in site.numbers(1, "list of axes"))
    if axes != [1, 2]:
        raise Unsupported(f"it is taken over the axes {axes}, not over height and width")
    return ir.Pool("average", size, (1, 1), ir.Pads())


def _elementwise(function: str) -> Callable[[Site], ir.Work]:
    return lambda site: ir.Elementwise(function)


def _concatenation(site: Site) -> ir.Work:
    if site.options.activation(1) != ir.NONE:
        raise Unsupported("it has a fused activation")
    return ir.Concatenation(site.options.integer(0) % max(1, len(site.result.shape)))


def _softmax(site: Site) -> ir.Work:
    return ir.Softmax(site.options.number(0))


def _reshape(site: Site) -> ir.Work:
    return ir.Reshape()


def _pad(site: Site) -> ir.Work:
    amounts = site.numbers(1, "list of paddings")
    pairs = tuple(zip(amounts[::2], amounts[1::2]))
    if len(pairs) != len(site.shape(0)) or min(amounts, default=0) < 0:
        raise Unsupported(f"its paddings are {list(amounts)}")
    return ir.Pad(pairs)


def _resize(kind: str, slot: int) -> Callable[[Site], ir.Work]:
    def read(site: Site) -> ir.Work:
        _picture(site)
        site.numbers(1, "size")
        return ir.Resize(kind, bool(site.options.small(slot)), bool(site.options.small(slot + 1)))

    return read


def _requantise(site: Site) -> ir.Work:
    return ir.Requantise()


# How each operator is read, and how many of its inputs are values (None: all).
_READERS: Mapping[str, tuple[Callable[[Site], ir.Work], Optional[int]]] = {
    "ADD": (lambda site: ir.Add(site.options.activation(0)), None),
    "AVERAGE_POOL_2D": (_pool("average"), 1),
    "CONCATENATION": (_concatenation, None),
    "CONV_2D": (_convolution, 3),
    "DEPTHWISE_CONV_2D": (_depthwise, 3),
    "DEQUANTIZE": (_requantise, 1),
    "EXPAND_DIMS": (_reshape, 1),
    "FULLY_CONNECTED": (_matrix_product, 3),
    "LOGISTIC": (_elementwise("logistic"), 1),
    "MAX_POOL_2D": (_pool("max"), 1),
    "MEAN": (_mean, 1),
    "MUL": (lambda site: ir.Multiply(site.options.activation(0)), None),
    "PAD": (_pad, 1),
    "QUANTIZE": (_requantise, 1),
    "RELU": (_elementwise("relu"), 1),
    "RELU6": (_elementwise("relu6"), 1),
    "RELU_N1_TO_1": (_elementwise("relu_n1_to_1"), 1),
    "RESHAPE": (_reshape, 1),
    "RESIZE_BILINEAR": (_resize("bilinear", 2), 1),
    "RESIZE_NEAREST_NEIGHBOR": (_resize("nearest", 0), 1),
    "SOFTMAX": (_softmax, 1),
    "SQUEEZE": (_reshape, 1),
    "TANH": (_elementwise("tanh"), 1),
}
