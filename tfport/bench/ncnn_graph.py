"""A .tflite as ncnn's two files, so that both run one and the same graph.

ncnn's own formats, as its documentation describes them: a text of layers with numbered parameters, and the
weights in the order of the layers. Pooling keeps TensorFlow's floor, padding TensorFlow's SAME. A quantised
model keeps its int8 weights; ncnn's activations have no zero point, so each gets the scale that holds the
larger end of TensorFlow's range.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import numpy as np

from tfport.catalogue import write_whole
from tfport.errors import ConversionFailed
from tfport.flat import Flat, FlatTable
from tfport.inputs import Array
from tfport.model import LiteModel, Tensor

_MAGIC = "7767517"
_INT8_TAG = 0x000D4B38
_SAME_UPPER = -233
_ACTIVATIONS = {0: "", 1: " 9=1", 3: " 9=3 -23310=2,0.0,6.0"}  # none, ReLU, ReLU6
_REQUANTISED = 100  # added to a layer's int8 term: its result stays int8
_REQUANTISERS = ("Convolution", "ConvolutionDepthWise")  # between these it may


@dataclass
class _Layer:
    kind: str
    name: str
    inputs: list[int]
    output: int
    parameters: str = ""
    weights: list[bytes] = field(default_factory=list)
    scale_term: int = 0


def write_ncnn(lite: LiteModel, folder: Path) -> Path:
    """Write ``net.param`` and ``net.bin``; returns the first. Raises ``ConversionFailed`` by operator."""
    layers = _Reader(lite).layers()
    param, weights = _emit(lite, layers)
    write_whole(folder / "net.param", param.encode())
    write_whole(folder / "net.bin", weights)
    return folder / "net.param"


class _Reader:
    """Field slots below are positions in ``schema.fbs``, as in ``tfport.model``."""

    def __init__(self, lite: LiteModel) -> None:
        self.lite, self.graph = lite, lite.graphs[0]
        data = lite.path.read_bytes()
        root = Flat(data).root()
        self.data, self.buffers = data, list(root.tables(4))
        main = next(iter(root.tables(2)))
        self.tensors, self.operators = list(main.tables(0)), list(main.tables(3))
        self.alias: dict[int, int] = {}

    def layers(self) -> list[_Layer]:
        made: list[_Layer] = []
        for node, entry in zip(self.graph.nodes, self.operators):
            kind = self.lite.op_codes[node.op].name
            options = entry.table(4)
            inputs = [self.alias.get(i, i) for i in node.inputs]
            if kind in ("RESHAPE", "QUANTIZE", "DEQUANTIZE"):  # ncnn's pooling leaves a plain vector
                self.alias[node.outputs[0]] = inputs[0]
                continue
            layer = _Layer("", f"layer{len(made)}", inputs[:1], node.outputs[0])
            if kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and options is not None:
                self.convolution(layer, kind, options, node.inputs)
            elif kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D") and options is not None:
                self.pooling(layer, kind, options)
            elif kind == "MEAN":
                layer.kind, layer.parameters = "Pooling", "0=1 4=1"
            elif kind == "CONCATENATION":
                layer.kind, layer.inputs, layer.parameters = "Concat", inputs, "0=0"
            elif kind == "FULLY_CONNECTED":
                self.product(layer, options, node.inputs)
            elif kind == "ADD":
                self.addition(layer, options, inputs)
            elif kind == "SOFTMAX":
                layer.kind, layer.parameters = "Softmax", "0=0"
            else:
                raise ConversionFailed(f"{kind} is not among the operators that the bench writes for ncnn")
            made.append(layer)
        return made

    def pooling(self, layer: _Layer, kind: str, options: FlatTable) -> None:
        mode = 2 if options.scalar(0, "b") == 0 else 1  # SAME upper, or VALID
        if options.scalar(5, "b"):
            raise ConversionFailed(f"{kind} with a fused activation is not written for ncnn")
        layer.kind = "Pooling"
        layer.parameters = (
            f"0={int(kind != 'MAX_POOL_2D')} 1={options.scalar(3, 'i')} 11={options.scalar(4, 'i')} "
            f"2={options.scalar(1, 'i')} 12={options.scalar(2, 'i')} 5={mode}"
        )

    def addition(self, layer: _Layer, options: Optional[FlatTable], inputs: list[int]) -> None:
        if options is not None and options.scalar(0, "b"):
            raise ConversionFailed("ADD with a fused activation is not written for ncnn")
        if any(self.held(index)[1] for index in inputs):
            raise ConversionFailed("ADD of a constant is not written for ncnn")
        layer.kind, layer.inputs, layer.parameters = "BinaryOp", inputs, "0=0"

    def convolution(self, layer: _Layer, kind: str, options: FlatTable, inputs: Sequence[int]) -> None:
        deep = kind == "DEPTHWISE_CONV_2D"
        same, stride_w, stride_h = options.scalar(0, "b") == 0, options.scalar(1, "i"), options.scalar(2, "i")
        activation = options.scalar(4 if deep else 3, "b")
        if activation not in _ACTIVATIONS:
            raise ConversionFailed(f"{kind} with the activation number {activation} is not written for ncnn")
        weights = self.values(inputs[1])
        _, height, width, _ = weights.shape
        # TensorFlow keeps output x height x width x input, depthwise 1 x height x width x channel.
        ordered = weights.transpose(3, 0, 1, 2) if deep else weights.transpose(0, 3, 1, 2)
        filters = int(ordered.shape[0])
        source = self.graph.tensors[inputs[0]]
        if source.shape[1:3] == (1, 1) and (height, width) == (1, 1) and not deep:
            # ncnn's global pooling leaves a vector, which its int8 convolution takes for a row of pixels.
            layer.kind = "InnerProduct"
            layer.parameters = f"0={filters} 1=1 2={ordered.size}"
        else:
            layer.kind = "ConvolutionDepthWise" if deep else "Convolution"
            layer.parameters = (
                f"0={filters} 1={width} 11={height} 3={stride_w} 13={stride_h} "
                f"4={_SAME_UPPER if same else 0} 5=1 6={ordered.size}{f' 7={filters}' if deep else ''}"
            )
        layer.parameters += _ACTIVATIONS[activation]
        self.weigh(layer, ordered, inputs)

    def product(self, layer: _Layer, options: Optional[FlatTable], inputs: Sequence[int]) -> None:
        activation = options.scalar(0, "b") if options is not None else 0
        if len(inputs) != 3 or inputs[2] < 0:
            raise ConversionFailed("FULLY_CONNECTED without bias is not written for ncnn")
        if activation not in _ACTIVATIONS:
            raise ConversionFailed(f"FULLY_CONNECTED with the activation number {activation} is not written")
        weights = self.values(inputs[1])  # output x input, as ncnn has it
        layer.kind = "InnerProduct"
        layer.parameters = f"0={weights.shape[0]} 1=1 2={weights.size}{_ACTIVATIONS[activation]}"
        self.weigh(layer, weights, inputs)

    def weigh(self, layer: _Layer, ordered: Array, inputs: Sequence[int]) -> None:
        """Weights in ncnn's order and the bias; of int8 their scales too, one for each output."""
        source, tensor = (self.graph.tensors[index] for index in inputs[:2])
        bias = self.values(inputs[2])
        if ordered.dtype != np.int8:
            layer.weights = [struct.pack("<I", 0) + ordered.astype(np.float32).tobytes(), bias.tobytes()]
            return
        scales = np.broadcast_to(np.asarray(tensor.scales, dtype=np.float32), bias.shape)
        data = ordered.tobytes()
        plain = bias.astype(np.float32) * np.float32(source.scales[0]) * scales
        layer.scale_term = 1
        layer.weights = [
            struct.pack("<I", _INT8_TAG) + data + bytes(-len(data) % 4),
            plain.astype(np.float32).tobytes(),
            (1 / scales).astype(np.float32).tobytes(),
            np.float32(activation_scale(source)).tobytes(),
        ]

    def values(self, index: int) -> Array:
        """A constant tensor."""
        tensor = self.graph.tensors[index]
        start, length = self.held(index)
        if not length:
            raise ConversionFailed(f"The weights {tensor.name} are not in the model")
        values = np.frombuffer(self.data[start : start + length], dtype=tensor.dtype)
        return values.reshape(tensor.shape)

    def held(self, index: int) -> tuple[int, int]:
        """Where the file holds a tensor's values, and how many bytes: none of what is computed."""
        return self.buffers[self.tensors[index].scalar(2, "I")].span(0)


