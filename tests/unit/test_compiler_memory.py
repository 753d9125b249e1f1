"""The arena: nothing that lives at the same time shares memory, and what can share does."""

from __future__ import annotations

import random

from tfport.compiler.memory import ALIGNMENT, Block, plan_memory


def test_what_lives_one_after_the_other_shares() -> None:
    arena = plan_memory([Block(0, 100, 0, 1), Block(1, 100, 2, 3)])
    assert arena.offsets == {0: 0, 1: 0}
    assert arena.size == 128


def test_what_lives_together_does_not() -> None:
    arena = plan_memory([Block(0, 100, 0, 1), Block(1, 100, 1, 2), Block(2, 100, 2, 3)])
    assert arena.offsets == {0: 0, 1: 128, 2: 0}


def test_a_gap_between_two_is_used() -> None:
    arena = plan_memory([Block(0, 256, 0, 9), Block(1, 192, 0, 1), Block(2, 128, 0, 9), Block(3, 64, 2, 9)])
    assert arena.offsets[3] == arena.offsets[1]


def test_any_plan_is_sound() -> None:
    chance = random.Random(7)
    for _ in range(50):
        blocks = []
        for key in range(30):
            first = chance.randrange(20)
            blocks.append(Block(key, chance.randrange(1, 5000), first, first + chance.randrange(6)))
        arena = plan_memory(blocks)
        for block in blocks:
            start = arena.offsets[block.key]
            assert start % ALIGNMENT == 0
            assert start + block.size <= arena.size
            for other in blocks:
                if other.key != block.key and block.meets(other):
                    place = arena.offsets[other.key]
                    assert start + block.size <= place or place + other.size <= start


def test_nothing_needs_nothing() -> None:
    assert plan_memory([]).size == 0
