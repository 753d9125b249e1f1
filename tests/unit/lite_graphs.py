"""TensorFlow Lite models of any operators, made with the FlatBuffers runtime alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import flatbuffers
import numpy as np
import numpy.typing as npt

from tfport.lite_schema import BUILTIN_OPERATORS, TENSOR_TYPES

# Which of the schema's BuiltinOptions an operator has.
OPTIONS = {
    "ADD": 11,
    "AVERAGE_POOL_2D": 5,
    "CONCATENATION": 10,
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 8,
    "MAX_POOL_2D": 5,
    "MEAN": 27,
    "MUL": 21,
    "PAD": 22,
    "RESHAPE": 17,
    "RESIZE_BILINEAR": 15,
    "RESIZE_NEAREST_NEIGHBOR": 74,
    "SOFTMAX": 9,
}


@dataclass(frozen=True)
class T:
    """A tensor; ``data`` makes it a constant."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    data: Optional[npt.NDArray[Any]] = None
    scales: tuple[float, ...] = ()
    points: tuple[int, ...] = ()
    axis: int = 0
    signature: tuple[int, ...] = ()


@dataclass(frozen=True)
class N:
    """A node; ``options`` by slot, whole numbers as int32, others as float32, one byte as ``bytes``."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: tuple[tuple[int, object], ...] = ()


def lite_model(
    tensors: Sequence[T], nodes: Sequence[N], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """A whole file; tensor k is called ``t<k>``."""
    b = flatbuffers.Builder(1024)
    names = sorted({node.op for node in nodes})
    buffers = [_table(b, [])] + [_table(b, [(0, _bytes(b, t))]) for t in tensors]
    made = [_table(b, _tensor(b, k, t)) for k, t in enumerate(tensors)]
    ops = []
    for node in nodes:
        options = _options(b, node)
        ends = [_ints(b, node.inputs), _ints(b, node.outputs)]
        fields: list[tuple[int, Any]] = [(1, ends[0]), (2, ends[1])]
        b.StartObject(5)
        b.PrependUint32Slot(0, names.index(node.op), 0)
        for slot, at in fields:
            b.PrependUOffsetTRelativeSlot(slot, at, 0)
        if node.op in OPTIONS:
            b.PrependUint8Slot(3, OPTIONS[node.op], 0)
            b.PrependUOffsetTRelativeSlot(4, options, 0)
        ops.append(b.EndObject())
    parts = [_offsets(b, made), _ints(b, inputs), _ints(b, outputs), _offsets(b, ops)]
    graph = _table(b, list(enumerate(parts)))
    codes = []
    for name in names:
        number = BUILTIN_OPERATORS.index(name)
        b.StartObject(4)
        b.PrependInt8Slot(0, min(number, 127), 0)
        b.PrependInt32Slot(3, number, 0)
        codes.append(b.EndObject())
    parts = [_offsets(b, codes), _offsets(b, [graph]), _offsets(b, buffers)]
    b.StartObject(8)
    b.PrependUint32Slot(0, 3, 0)
    for slot, part in zip((1, 2, 4), parts):
        b.PrependUOffsetTRelativeSlot(slot, part, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def _table(b: Any, fields: Sequence[tuple[int, Any]]) -> int:
    """A table of offsets; (slot, writer) writes something else."""
    b.StartObject(8)
    for slot, value in fields:
        if callable(value):
            value(slot)
        elif value is not None:
            b.PrependUOffsetTRelativeSlot(slot, value, 0)
    return int(b.EndObject())


def _tensor(b: Any, number: int, t: T) -> list[tuple[int, Any]]:
    quantisation = None
    if t.scales:
        scales = b.CreateNumpyVector(np.array(t.scales, np.float32))
        points = b.CreateNumpyVector(np.array(t.points or (0,) * len(t.scales), np.int64))
        quantisation = _table(
            b, [(2, scales), (3, points), (6, lambda slot: b.PrependInt32Slot(slot, t.axis, 0))]
        )
    fields = [(0, _ints(b, t.shape)), (3, b.CreateString(f"t{number}")), (4, quantisation)]
    if t.signature:
        fields.append((7, _ints(b, t.signature)))
    kind = TENSOR_TYPES.index(t.dtype)
    return [
        *fields,
        (1, lambda slot: b.PrependInt8Slot(slot, kind, 0)),
        (2, lambda slot: b.PrependUint32Slot(slot, number + 1, 0)),
    ]


def _options(b: Any, node: N) -> int:
    def write(value: object) -> Any:
        if isinstance(value, bytes):
            return lambda slot: b.PrependInt8Slot(slot, value[0], 0)
        if isinstance(value, float):
            return lambda slot: b.PrependFloat32Slot(slot, value, 0)
        return lambda slot: b.PrependInt32Slot(slot, value, 0)

    return _table(b, [(slot, write(value)) for slot, value in node.options])


def _bytes(b: Any, t: T) -> Optional[int]:
    if t.data is None:
        return None
    return int(b.CreateByteVector(np.ascontiguousarray(t.data, np.dtype(t.dtype)).tobytes()))


def _ints(b: Any, values: Sequence[int]) -> int:
    return int(b.CreateNumpyVector(np.array(values, np.int32)))


def _offsets(b: Any, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())
