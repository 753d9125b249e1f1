"""Corrupted copies of a model: a few bytes changed, all outside the weights."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Optional

from tfport.core.wire import Message, whole
from tfport.flat import Flat

Spans = list[tuple[int, int]]


def weight_spans(data: bytes) -> Spans:
    """First byte and byte past the end of every buffer of a .tflite file."""
    spans = []
    for buffer in Flat(data).root().tables(4):
        start, length = buffer.span(0)
        if length:
            spans.append((start, start + length))
    return spans


def constant_spans(data: bytes, *way: int) -> Spans:
    """The same of every constant of a GraphDef that lies in ``data``, down ``way`` of field numbers."""
    graphs = [whole(data)]
    for number in way:
        graphs = [inner for outer in graphs for inner in outer.messages(number)]
    return [span for graph in graphs for node in graph.messages(1) for span in _contents(node)]


def _contents(node: Message) -> Spans:
    """Where a node's attributes (5), entries of a map (2), hold a tensor (8) with its bytes (4)."""
    tensors = [
        tensor for entry in node.messages(5) for value in entry.messages(2) for tensor in value.messages(8)
    ]
    return [(content.start, content.end) for tensor in tensors for content in tensor.messages(4)]


def mutants(
    data: bytes, count: int, seed: int = 0, kept: Optional[Sequence[tuple[int, int]]] = None
) -> Iterator[bytes]:
    """Yield ``count`` copies of ``data`` with one to four bytes changed; the same for the same seed.

    ``kept``: where nothing is changed, the weights of a .tflite file when it is not given.
    """
    rng = random.Random(seed)
    spans = weight_spans(data) if kept is None else kept
    places = [i for i in range(len(data)) if not any(start <= i < end for start, end in spans)]
    made = 0
    while made < count:
        copy = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            place = rng.choice(places)
            old = copy[place]
            near = (old ^ (1 << rng.randrange(8)), (old + 1) & 255, (old - 1) & 255)
            copy[place] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256), *near))
        if bytes(copy) != data:
            made += 1
            yield bytes(copy)
