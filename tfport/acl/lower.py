"""A graph as calls of the Arm Compute Library, in words of C++ that the template puts together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import numpy as np

from tfport.acl.storage import Storage, plan_storage
from tfport.compiler import graph as ir
from tfport.compiler.memory import align
from tfport.compiler.passes import optimise, separate_activations
from tfport.errors import NotCompilable

_ACTIVATIONS = {
    ir.NONE: "",
    "relu": "ActivationFunction::RELU",
    "relu6": "ActivationFunction::BOUNDED_RELU, 6.0F",
    "relu_n1_to_1": "ActivationFunction::LU_BOUNDED_RELU, 1.0F, -1.0F",
    "logistic": "ActivationFunction::LOGISTIC",
    "tanh": "ActivationFunction::TANH, 1.0F, 1.0F",
}
_TYPES = {"float32": "F32", "int8": "QASYMM8_SIGNED", "uint8": "QASYMM8", "int32": "S32"}
# The library's name of what each of its functions needs, as its build takes it.
OPERATORS = {
    "NEActivationLayer": "Activation",
    "NEArithmeticAddition": "Add",
    "NEConcatenateLayer": "Concatenate",
    "NEDepthwiseConvolutionLayer": "DepthwiseConv2d",
    "NEDequantizationLayer": "Dequantize",
    "NEFullyConnectedLayer": "FullyConnected",
    "NEGEMMConvolutionLayer": "Conv2d",
    "NEPadLayer": "Pad",
    "NEPoolingLayer": "Pool2d",
    "NEQuantizationLayer": "Quantize",
    "NEScale": "Scale",
    "NESoftmaxLayer": "Softmax",
}
# Matrix products transpose their weights, which the library's own list of what needs what leaves out.
_PRODUCTS = frozenset({"Conv2d", "FullyConnected"})


@dataclass(frozen=True)
class Tensor:
    """A tensor of the library. ``place``: "arena", "weights" or "part"; ``offset`` into the first two.

    ``info`` constructs its TensorInfo; a part has ``whole``, ``shape`` and ``start`` instead.
    """

    name: str
    place: str
    info: str = ""
    offset: int = 0
    whole: str = ""
    shape: str = ""
    start: int = 0


@dataclass(frozen=True)
class Call:
    """One function of the library, configured with ``arguments``; ``node`` names the operator."""

    function: str
    node: str
    arguments: tuple[str, ...]


@dataclass
class Program:
    """All that an engine is made of."""

    tensors: list[Tensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    weights: bytearray = field(default_factory=bytearray)
    arena: int = 0
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    data_types: set[str] = field(default_factory=set)

    @property
    def operators(self) -> tuple[str, ...]:
        """What the library must be built with."""
        called = {OPERATORS[call.function] for call in self.calls}
        return tuple(sorted(called | ({"Transpose"} if called & _PRODUCTS else set())))


def lower(graph: ir.Graph, path: Path) -> Program:
    """The engine of a graph; raises ``NotCompilable`` with every node that the library has nothing for."""
    graph = separate_activations(optimise(graph), (ir.Pool, ir.Add))
    lowering = _Lowering(graph)
    for op in graph.ops:
        lowering.op(op)
    for key in graph.outputs:
        if graph.values[key].constant or key in graph.inputs:
            lowering.problems.append(f"output {graph.values[key].name!r} is computed by no operator")
    if lowering.problems:
        count = len(lowering.problems)
        raise NotCompilable(
            f"{path} cannot be compiled for the Arm Compute Library: {count} node{'s' * (count > 1)}",
            "\n".join(lowering.problems),
            "Build it with --runtime lite, which runs every operator of TensorFlow Lite.",
        )
    return lowering.finish()


class _Refused(Exception):
    pass


class _Lowering:
    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.storage: Storage = plan_storage(graph)
        self.program = Program(arena=self.storage.arena.size)
        self.names: dict[tuple[int, Optional[tuple[int, ...]]], str] = {}
        self.problems: list[str] = []

    def op(self, op: ir.Op) -> None:
        if op.output in self.storage.done:
            return
        try:
            function, arguments = _LOWERINGS[type(op.work)](self, op)
            self.program.calls.append(Call(function, op.node, tuple(arguments)))
        except _Refused as problem:
            self.problems.append(f"{op.node}: {problem}")

    def finish(self) -> Program:
        for key in self.graph.inputs:
            self.program.inputs.append(self._port(key))
        for key in self.graph.outputs:
            self.program.outputs.append(self._port(key))
        return self.program

    def _port(self, key: int) -> dict[str, Any]:
        value = self.graph.values[key]
        scale, point = 0.0, 0
        if value.quantisation is not None:
            scale, point = value.quantisation.scales[0], value.quantisation.zero_points[0]
        offset = self.storage.offset(key)
        port = {"name": value.name, "dtype": value.dtype, "shape": list(value.shape), "bytes": value.bytes}
        return {**port, "scale": scale, "zero_point": point, "offset": offset}

    def tensor(self, key: int, shape: Optional[tuple[int, ...]] = None) -> str:
        """The C++ name of a value's tensor, as another shape if one is given."""
        value = self.graph.values[key]
        if shape == value.shape:
            shape = None
        name = self.names.get((key, shape))
        if name is None:
            name = f"t{len(self.names)}"
            self.names[key, shape] = name
            self.program.tensors.append(self._tensor(name, key, value, shape or value.shape))
        return f"&{name}"

    def _tensor(self, name: str, key: int, value: ir.Value, shape: tuple[int, ...]) -> Tensor:
        # A whole is made before its parts.
        part = self.storage.parts.get(key)
        if part is not None:
            whole = self.tensor(part.whole)[1:]
            return Tensor(name, "part", whole=whole, shape=_shape(shape), start=part.start)
        self._note(value)
        if value.data is None:
            info = _info(shape, _TYPES[value.dtype], _quantisation(value))
            return Tensor(name, "arena", info, self.storage.offset(key))
        kind, quantisation = _TYPES[value.dtype], _quantisation(value)
        if value.quantisation is not None and not value.quantisation.per_tensor:
            if value.dtype == "int8":
                kind = "QSYMM8_PER_CHANNEL"
                scales = np.array(value.quantisation.scales, "<f4")
                quantisation = f"Scales({self._store(scales)}, {scales.size})"
            else:  # biases: their scales are the products of others
                quantisation = ""
        offset = self._store(value.data)
        return Tensor(name, "weights", _info(shape, kind, quantisation), offset)

    def _note(self, value: ir.Value) -> None:
        names = {"float32": "fp32", "int8": "qasymm8_signed", "uint8": "qasymm8", "int32": "integer"}
        self.program.data_types.add(names[value.dtype])

    def _store(self, data: ir.Array) -> int:
        weights = self.program.weights
        weights.extend(bytes(align(len(weights)) - len(weights)))
        offset = len(weights)
        weights.extend(np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes())
        return offset

    def bias(self, op: ir.Op) -> str:
        return self.tensor(op.inputs[2]) if len(op.inputs) > 2 else "nullptr"


