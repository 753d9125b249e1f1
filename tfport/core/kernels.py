"""The kernels that a graph needs, as host TensorFlow's own registry names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tfport.core.graphs import CALLS, CONTROL_FLOW
from tfport.core.selection import Pair
from tfport.errors import ModelRefused
from tfport.reference import import_tensorflow

# What the runtime adds to any graph: feeds and fetches, the ends of functions and of what it cuts apart.
_ALWAYS = (
    "Const",
    "Identity",
    "NoOp",
    "Placeholder",
    "_Arg",
    "_DeviceArg",
    "_DeviceRetval",
    "_HostRecv",
    "_HostSend",
    "_Recv",
    "_Retval",
    "_Send",
)
# What takes the place of loops, branches and calls before a graph runs. One class serves all types.
_LOWERED = ("Enter", "Exit", "IdentityN", "LoopCond", "Merge", "NextIteration", "Switch")
_LOWERED_CASE = ("_SwitchN",)
# Ops that the runtime writes anew, with what it writes; the new nodes have the type T of the old.
_REWRITTEN = {"AccumulateNV2": ("AddN",), "ParallelConcat": ("_ParallelConcatStart", "_ParallelConcatUpdate")}
_TYPE_ATTRIBUTES = ("T", "dtype", "tensor_type")
_FLOAT = 1  # DT_FLOAT
_CPU = "/device:CPU:0"
# The host's TensorFlow has ops that only oneDNN computes: their kernel is this one, which fails.
_STAND_IN = "NoOp"


@dataclass
class Needs:
    """(op, class of its kernel or ""), and for each op one node that needs it."""

    pairs: set[Pair] = field(default_factory=set)
    nodes_of: dict[str, str] = field(default_factory=dict)

    def add(self, op: str, kernel: str, node: str = "") -> None:
        """Note a kernel; of several nodes the first is kept."""
        self.pairs.add((op, kernel))
        if node:
            self.nodes_of.setdefault(op, node)


def needs(graph: Any, model: str) -> Needs:
    """What a prepared graph needs, and what the runtime needs besides.

    Raises ``ModelRefused`` with every op that has no kernel for a CPU. ``model`` is its name for messages.
    """
    found = Needs()
    missing: dict[str, str] = {}
    own = {function.signature.name for function in graph.library.function}
    for node, where in _placed(graph):
        if node.op in own:
            continue
        kernel = kernel_of(node)
        if kernel or node.op in _REWRITTEN:
            found.add(node.op, kernel, where)
            for op in _REWRITTEN.get(node.op, ()):
                found.add(op, kernel_of(_node(op, node.attr["T"].type)), where)
        else:
            missing.setdefault(f"{node.op}{_types(node)}", where)
    if missing:
        raise ModelRefused(
            f"The model {model} needs {len(missing)} kernel(s) that TensorFlow has not for a CPU",
            "\n".join(f"{op}: node {node}" for op, node in sorted(missing.items())),
            "Export the model without these ops, or with other types.",
        )
    ops = {op for op, _ in found.pairs}
    by_itself = [*_ALWAYS]
    by_itself += _LOWERED if own or ops & (CONTROL_FLOW | CALLS) else ()
    by_itself += _LOWERED_CASE if ops & {"Case", "StatelessCase"} else ()
    for op in by_itself:
        found.add(op, kernel_of(_node(op, _FLOAT)))
    return found


def add_given(found: Needs, graph: Any) -> None:
    """Add what the nodes of a graph need as the user gave it; an op without a kernel is no fault here."""
    own = {function.signature.name for function in graph.library.function}
    for node, where in _placed(graph):
        if node.op not in own:
            found.add(node.op, kernel_of(node), where)


def kernel_of(node: Any) -> str:
    """The class of the kernel that runs a node on a CPU, "" if there is none."""
    from tensorflow.core.framework import node_def_pb2
    from tensorflow.python.framework import op_def_registry
    from tensorflow.python.util import _pywrap_kernel_registry

    asked = node_def_pb2.NodeDef(name=node.name, op=node.op, device=_CPU)
    definition = op_def_registry.get(node.op)
    for attribute in definition.attr if definition is not None else ():
        # The values of constants are large and choose no kernel.
        if attribute.name in node.attr and attribute.type != "tensor":
            asked.attr[attribute.name].CopyFrom(node.attr[attribute.name])
        elif attribute.HasField("default_value"):
            asked.attr[attribute.name].CopyFrom(attribute.default_value)
    kernel: str = _pywrap_kernel_registry.TryFindKernelClass(asked.SerializeToString()).decode()
    return "" if kernel == _STAND_IN != node.op else kernel


def _node(op: str, dtype: int) -> Any:
    import_tensorflow()
    from tensorflow.core.framework import node_def_pb2

    node = node_def_pb2.NodeDef(name=op, op=op)
    for name in _TYPE_ATTRIBUTES:
        node.attr[name].type = dtype
    return node


def _placed(graph: Any) -> Iterator[tuple[Any, str]]:
    """Every node and what to call it."""
    for node in graph.node:
        yield node, node.name
    for function in graph.library.function:
        for node in function.node_def:
            yield node, f"{node.name} of the function {function.signature.name}"


def _types(node: Any) -> str:
    """The types that choose a node's kernel, such as "<T=float16>"."""
    tf = import_tensorflow()
    found = [
        f"{name}={tf.dtypes.as_dtype(value.type).name}"
        for name, value in sorted(node.attr.items())
        if value.WhichOneof("value") == "type"
    ]
    return f"<{', '.join(found)}>" if found else ""
