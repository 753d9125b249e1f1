"""Tiny TensorFlow Lite models, made with the FlatBuffers runtime alone."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers


class ModelBytes:
    """A model of one graph; the defaults make ``c = a + b`` on float32[2], with a as input and b constant."""

    def __init__(
        self,
        builtin: int = 0,
        custom: str = "",
        version: int = 1,
        dtype: int = 0,
        inputs: Sequence[int] = (0,),
        node_inputs: Sequence[int] = (0, 1),
        opcode_index: int = 0,
        buffer: int = 1,
        shape: Sequence[int] = (2,),
        schema_version: int = 3,
        graphs: int = 1,
        scale: float = 0.0,
    ) -> None:
        self.builder = flatbuffers.Builder(256)
        b = self.builder
        names = [b.CreateString(name) for name in ("a", "b", "c")]
        tensors = []
        for index, name in enumerate(names):
            shape_at = self._ints(shape)
            quantisation = self._quantisation(scale) if scale else None
            b.StartObject(8)
            b.PrependUOffsetTRelativeSlot(0, shape_at, 0)
            b.PrependInt8Slot(1, dtype, 0)
            b.PrependUint32Slot(2, buffer if index == 1 else 0, 0)
            b.PrependUOffsetTRelativeSlot(3, name, 0)
            if quantisation is not None:
                b.PrependUOffsetTRelativeSlot(4, quantisation, 0)
            tensors.append(b.EndObject())
        lists = [self._ints(node_inputs), self._ints([2])]
        b.StartObject(3)
        b.PrependUint32Slot(0, opcode_index, 0)
        b.PrependUOffsetTRelativeSlot(1, lists[0], 0)
        b.PrependUOffsetTRelativeSlot(2, lists[1], 0)
        node = b.EndObject()
        parts = [self._offsets(tensors), self._ints(inputs), self._ints([2]), self._offsets([node])]
        b.StartObject(5)
        for slot, part in enumerate(parts):
            b.PrependUOffsetTRelativeSlot(slot, part, 0)
        graph = b.EndObject()
        custom_at = b.CreateString(custom) if custom else None
        b.StartObject(4)
        b.PrependInt8Slot(0, min(builtin, 127), 0)
        if custom_at is not None:
            b.PrependUOffsetTRelativeSlot(1, custom_at, 0)
        b.PrependInt32Slot(2, version, 1)
        b.PrependInt32Slot(3, builtin, 0)
        code = b.EndObject()
        data = b.CreateByteVector(b"\0\0\x80\x3f\0\0\0\x40")
        b.StartObject(1)
        empty = b.EndObject()
        b.StartObject(1)
        b.PrependUOffsetTRelativeSlot(0, data, 0)
        full = b.EndObject()
        signature = self._signature()
        parts = [
            self._offsets([code]),
            self._offsets([graph] * graphs),
            b.CreateString("tiny"),
            self._offsets([empty, full]),
            self._offsets([signature]),
        ]
        b.StartObject(8)
        b.PrependUint32Slot(0, schema_version, 0)
        for slot, part in zip((1, 2, 3, 4, 7), parts):
            b.PrependUOffsetTRelativeSlot(slot, part, 0)
        b.Finish(b.EndObject(), file_identifier=b"TFL3")

    def build(self) -> bytes:
        return bytes(self.builder.Output())

    def _ints(self, values: Sequence[int]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependInt32(value)
        return int(self.builder.EndVector())

    def _offsets(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def _quantisation(self, scale: float) -> int:
        b = self.builder
        b.StartVector(4, 1, 4)
        b.PrependFloat32(scale)
        scales = b.EndVector()
        b.StartVector(8, 1, 8)
        b.PrependInt64(-3)
        zero_points = b.EndVector()
        b.StartObject(7)
        b.PrependUOffsetTRelativeSlot(2, scales, 0)
        b.PrependUOffsetTRelativeSlot(3, zero_points, 0)
        return int(b.EndObject())

    def _signature(self) -> int:
        b = self.builder
        maps = []
        for name, index in (("x", 0), ("sum", 2)):
            text = b.CreateString(name)
            b.StartObject(2)
            b.PrependUOffsetTRelativeSlot(0, text, 0)
            b.PrependUint32Slot(1, index, 0)
            maps.append(self._offsets([b.EndObject()]))
        key = b.CreateString("add")
        b.StartObject(5)
        b.PrependUOffsetTRelativeSlot(0, maps[0], 0)
        b.PrependUOffsetTRelativeSlot(1, maps[1], 0)
        b.PrependUOffsetTRelativeSlot(2, key, 0)
        return int(b.EndObject())
