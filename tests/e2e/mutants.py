"""Corrupted copies of a model: a few bytes changed, all outside the weights.

A byte of a GraphDef that is changed anywhere mostly breaks the message, and only its reader sees it. So every
other copy of a graph differs in the values of attributes and of small constants, which kernels get to see.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Optional

from tfport.core.wire import Message, whole
from tfport.flat import Flat

Spans = list[tuple[int, int]]
LIST, VALUES = 1, (2, 3, 4, 5)  # fields of an attribute's value: a list of texts, numbers and truths, or one
SMALL = 64  # bytes of a constant that says how an op works, and is no weight


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
    return [span for node in _nodes(data, way) for value in _values(node) for span in _contents(value)]


def value_spans(data: bytes, *way: int, largest: int = SMALL) -> Spans:
    """The same of what a graph's attributes say: numbers, texts, lists, constants up to ``largest`` bytes."""
    spans = []
    for value in (value for node in _nodes(data, way) for value in _values(node)):
        spans += [span for span in _contents(value) if span[1] - span[0] <= largest]
        spans += [(text.start, text.end) for tensor in value.messages(8) for text in tensor.messages(8)]
        parts = [*value.fields(), *(field for part in value.messages(LIST) for field in part.fields())]
        spans += [(f.start, f.end) for f in parts if f.number in VALUES]
    return spans


def _nodes(data: bytes, way: Sequence[int]) -> Iterator[Message]:
    graphs = [whole(data)]
    for number in way:
        graphs = [inner for outer in graphs for inner in outer.messages(number)]
    for graph in graphs:
        yield from graph.messages(1)


def _values(node: Message) -> Iterator[Message]:
    """Values of a node's attributes (5), which are entries of a map (2)."""
    for entry in node.messages(5):
        yield from entry.messages(2)


def _contents(value: Message) -> Spans:
    """Where an attribute holds the bytes (4) of a tensor (8)."""
    return [(part.start, part.end) for tensor in value.messages(8) for part in tensor.messages(4)]


def graph_mutants(data: bytes, count: int, *way: int, largest: int = SMALL) -> Iterator[bytes]:
    """``count`` copies of what holds a GraphDef down ``way``: in turn changed anywhere and in values.

    ``largest``: bytes of a constant whose values are changed too. Weights belong to them where an op looks
    for their range.
    """
    anywhere = mutants(data, count - count // 2, kept=constant_spans(data, *way))
    places = [place for start, end in value_spans(data, *way, largest=largest) for place in range(start, end)]
    values = _changed(data, count // 2, 1, places)
    for copy in anywhere:
        yield copy
        yield from itertools.islice(values, 1)


def mutants(
    data: bytes, count: int, seed: int = 0, kept: Optional[Sequence[tuple[int, int]]] = None
) -> Iterator[bytes]:
    """``count`` copies of ``data`` with one to four bytes changed; the same for the same seed.

    ``kept``: where nothing is changed, the weights of a .tflite file when it is not given.
    """
    spans = weight_spans(data) if kept is None else kept
    places = [i for i in range(len(data)) if not any(start <= i < end for start, end in spans)]
    return _changed(data, count, seed, places)


def _changed(data: bytes, count: int, seed: int, places: Sequence[int]) -> Iterator[bytes]:
    rng = random.Random(seed)
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
