"""Take a .tflite apart, so that every operator can be run alone on the reference's own values.

Compared end to end, one early rounding spreads through a network. ``unravel`` makes one model in which every
chosen node stands for itself: its activations are inputs of the model, its results are outputs, its weights
stay constants. One run of that model is one run of every operator.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tfport.catalogue import write_whole
from tfport.lite_schema import TENSOR_TYPES
from tfport.model import LiteModel, read_tflite
from tfport.reference import import_schema

# They call other graphs or keep state between calls, so they mean nothing alone.
CONTROL_OPS = ("IF", "WHILE", "CALL_ONCE", "CALL", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
_UNHELD_TYPES = ("resource", "variant", "string", "int4")


@dataclass(frozen=True)
class OpPort:
    """An input or output of an unravelled model: its name there, and whose it is in the original graph."""

    name: str
    node: int
    tensor: int


@dataclass(frozen=True)
class Unravelled:
    """Which nodes an unravelled model holds, its inputs and its outputs in file order."""

    nodes: tuple[int, ...]
    inputs: tuple[OpPort, ...]
    outputs: tuple[OpPort, ...]


def plan(model: LiteModel, nodes: Optional[Collection[int]] = None) -> Unravelled:
    """What ``unravel`` makes of a model's main graph: all nodes that can stand alone, or those named."""
    graph = model.graphs[0]
    chosen = []
    inputs: list[OpPort] = []
    outputs: list[OpPort] = []
    for number, node in enumerate(graph.nodes):
        touched = [graph.tensors[i] for i in (*node.inputs, *node.outputs) if i >= 0]
        if nodes is not None and number not in nodes:
            continue
        if model.op_codes[node.op].name in CONTROL_OPS:
            continue
        if any(tensor.dtype in _UNHELD_TYPES or tensor.variable for tensor in touched):
            continue
        activations = [
            i for i in dict.fromkeys(node.inputs) if i >= 0 and not graph.tensors[i].constant_bytes
        ]
        chosen.append(number)
        inputs += [OpPort(f"n{number}_in{k}", number, i) for k, i in enumerate(activations)]
        outputs += [OpPort(f"n{number}_out{k}", number, i) for k, i in enumerate(node.outputs) if i >= 0]
    return Unravelled(tuple(chosen), tuple(inputs), tuple(outputs))


def unravel(data: bytes, parts: Unravelled) -> bytes:
    """The unravelled model as a .tflite; ``parts`` from ``plan`` for the same model."""
    schema = import_schema()
    source = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = source.subgraphs[0]
    made = schema.ModelT()
    made.version = source.version
    made.description = b"unravelled"
    made.operatorCodes = source.operatorCodes
    made.buffers = [schema.BufferT()]
    alone = schema.SubGraphT()
    alone.name = b"main"
    alone.tensors, alone.inputs, alone.outputs, alone.operators = [], [], [], []
    constants: dict[int, int] = {}

    def add(index: int, name: str) -> int:
        """A copy of an activation, as one more tensor of the new graph."""
        tensor = copy.copy(graph.tensors[index])
        tensor.name, tensor.buffer = name.encode(), 0
        alone.tensors.append(tensor)
        return len(alone.tensors) - 1

    def constant(index: int) -> int:
        if index not in constants:
            tensor = copy.copy(graph.tensors[index])
            made.buffers.append(_aligned(schema, source.buffers[tensor.buffer].data))
            tensor.buffer = len(made.buffers) - 1
            alone.tensors.append(tensor)
            constants[index] = len(alone.tensors) - 1
        return constants[index]

    for number in parts.nodes:
        node = copy.copy(graph.operators[number])
        places = {port.tensor: add(port.tensor, port.name) for port in parts.inputs if port.node == number}
        alone.inputs += places.values()
        node.inputs = [
            -1 if i < 0 else places[i] if i in places else constant(i) for i in _numbers(node.inputs)
        ]
        results = {port.tensor: add(port.tensor, port.name) for port in parts.outputs if port.node == number}
        alone.outputs += results.values()
        node.outputs = [results.get(i, -1) for i in _numbers(node.outputs)]
        # Scratch tensors of LSTM-like operators carry their quantisation.
        node.intermediates = [add(i, f"n{number}_mid{i}") for i in _numbers(node.intermediates)]
        alone.operators.append(node)
    made.subgraphs = [alone]
    return _packed(made, len(data))


def expose(data: bytes) -> bytes:
    """The same model with every activation as a further output of its main graph, after its own outputs.

    The interpreter's option to preserve all tensors does not keep operators of 2.14 from working in place, on
    top of the tensor that is to be read. A graph's outputs are never shared.
    """
    schema = import_schema()
    made = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = made.subgraphs[0]
    # What is not held stays out, numbered as in the schema's TensorType.
    unheld = {TENSOR_TYPES.index(name) for name in _UNHELD_TYPES}
    own = _numbers(graph.outputs)
    results = [i for node in graph.operators for i in _numbers(node.outputs) if i >= 0]
    graph.outputs = own + [
        i for i in dict.fromkeys(results) if i not in own and graph.tensors[i].type not in unheld
    ]
    made.signatureDefs = None
    for buffer in made.buffers:
        buffer.__class__ = _aligned_class(schema)
    return _packed(made, len(data))


def unravel_file(model: Path, result: Path) -> dict[str, Any]:
    """Write the unravelled form of all nodes that can stand alone."""
    parts = plan(read_tflite(model))
    write_whole(result, unravel(model.read_bytes(), parts))
    return {"nodes": len(parts.nodes)}


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _packed(model: Any, size: int) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(size + 65536)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _aligned(schema: Any, data: Any) -> Any:
    buffer = _aligned_class(schema)()
    buffer.data = data
    return buffer


@functools.lru_cache(maxsize=1)
def _aligned_class(schema: Any) -> Any:
    """A buffer at a multiple of 16 bytes, as the schema demands and the generated class forgets."""

    class Aligned(schema.BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> int:  # noqa: N802 - the generated code's name
            content = b"" if self.data is None else bytes(self.data)
            packed = None
            if content:
                builder.StartVector(1, len(content), 16)
                head = builder.head - len(content)
                builder.head = head
                builder.Bytes[head : head + len(content)] = content
                packed = builder.EndVector()
            schema.BufferStart(builder)
            if packed is not None:
                schema.BufferAddData(builder, packed)
            return int(schema.BufferEnd(builder))

    return Aligned