def activation_scale(tensor: Tensor) -> float:
    """Steps per unit of a symmetric int8 that holds all that the tensor's own range holds."""
    scale, zero = tensor.scales[0], tensor.zero_points[0]
    return 127.0 / max((127 - zero) * scale, (zero + 128) * scale)


def _emit(lite: LiteModel, layers: Sequence[_Layer]) -> tuple[str, bytes]:
    graph = lite.graphs[0]
    readers: dict[int, list[_Layer]] = {}
    for layer in layers:
        for tensor in layer.inputs:
            readers.setdefault(tensor, []).append(layer)
    lines = [f"Input in 0 1 {_blob(graph.inputs[0])}"]
    blobs, taken = 1, dict.fromkeys(readers, 0)
    weights = b""

    def split(tensor: int) -> None:
        """A result that several layers read is a blob of each."""
        nonlocal blobs
        count = len(readers.get(tensor, []))
        if count > 1:
            names = " ".join(f"{_blob(tensor)}_{k}" for k in range(count))
            lines.append(f"Split split_{tensor} 1 {count} {_blob(tensor)} {names}")
            blobs += count

    split(graph.inputs[0])
    for layer in layers:
        sources = []
        for tensor in layer.inputs:
            many = len(readers[tensor]) > 1
            sources.append(f"{_blob(tensor)}_{taken[tensor]}" if many else _blob(tensor))
            taken[tensor] += 1
        parameters, held = layer.parameters, list(layer.weights)
        if layer.scale_term:
            term, following = layer.scale_term, readers.get(layer.output, [])
            if following and all(each.scale_term and each.kind in _REQUANTISERS for each in following):
                term += _REQUANTISED
                held.append(np.float32(activation_scale(graph.tensors[layer.output])).tobytes())
            parameters += f" 8={term}"
        blobs_of = f"{' '.join(sources)} {_blob(layer.output)}"
        lines.append(f"{layer.kind} {layer.name} {len(sources)} 1 {blobs_of} {parameters}")
        blobs += 1
        weights += b"".join(held)
        split(layer.output)
    return "\n".join([_MAGIC, f"{len(lines)} {blobs}", *lines, ""]), weights


def _blob(tensor: int) -> str:
    return f"t{tensor}"


def output_blob(lite: LiteModel) -> str:
    """The name of the blob that holds the graph's output."""
    return _blob(lite.graphs[0].outputs[0])


def input_blob(lite: LiteModel) -> str:
    """The name of the blob that takes the graph's input."""
    return _blob(lite.graphs[0].inputs[0])
