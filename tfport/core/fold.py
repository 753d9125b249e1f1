"""Makes a graph small and plain with TensorFlow's own optimisers: functions, constants, batch norms.

Only optimisers that leave ordinary ops behind are used: none that fuses, none that changes layouts or types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tfport.core.graphs import CONTROL_FLOW, LOWER, all_nodes, node_of, unused_name
from tfport.reference import import_tensorflow

_HIDDEN = "tfport hidden "  # before the op of a node that an optimiser must not see
_NORMS = ("BatchNormWithGlobalNormalization", "FusedBatchNorm", "FusedBatchNormV3")
_FLOAT = 1  # DT_FLOAT
_ADDS = ("Add", "AddV2", "BiasAdd")
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def inline(graph: Any, feeds: Sequence[str], fetches: Sequence[str]) -> Any:
    """The graph with its function calls inlined; loops and branches stay functions.

    ``feeds`` are tensors, ``fetches`` tensors or nodes; the graph is cut to what the fetches need.
    """
    from tensorflow.python.framework import graph_util_impl

    given = import_tensorflow().compat.v1.GraphDef()
    given.CopyFrom(graph)
    for function in given.library.function:
        # Variants for other devices, and functions that somebody did not want inlined.
        for key in ("api_implements", "api_preferred_device", "_noinline"):
            if key in function.attr:
                del function.attr[key]
    for node in all_nodes(given):
        node.device = ""
        for key in ("_XlaMustCompile", "_noinline"):
            if key in node.attr:
                del node.attr[key]
        if node.op in CONTROL_FLOW:
            node.attr[LOWER].b = False
    wanted = sorted({node_of(name) for name in (*feeds, *fetches)})
    return _optimised(graph_util_impl.extract_sub_graph(given, wanted), feeds, fetches, "function")


def fold(graph: Any, feeds: Sequence[str], fetches: Sequence[str]) -> Any:
    """The graph with constants and batch norms folded and what is not needed cut off."""
    graph = _optimised(graph, feeds, fetches, "pruning", "constfold", "dependency")
    graph = _fold_batch_norms(graph, {node_of(name) for name in (*feeds, *fetches)})
    graph = _optimised(graph, feeds, fetches, "pruning", "constfold", "dependency", "pruning")
    for node in all_nodes(graph):
        if node.op in CONTROL_FLOW:
            node.attr[LOWER].b = True
    return graph


def _optimised(graph: Any, feeds: Iterable[str], fetches: Iterable[str], *optimizers: str) -> Any:
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
    from tensorflow.python.grappler import tf_optimizer

    meta = meta_graph_pb2.MetaGraphDef(graph_def=graph)
    signature = meta.signature_def["all"]
    for tensor in sorted(set(feeds)):
        info = signature.inputs[tensor]
        info.name, info.dtype = tensor, _FLOAT
        info.tensor_shape.unknown_rank = True
    for name in sorted(set(fetches)):
        signature.outputs[name].name = name
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.min_graph_nodes = -1  # small graphs too
    options.meta_optimizer_iterations = options.ONE
    options.fail_on_optimizer_errors = True
    options.optimizers.extend(optimizers)
    return tf_optimizer.OptimizeGraph(config, meta, verbose=False)


def _fold_batch_norms(graph: Any, kept: set[str]) -> Any:
    """TensorFlow's folding, kept from what it would break.

    It takes for granted that nobody else uses the convolution, its weights or the sums of the norm, and that
    the norm is not one that is still being trained.
    """
    from tensorflow.python.tools import optimize_for_inference_lib

    nodes = {node.name: node for node in graph.node}
    users = Counter(node_of(name) for node in graph.node for name in node.input)
    further = {node_of(name) for node in graph.node for name in node.input if _is_further(name)}
    used_more = {name for name, count in users.items() if count > 1}
    hidden = []
    for norm in [node for node in graph.node if node.op in _NORMS]:
        chain = _chain(nodes, norm)
        shared = any(name in kept or name in used_more for name in chain)
        if not chain or shared or norm.name in further or _trained(norm):
            hidden.append(norm)
            continue
        _own_weights(graph, nodes[chain[-1]], used_more)
    for node in hidden:
        node.op = _HIDDEN + node.op
    library = graph.library
    result = optimize_for_inference_lib.fold_batch_norms(graph)
    result.library.CopyFrom(library)
    for node in result.node:
        node.op = node.op.replace(_HIDDEN, "")
    return result


def _is_further(name: str) -> bool:
    return ":" in name and not name.endswith(":0")


def _trained(norm: Any) -> bool:
    if norm.op == "BatchNormWithGlobalNormalization":
        return False
    return "is_training" not in norm.attr or bool(norm.attr["is_training"].b)


def _chain(nodes: dict[str, Any], norm: Any) -> list[str]:
    """The nodes between a norm and its convolution, nearest first, the convolution last; [] without one."""
    name = node_of(norm.input[0])
    if nodes[name].op in _CONVOLUTIONS:
        return [name]
    if nodes[name].op in _ADDS:
        first, second = (node_of(source) for source in nodes[name].input[:2])
        for source, bias in ((first, second), (second, first)):
            dims = nodes[bias].attr["value"].tensor.tensor_shape.dim
            if nodes[source].op in _CONVOLUTIONS and len(dims) == 1:
                return [name, source]
    return []


def _own_weights(graph: Any, convolution: Any, used_more: set[str]) -> None:
    source = node_of(convolution.input[1])
    if source not in used_more:
        return
    names = [node.name for node in graph.node]
    copy = graph.node.add()
    copy.CopyFrom(next(node for node in graph.node if node.name == source))
    copy.name = unused_name(names, f"{convolution.name}/weights")
    convolution.input[1] = copy.name
