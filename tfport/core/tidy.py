"""One spelling for a graph: the same model gives the same bytes, whatever was done before in the process.

Functions, whose names TensorFlow counts up over a process, are numbered anew in the order of the graph; what
only its makers read is dropped.
"""

from __future__ import annotations

import re
from typing import Any

from tfport.core.graphs import LOWER, all_nodes, called, prune_library

# The rest of a function's name: what counts up, and by what TensorFlow says how it came to be.
_COUNTED = re.compile(r"(_frozen|_optimized|_rewritten|_specialized_for\w*)?(_\d+)?$")
_BEGINS = re.compile(r"^__(inference|forward|backward)_+")
_KEPT = frozenset({LOWER})


def tidy(graph: Any) -> None:
    """Bring ``graph`` into its one spelling, in place."""
    graph.ClearField("debug_info")
    prune_library(graph)
    for node in all_nodes(graph):
        node.device = ""
        node.ClearField("experimental_debug_info")
        for key in [key for key in node.attr if key.startswith("_") and key not in _KEPT]:
            del node.attr[key]
        if "config_proto" in node.attr:
            node.attr["config_proto"].s = b""
    for function in graph.library.function:
        function.ClearField("arg_attr")
        function.ClearField("attr")
    nodes = sorted(graph.node, key=lambda node: str(node.name))
    graph.ClearField("node")
    graph.node.extend(nodes)
    _name_functions(graph)


def _name_functions(graph: Any) -> None:
    functions = {function.signature.name: function for function in graph.library.function}
    names: dict[str, str] = {}
    waiting = list(graph.node)
    while waiting:
        node = waiting.pop(0)
        # Attributes are a map, whose order is anybody's guess.
        for _, value in sorted(node.attr.items()):
            found = [value.func] if value.HasField("func") else value.list.func
            for name in [function.name for function in found]:
                if name in functions and name not in names:
                    names[name] = f"{_plain(name)}_{len(names)}"
                    waiting.extend(functions[name].node_def)
        if node.op in functions and node.op not in names:
            names[node.op] = f"{_plain(node.op)}_{len(names)}"
            waiting.extend(functions[node.op].node_def)
    for node in all_nodes(graph):
        node.op = names.get(node.op, node.op)
        for function in called(node):
            function.name = names.get(function.name, function.name)
    graph.ClearField("library")
    for old, new in names.items():
        functions[old].signature.name = new
        graph.library.function.append(functions[old])


def _plain(name: str) -> str:
    name = _BEGINS.sub("", name)
    while _COUNTED.search(name) and _COUNTED.sub("", name, count=1) not in ("", name):
        name = _COUNTED.sub("", name, count=1)
    return name or "function"
