"""Where each activation lies in the arena: alone, as another shape of a value, as part of a concatenation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfport.compiler.graph import Concatenation, Convolution, Graph, Op, Reshape
from tfport.compiler.memory import Arena, Block, plan_memory


@dataclass(frozen=True)
class Part:
    """A value that is written straight into the concatenation ``whole``, from channel ``start``."""

    whole: int
    start: int


@dataclass(frozen=True)
class Storage:
    """``homes``: value -> the value whose memory it shares, mostly itself. ``parts``: in a concatenation.

    ``done``: outputs of operators that leave nothing to do, since their inputs lie where they should.
    """

    arena: Arena
    homes: Mapping[int, int]
    parts: Mapping[int, Part]
    done: frozenset[int]

    def offset(self, value: int) -> int:
        """Of its memory in the arena."""
        return self.arena.offsets[self.homes[value]]


def plan_storage(graph: Graph) -> Storage:
    """Share memory wherever that saves an operator, and plan the arena."""
    homes: dict[int, int] = {}
    parts: dict[int, Part] = {}
    done = set()
    for op in graph.ops:
        if isinstance(op.work, Concatenation) and _in_place(graph, op):
            start = 0
            for value in op.inputs:
                parts[value] = Part(op.output, start)
                start += graph.values[value].shape[-1]
            done.add(op.output)
        elif isinstance(op.work, Reshape) and not graph.values[op.inputs[0]].constant:
            homes[op.output] = op.inputs[0]
            done.add(op.output)
    activations = [key for key, value in graph.values.items() if not value.constant]
    roots = {key: _root(key, homes, parts) for key in activations}
    return Storage(_arena(graph, roots), roots, parts, frozenset(done))


def _root(value: int, homes: Mapping[int, int], parts: Mapping[int, Part]) -> int:
    while value in homes or value in parts:
        value = homes[value] if value in homes else parts[value].whole
    return value


def _in_place(graph: Graph, op: Op) -> bool:
    """Whether every input can be written into the output: by a convolution, unchanged, for nobody else."""
    whole = graph.values[op.output]
    if (
        not isinstance(op.work, Concatenation)
        or op.work.axis != len(whole.shape) - 1
        or len(whole.shape) != 4
    ):
        return False
    for value in op.inputs:
        writer = graph.writer(value)
        if writer is None or not isinstance(writer.work, Convolution):
            return False
        if graph.only_user(value) is not op or graph.values[value].quantisation != whole.quantisation:
            return False
    return len(set(op.inputs)) == len(op.inputs)


def _arena(graph: Graph, roots: Mapping[int, int]) -> Arena:
    first: dict[int, int] = {}
    last: dict[int, int] = {}

    def touch(value: int, step: int) -> None:
        if value in roots:
            root = roots[value]
            first[root] = min(step, first.get(root, step))
            last[root] = max(step, last.get(root, step))

    # Inputs stay as they are for the next inference, outputs until they are read.
    for value in graph.inputs:
        touch(value, 0)
        touch(value, len(graph.ops) + 1)
    for step, op in enumerate(graph.ops, 1):
        for value in (*op.inputs, op.output):
            touch(value, step)
    for value in graph.outputs:
        touch(value, len(graph.ops) + 1)
    blocks = [Block(root, graph.values[root].bytes, first[root], last[root]) for root in sorted(first)]
    return plan_memory(blocks)
