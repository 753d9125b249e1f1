"""One arena for all activations, planned once: what lives at different times shares memory.

The largest come first, each at the lowest place that is free while it lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALIGNMENT = 64  # a cache line of every Cortex-A


@dataclass(frozen=True)
class Block:
    """``size`` bytes that are in use from step ``first`` to step ``last``, both included."""

    key: int
    size: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Arena:
    """The size of the whole and the place of each block."""

    size: int
    offsets: Mapping[int, int]


def align(size: int) -> int:
    """Rounded up to whole cache lines."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def plan_memory(blocks: Iterable[Block]) -> Arena:
    """Place every block."""
    placed: list[tuple[int, Block]] = []
    for block in sorted(blocks, key=lambda each: (-each.size, each.first, each.key)):
        offset = 0
        for start, other in sorted(placed, key=lambda pair: (pair[0], pair[1].key)):
            if block.meets(other):
                if offset + block.size <= start:
                    break
                offset = max(offset, align(start + other.size))
        placed.append((offset, block))
    size = max((offset + block.size for offset, block in placed), default=0)
    return Arena(align(size), {block.key: offset for offset, block in placed})
