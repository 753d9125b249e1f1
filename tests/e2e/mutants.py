"""Corrupted copies of a model: a few bytes changed, all outside the weights."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tfport.flat import Flat


def weight_spans(data: bytes) -> list[tuple[int, int]]:
    """First byte and byte past the end of every buffer of a .tflite file."""
    spans = []
    for buffer in Flat(data).root().tables(4):
        start, length = buffer.span(0)
        if length:
            spans.append((start, start + length))
    return spans


def mutants(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield ``count`` copies of ``data`` with one to four bytes changed; the same for the same seed."""
    rng = random.Random(seed)
    spans = weight_spans(data)
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