def _shape(shape: tuple[int, ...]) -> str:
    """The library counts dimensions from the innermost."""
    return f"TensorShape({', '.join(f'{size}U' for size in reversed(shape or (1,)))})"


def _quantisation(value: ir.Value) -> str:
    if value.quantisation is None or value.dtype not in ("int8", "uint8"):
        return ""
    return f"QuantizationInfo({_float(value.quantisation.scales[0])}, {value.quantisation.zero_points[0]})"


def _float(number: float) -> str:
    """Exact, and a float to C++."""
    return f"{float(number).hex()}F"


def _info(shape: tuple[int, ...], kind: str, quantisation: str) -> str:
    return f"Info({_shape(shape)}, DataType::{kind}{', ' + quantisation if quantisation else ''})"


def _activation(name: str) -> str:
    return f"ActivationLayerInfo({_ACTIVATIONS[name]})"


def _window(stride: ir.Pair, pads: ir.Pads) -> str:
    return (
        f"PadStrideInfo({stride[1]}, {stride[0]}, {pads.left}, {pads.right}, {pads.top}, {pads.bottom}, "
        "DimensionRoundingType::FLOOR)"
    )


Lowered = tuple[str, list[str]]


def _convolution(on: _Lowering, op: ir.Op) -> Lowered:
    work = op.work
    assert isinstance(work, ir.Convolution)
    arguments = [on.tensor(op.inputs[0]), on.tensor(op.inputs[1]), on.bias(op), on.tensor(op.output)]
    arguments += [_window(work.stride, work.pads), "WeightsInfo()"]
    arguments += [f"Size2D({work.dilation[1]}, {work.dilation[0]})", _activation(work.activation)]
    return "NEGEMMConvolutionLayer", arguments


def _depthwise(on: _Lowering, op: ir.Op) -> Lowered:
    work = op.work
    assert isinstance(work, ir.DepthwiseConvolution)
    weights = on.tensor(op.inputs[1], on.graph.values[op.inputs[1]].shape[1:])
    arguments = [on.tensor(op.inputs[0]), weights, on.bias(op), on.tensor(op.output)]
    arguments += [_window(work.stride, work.pads), f"{work.multiplier}U", _activation(work.activation)]
    arguments += [f"Size2D({work.dilation[1]}, {work.dilation[0]})"]
    return "NEDepthwiseConvolutionLayer", arguments


def _matrix_product(on: _Lowering, op: ir.Op) -> Lowered:
    work = op.work
    assert isinstance(work, ir.MatrixProduct)
    rows, columns = on.graph.values[op.output].shape[0], on.graph.values[op.inputs[1]].shape[-1]
    values = on.tensor(op.inputs[0], (rows, columns))
    arguments = [values, on.tensor(op.inputs[1]), on.bias(op), on.tensor(op.output)]
    return "NEFullyConnectedLayer", [*arguments, f"FullyConnected({_activation(work.activation)})"]


