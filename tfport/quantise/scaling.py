"""Whether a model scales pictures by itself: what the first arithmetic on its input does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import numpy as np

from tfport.core.graphs import node_of
from tfport.inputs import Array
from tfport.reference import import_tensorflow

BYTES, UNIT = "rgb-bytes", "rgb-unit"
_PASSED = ("Identity", "Cast", "Reshape", "Transpose", "Pad", "PadV2", "ResizeBilinear", "ExpandDims")
# Pixels of 0 to 255 are divided by 255, 127.5, 58 (a deviation) and the like, or a mean near 120 is taken
# off; nobody does that to pixels of 0 to 1.
_DIVISOR = 32.0
_MEAN = 2.0
Nodes = dict[str, Any]


def own_scaling(function: Any) -> str:
    """``BYTES`` for a function whose first arithmetic brings pixels of 0 to 255 down, else ``UNIT``."""
    import_tensorflow()
    from tensorflow.python.framework import convert_to_constants

    graph = convert_to_constants.convert_variables_to_constants_v2(function).graph.as_graph_def()
    nodes = {node.name: node for node in graph.node}
    return BYTES if any(_brings_down(node, nodes) for node in _first(nodes)) else UNIT


def _first(nodes: Nodes) -> Iterator[Any]:
    """The first nodes on the way from the inputs that do more than hand values on."""
    reached = {name for name, node in nodes.items() if node.op == "Placeholder"}
    waiting = sorted(reached)
    while waiting:
        name = waiting.pop()
        for user in nodes.values():
            if user.name not in reached and name in _sources(user):
                reached.add(user.name)
                if user.op in _PASSED:
                    waiting.append(user.name)
                else:
                    yield user


def _brings_down(node: Any, nodes: Nodes) -> bool:
    constants = [values for name in _sources(node) if (values := _constant(nodes[name], nodes)) is not None]
    if not constants or not all(values.size and values.dtype.kind == "f" for values in constants):
        return False
    largest = max(float(np.abs(values).max()) for values in constants)
    if node.op == "Mul":
        return largest <= 1 / _DIVISOR
    if node.op == "RealDiv":
        return largest >= _DIVISOR
    return node.op in ("Sub", "Add", "AddV2", "BiasAdd") and largest > _MEAN


def _sources(node: Any) -> list[str]:
    """The nodes whose values a node takes; "^" marks one that it only waits for."""
    return [node_of(name) for name in node.input if not name.startswith("^")]


def _constant(node: Any, nodes: Nodes) -> Optional[Array]:
    while node.op == "Identity":
        node = nodes[_sources(node)[0]]
    if node.op != "Const":
        return None
    values: Array = import_tensorflow().make_ndarray(node.attr["value"].tensor)
    return values
