"""Take a .tflite apart, so that every operator can be run alone on the reference's own values.

Compared end to end, one early rounding spreads through a network. ``unravel`` makes one model in which every
chosen node stands for itself: its activations are inputs of the model, its results are outputs, its weights
stay constants. One run of that model is one run of every operator.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tfport.catalogue import write_whole
from tfport.model import LiteModel
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
    import flatbuffers

    builder = flatbuffers.Builder(len(data) + 65536)
    builder.Finish(made.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def unravel_file(model: Path, result: Path) -> dict[str, Any]:
    """Write the unravelled form of all nodes that can stand alone."""
    from tfport.model import read_tflite

    parts = plan(read_tflite(model))
    write_whole(result, unravel(model.read_bytes(), parts))
    return {"nodes": len(parts.nodes)}


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _aligned(schema: Any, data: Any) -> Any:
    """A buffer at a multiple of 16 bytes, as the schema demands; the generated Python class forgets it."""
    content = bytes(data)

    class Aligned(schema.BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> int:  # noqa: N802 - the generated code's name
            builder.StartVector(1, len(content), 16)
            head = builder.head - len(content)
            builder.head = head
            builder.Bytes[head : head + len(content)] = content
            packed = builder.EndVector()
            schema.BufferStart(builder)
            schema.BufferAddData(builder, packed)
            return int(schema.BufferEnd(builder))

    return Aligned()
