"""Which variables of a graph can become constants.

TensorFlow's own freezing replaces whatever it is told to; it leaves broken graphs behind where a variable is
written, or reaches a node that needs the variable itself. So the way of each variable is followed first, into
the functions that are called too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Optional

from tfport.core.graphs import CALLS, CONTROL_FLOW, node_of

HANDLE = "VarHandleOp"
REFERENCES = ("Variable", "VariableV2")
_RESOURCE = 20  # DT_RESOURCE
_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})
_PASSED_ON = frozenset({"Enter", "Exit", "Identity", "Merge", "NextIteration", "Switch"})
# TensorFlow's freezing knows nothing of StatelessCase.
_FOLLOWED = (CALLS | CONTROL_FLOW) - {"StatelessCase"}
# Inputs before those that go to the function.
_FIRST = {"Case": 1, "If": 1, "StatelessIf": 1}

Argument = tuple[str, int]  # a function of the library and the position of an argument
OpDef = Callable[[str], Any]


def variables(graph: Any) -> dict[str, Any]:
    """The nodes of the main graph that are variables, by name."""
    return {node.name: node for node in graph.node if node.op == HANDLE or node.op in REFERENCES}


def frozen_variables(graph: Any, op_def: OpDef) -> set[str]:
    """The variables that are only ever read. ``op_def`` gives TensorFlow's definition of an op.

    A function serves all its callers, so what one variable may not become, none may that goes the same way.
    """
    ways = _Ways(graph, op_def)
    reached = {name: ways.follow(node) for name, node in variables(graph).items()}
    refused = {name for name, arguments in reached.items() if arguments is None}
    while True:
        blocked = {argument for name in refused for argument in ways.passed[name]}
        more = {name for name in reached if name not in refused and ways.passed[name] & blocked}
        if not more:
            return set(reached) - refused
        refused |= more


class _Ways:
    """Follows variables; ``passed``: variable -> the function arguments that it comes by."""

    def __init__(self, graph: Any, op_def: OpDef) -> None:
        self.op_def = op_def
        self.passed: dict[str, set[Argument]] = defaultdict(set)
        self.functions = {function.signature.name: function for function in graph.library.function}
        # Scope ("" is the main graph) and node or argument -> (consumer, position of the input).
        self.consumers: dict[tuple[str, str], list[tuple[Any, int]]] = defaultdict(list)
        self._add("", graph.node)
        for name, function in self.functions.items():
            self._add(name, function.node_def)

    def _add(self, scope: str, nodes: Any) -> None:
        for node in nodes:
            for position, source in enumerate(node.input):
                if not source.startswith("^"):
                    self.consumers[scope, node_of(source)].append((node, position))

    def follow(self, variable: Any) -> Optional[set[Argument]]:
        """The arguments that the variable reaches; None if something on its way is no mere reading."""
        passed = self.passed[variable.name]
        waiting = [("", variable.name)]
        seen = set(waiting)
        sound = True
        while waiting:
            scope, source = waiting.pop()
            for node, position in self.consumers[scope, source]:
                onwards = self._onwards(scope, node, position, variable.op in REFERENCES)
                if onwards is None:
                    sound = False
                    continue
                for place, argument in onwards:
                    if argument is not None:
                        passed.add(argument)
                    if place not in seen:
                        seen.add(place)
                        waiting.append(place)
        return passed if sound else None

    def _onwards(
        self, scope: str, node: Any, position: int, reference: bool
    ) -> Optional[list[tuple[tuple[str, str], Optional[Argument]]]]:
        """Where a consumer passes a variable on to; None if it does more than read."""
        if reference:
            wants = self.op_def(node.op)
            arguments = list(wants.input_arg) if wants is not None else []
            # Every other op takes a reference for its value.
            return None if any(argument.is_ref for argument in arguments) else []
        if node.op in _READS:
            return []
        if node.op in _PASSED_ON:
            return [((scope, node.name), None)]
        if node.op not in _FOLLOWED:
            return None
        index = position - _FIRST.get(node.op, 0)
        if index < 0 or self._given_back(scope, node, index):
            return None
        found: list[tuple[tuple[str, str], Optional[Argument]]] = []
        for value in node.attr.values():
            for called in [value.func] if value.HasField("func") else value.list.func:
                function = self.functions.get(called.name)
                if function is None:
                    return None
                name = function.signature.input_arg[index].name
                found.append(((called.name, name), (called.name, index)))
        return found

    def _given_back(self, scope: str, node: Any, index: int) -> bool:
        """Whether anybody takes a variable out of a call again; a loop carries it round, which is no harm."""
        for consumer, position in self.consumers[scope, node.name]:
            source = consumer.input[position].split(":")
            output = int(source[-1]) if len(source) > 1 else 0
            if "While" in node.op and output == index:
                return True
            types = node.attr["Tout"].list.type
            if "While" not in node.op and output < len(types) and types[output] == _RESOURCE:
                return True
        return False
