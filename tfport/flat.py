"""A bounds-checked reader of FlatBuffers, for files that nobody has verified.

FlatBuffers have no overall length or checksum: every offset is read from the file itself. Each access is
therefore checked against the size of the buffer, and a wrong one raises ``FlatError``; nothing else is
raised, and no loop is longer than the buffer. The format is described in the FlatBuffers internals document:
a table starts with a signed offset back to its vtable, which gives for each field slot its place or 0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SOFFSET = struct.Struct("<i")
_UOFFSET = struct.Struct("<I")
_VOFFSET = struct.Struct("<H")
_SCALARS = {code: struct.Struct("<" + code) for code in "bBhHiIqQfd?"}


class FlatError(Exception):
    """The buffer contradicts itself; ``truncated`` if it ends before something it refers to."""

    def __init__(self, text: str, truncated: bool = False) -> None:
        super().__init__(text)
        self.truncated = truncated


class Flat:
    """A buffer; all positions are byte offsets from its start."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def root(self) -> FlatTable:
        """The root table."""
        return FlatTable(self, self.indirect(0))

    def unpack(self, form: struct.Struct, position: int) -> int:
        if position < 0 or position + form.size > len(self.data):
            raise FlatError(f"byte {position} is needed, but the file has {len(self.data)}", truncated=True)
        value: int = form.unpack_from(self.data, position)[0]
        return value

    def indirect(self, position: int) -> int:
        offset = self.unpack(_UOFFSET, position)
        if offset == 0:
            raise FlatError(f"an empty offset at byte {position}")
        return position + offset

    def vector(self, position: int, item_size: int) -> tuple[int, int]:
        """Start and length of the vector whose length field is at ``position``."""
        length = self.unpack(_UOFFSET, position)
        start = position + 4
        if start + length * item_size > len(self.data):
            raise FlatError(
                f"a vector of {length} items at byte {position} runs past the end of the file", truncated=True
            )
        return start, length


class FlatTable:
    """A table; fields are named by slot, 0 for the first in the schema (a union takes two slots)."""

    def __init__(self, flat: Flat, position: int) -> None:
        self.flat = flat
        self.position = position
        self._vtable = position - flat.unpack(_SOFFSET, position)
        self._vtable_size = flat.unpack(_VOFFSET, self._vtable)
        if self._vtable_size < 4 or self._vtable_size % 2:
            raise FlatError(f"the table at byte {position} has a vtable of {self._vtable_size} bytes")

    def _field(self, slot: int) -> int | None:
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_size:
            return None
        offset = self.flat.unpack(_VOFFSET, self._vtable + entry)
        return self.position + offset if offset else None

    def scalar(self, slot: int, code: str, default: int = 0) -> int:
        """A scalar field; ``code`` is a ``struct`` letter."""
        field = self._field(slot)
        return default if field is None else self.flat.unpack(_SCALARS[code], field)

    def table(self, slot: int) -> FlatTable | None:
        field = self._field(slot)
        return None if field is None else FlatTable(self.flat, self.flat.indirect(field))

    def text(self, slot: int) -> str:
        """A string field, or "" where it is left out; bytes that are not UTF-8 are replaced."""
        field = self._field(slot)
        if field is None:
            return ""
        start, length = self.flat.vector(self.flat.indirect(field), 1)
        return self.flat.data[start : start + length].decode("utf-8", "replace")

    def span(self, slot: int, item_size: int = 1) -> tuple[int, int]:
        """Start and length (in items) of a vector field of fixed-size items; (0, 0) where it is left out."""
        field = self._field(slot)
        return (0, 0) if field is None else self.flat.vector(self.flat.indirect(field), item_size)

    def numbers(self, slot: int, code: str) -> tuple[int, ...]:
        """A vector field of scalars (floats for code ``f``)."""
        size = struct.calcsize("<" + code)
        start, length = self.span(slot, size)
        return struct.unpack_from(f"<{length}{code}", self.flat.data, start)

    def tables(self, slot: int) -> Iterator[FlatTable]:
        """A vector field of tables."""
        start, length = self.span(slot, 4)
        for index in range(length):
            yield FlatTable(self.flat, self.flat.indirect(start + 4 * index))
