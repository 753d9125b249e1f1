"""Protocol buffers read without their library: the fields of a message, by number, as they stand.

Enough to tell what a file is and what a model needs, on a machine that has no TensorFlow. Lengths are
checked, contents are skipped, so a file of any size is read in the time that its number of fields takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10  # bytes


class WireError(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Field:
    """A field of a message: its number and wire type; ``value`` of a VARINT; where its bytes are."""

    number: int
    kind: int
    value: int
    start: int
    end: int


@dataclass(frozen=True)
class Message:
    """A message within ``data``, from ``start`` up to ``end``."""

    data: bytes
    start: int
    end: int

    def fields(self) -> Iterator[Field]:
        """Each field in turn. Raises WireError where the bytes stop being fields."""
        at = self.start
        while at < self.end:
            tag, at = self._varint(at)
            number, kind = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise WireError(f"a field of number {number} before byte {at}")
            value, begin = 0, at
            if kind == VARINT:
                value, at = self._varint(at)
            elif kind == BYTES:
                value, begin = self._varint(at)
                at = begin + value
            elif kind in (FIXED32, FIXED64):
                at += 4 if kind == FIXED32 else 8
            else:
                raise WireError(f"a field of wire type {kind} before byte {at}")
            if at > self.end:
                raise WireError(f"a field ends at byte {at} of {self.end}")
            yield Field(number, kind, value, begin, at)

    def messages(self, number: int) -> Iterator[Message]:
        """The messages of a repeated field; also right for a single one."""
        for field in self.fields():
            if field.number == number and field.kind == BYTES:
                yield Message(self.data, field.start, field.end)

    def text(self, number: int) -> str:
        """A text field: the last one counts, as always; "" if there is none."""
        found = [part.bytes() for part in self.messages(number)]
        try:
            return found[-1].decode() if found else ""
        except UnicodeDecodeError:
            raise WireError(f"field {number} is not text") from None

    def bytes(self) -> bytes:
        """The message's own bytes."""
        return self.data[self.start : self.end]

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for shift in range(_MAX_VARINT):
            if at >= self.end:
                raise WireError(f"a number is cut off at byte {at}")
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << (7 * shift)
            if byte < 0x80:
                return value, at
        raise WireError(f"a number of more than {_MAX_VARINT} bytes before byte {at}")


def whole(data: bytes) -> Message:
    """All of ``data`` as one message."""
    return Message(data, 0, len(data))
