"""What TensorFlow's graphs are made of, without TensorFlow: names of tensors, edges, functions.

Graphs, nodes and functions are TensorFlow's protocol buffers and are typed ``Any``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

# Ops that call a function of the library and that the runtime replaces by Switch, Merge and their kin.
CONTROL_FLOW = frozenset({"Case", "If", "StatelessCase", "StatelessIf", "StatelessWhile", "While"})
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
LOWER = "_lower_using_switch_merge"


def node_of(tensor: str) -> str:
    """The node of a tensor ("a:1", "a"), a control input ("^a") or an input in a function ("a:out:0")."""
    return tensor.lstrip("^").split(":", 1)[0]


def output_of(tensor: str) -> int:
    """Which output of its node a tensor of the main graph is."""
    return int(tensor.rpartition(":")[2]) if ":" in tensor else 0


def all_nodes(graph: Any) -> Iterator[Any]:
    """Every node of a graph and of the functions of its library."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def called(node: Any) -> Iterator[Any]:
    """The attribute values by which a node names functions."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func
        elif value.HasField("list"):
            yield from value.list.func


def prune_library(graph: Any) -> None:
    """Drop the functions that nothing calls, and all gradients."""
    functions = {function.signature.name: function for function in graph.library.function}
    kept: set[str] = set()
    waiting = list(graph.node)
    while waiting:
        node = waiting.pop()
        for name in (node.op, *(function.name for function in called(node))):
            if name in functions and name not in kept:
                kept.add(name)
                waiting.extend(functions[name].node_def)
    library = [functions[name] for name in functions if name in kept]
    graph.ClearField("library")
    graph.library.function.extend(library)


def cut(graph: Any, ends: Iterable[str]) -> Any:
    """A copy with only the nodes that ``ends`` depend on and the functions that those call."""
    kept = ancestors(graph, ends)
    part = type(graph)(library=graph.library, versions=graph.versions)
    part.node.extend(node for node in graph.node if node.name in kept)
    prune_library(part)
    return part


def unused_name(taken: Iterable[str], wish: str) -> str:
    """``wish``, or with the first number behind it that makes it a new name."""
    names = set(taken)
    number = 0
    name = wish
    while name in names:
        number += 1
        name = f"{wish}_{number}"
    return name


def ancestors(graph: Any, names: Iterable[str]) -> set[str]:
    """The names of nodes of the main graph that ``names`` depend on, themselves among them."""
    inputs = {node.name: node.input for node in graph.node}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(node_of(each) for each in inputs.get(name, ()))
    return found
