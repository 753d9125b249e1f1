from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tfport.core.graphs import ancestors, node_of, output_of, unused_name


@dataclass
class Node:
    name: str
    input: list[str] = field(default_factory=list)


@dataclass
class Graph:
    node: list[Node]


@pytest.mark.parametrize(
    ("tensor", "node", "output"),
    [("a", "a", 0), ("a:0", "a", 0), ("a/b:12", "a/b", 12), ("^a/b", "a/b", 0)],
)
def test_names_of_tensors_tell_node_and_output(tensor: str, node: str, output: int) -> None:
    assert (node_of(tensor), output_of(tensor)) == (node, output)


def test_an_input_in_a_function_tells_its_node() -> None:
    assert node_of("while:output:3") == "while"


def test_a_new_name_is_nobody_s() -> None:
    assert unused_name(["a", "b"], "c") == "c"
    assert unused_name(["a", "a_1"], "a") == "a_2"


def test_ancestors_are_found_through_control_inputs_and_loops() -> None:
    graph = Graph(
        [
            Node("x"),
            Node("set", ["x:0"]),
            Node("merge", ["x:0", "next"]),
            Node("next", ["merge:1"]),
            Node("y", ["merge", "^set"]),
            Node("other", ["x"]),
        ]
    )
    assert ancestors(graph, ["y"]) == {"x", "set", "merge", "next", "y"}
    assert ancestors(graph, ["x"]) == {"x"}
    assert ancestors(graph, []) == set()