def _pool(on: _Lowering, op: ir.Op) -> Lowered:
    work = op.work
    assert isinstance(work, ir.Pool)
    batch, _, _, channels = on.graph.values[op.inputs[0]].shape
    shape = on.graph.values[op.output].shape
    # The mean of a whole picture may have lost its height and width.
    output = on.tensor(op.output, shape if len(shape) == 4 else (batch, 1, 1, channels))
    kind, window = work.kind.upper(), f"Size2D({work.window[1]}, {work.window[0]})"
    info = (
        f"PoolingLayerInfo(PoolingType::{'AVG' if kind == 'AVERAGE' else kind}, {window}, DataLayout::NHWC, "
    )
    return "NEPoolingLayer", [
        on.tensor(op.inputs[0]),
        output,
        f"{info}{_window(work.stride, work.pads)}, true)",
    ]


def _elementwise(on: _Lowering, op: ir.Op) -> Lowered:
    assert isinstance(op.work, ir.Elementwise)
    activation = _activation(op.work.function)
    return "NEActivationLayer", [on.tensor(op.inputs[0]), on.tensor(op.output), activation]


def _add(on: _Lowering, op: ir.Op) -> Lowered:
    arguments = [on.tensor(key) for key in (*op.inputs, op.output)]
    return "NEArithmeticAddition", [*arguments, "ConvertPolicy::SATURATE"]


def _multiply(on: _Lowering, op: ir.Op) -> Lowered:
    raise _Refused("it follows no convolution that it could be folded into")


def _concatenation(on: _Lowering, op: ir.Op) -> Lowered:
    assert isinstance(op.work, ir.Concatenation)
    axis = len(on.graph.values[op.output].shape) - 1 - op.work.axis
    inputs = f"Tensors{{{', '.join(on.tensor(key) for key in op.inputs)}}}"
    return "NEConcatenateLayer", [inputs, on.tensor(op.output), f"size_t{{{axis}}}"]


def _reshape(on: _Lowering, op: ir.Op) -> Lowered:
    raise _Refused("it reshapes a constant")


def _softmax(on: _Lowering, op: ir.Op) -> Lowered:
    assert isinstance(op.work, ir.Softmax)
    # The library takes a picture's channels for rows; of what it is, only the last dimension matters.
    shape = on.graph.values[op.output].shape
    flat = (int(np.prod(shape[:-1], dtype=np.int64)), shape[-1])
    return "NESoftmaxLayer", [on.tensor(op.inputs[0], flat), on.tensor(op.output, flat), _float(op.work.beta)]


def _pad(on: _Lowering, op: ir.Op) -> Lowered:
    assert isinstance(op.work, ir.Pad)
    pairs = ", ".join(f"{{{before}, {after}}}" for before, after in reversed(op.work.amounts))
    value, kind = on.graph.values[op.output], _TYPES[on.graph.values[op.output].dtype]
    zero = f"PixelValue(0.0, DataType::{kind}{', ' + _quantisation(value) if value.quantisation else ''})"
    return "NEPadLayer", [on.tensor(op.inputs[0]), on.tensor(op.output), f"PaddingList{{{pairs}}}", zero]


def _resize(on: _Lowering, op: ir.Op) -> Lowered:
    work = op.work
    assert isinstance(work, ir.Resize)
    if work.align_corners and work.half_pixel_centres:
        raise _Refused("it aligns corners with half-pixel centres")
    policy = "BILINEAR" if work.kind == "bilinear" else "NEAREST_NEIGHBOR"
    sampling = "CENTER" if work.half_pixel_centres else "TOP_LEFT"
    info = (
        f"ScaleKernelInfo(InterpolationPolicy::{policy}, BorderMode::REPLICATE, PixelValue(), "
        f"SamplingPolicy::{sampling}, false, {str(work.align_corners).lower()}, DataLayout::NHWC)"
    )
    return "NEScale", [on.tensor(op.inputs[0]), on.tensor(op.output), info]


def _requantise(on: _Lowering, op: ir.Op) -> Lowered:
    to_floats = on.graph.values[op.output].dtype == "float32"
    function = "NEDequantizationLayer" if to_floats else "NEQuantizationLayer"
    return function, [on.tensor(op.inputs[0]), on.tensor(op.output)]


_LOWERINGS: Mapping[type, Callable[[_Lowering, ir.Op], Lowered]] = {
    ir.Add: _add,
    ir.Concatenation: _concatenation,
    ir.Convolution: _convolution,
    ir.DepthwiseConvolution: _depthwise,
    ir.Elementwise: _elementwise,
    ir.MatrixProduct: _matrix_product,
    ir.Multiply: _multiply,
    ir.Pad: _pad,
    ir.Pool: _pool,
    ir.Requantise: _requantise,
    ir.Reshape: _reshape,
    ir.Resize: _resize,
    ir.Softmax: _softmax,
}
