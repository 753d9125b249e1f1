"""Bytes of TensorFlow's protocol buffers, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Union


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: Union[int, str, bytes]) -> bytes:
    """A number, a text or a message as a field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(name: str, op: str, *inputs: str) -> bytes:
    return field(1, name) + field(2, op) + b"".join(field(3, each) for each in inputs)


def graph(*nodes: bytes) -> bytes:
    """A GraphDef with its versions."""
    return b"".join(field(1, each) for each in nodes) + field(4, field(1, 1575))


def saved_model(graph_def: bytes, *assets: str) -> bytes:
    meta = field(1, field(4, "serve")) + field(2, graph_def)
    meta += b"".join(field(6, field(1, field(1, "Const:0")) + field(2, asset)) for asset in assets)
    return field(1, 1) + field(2, meta)


TINY = graph(node("x", "Placeholder"), node("y", "Relu", "x"), node("z", "Neg", "y"))


def write_saved_model(folder: Path, graph_def: bytes = TINY, *assets: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(saved_model(graph_def, *assets))
    return folder
