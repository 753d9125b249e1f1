from __future__ import annotations

import pytest

from tests.unit.core_bytes import TINY, field, varint
from tfport.core.wire import BYTES, FIXED32, FIXED64, VARINT, WireError, whole


def test_fields_are_read_by_number_and_type() -> None:
    data = field(1, 300) + field(2, "abc") + b"\x1d\1\2\3\4" + b"\x21" + b"\0" * 8 + field(1000, 1)
    found = list(whole(data).fields())
    assert [(each.number, each.kind) for each in found] == [
        (1, VARINT),
        (2, BYTES),
        (3, FIXED32),
        (4, FIXED64),
        (1000, VARINT),
    ]
    assert found[0].value == 300 and data[found[1].start : found[1].end] == b"abc"


def test_messages_within_messages() -> None:
    names = [node.text(1) for node in whole(TINY).messages(1)]
    assert names == ["x", "y", "z"]
    assert whole(field(1, "a") + field(1, "b")).text(1) == "b"
    assert whole(b"").text(1) == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x80", "cut off"),
        (b"\x08", "cut off"),
        (b"\x80" * 12, "more than 10 bytes"),
        (b"\x12\x05abc", "ends at byte 7 of 5"),
        (b"\x1d\0\0", "ends at byte 5 of 3"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x00", "number 0"),
        (varint(1 << 33) + b"\0", "number 1073741824"),
    ],
)
def test_what_is_no_message_is_told(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        list(whole(data).fields())


def test_a_message_ends_where_its_field_ends() -> None:
    inner = b"\x12\x7fabc"  # claims more than it has; the outer message goes on
    data = field(1, inner) + b"x" * 200
    (message,) = whole(data[: len(field(1, inner))]).messages(1)
    with pytest.raises(WireError):
        list(message.fields())


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(WireError, match="not text"):
        whole(field(1, b"\xff\xfe")).text(1)
