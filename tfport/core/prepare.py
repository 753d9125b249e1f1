"""Prepares a model for the target: one frozen, folded SavedModel, and the facts about it.

Runs in the process of ``tfport.host``. Everything that changes a graph's meaning is done by TensorFlow's own
tools; see ``freeze`` and ``fold``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from tfport.core.fold import fold, inline
from tfport.core.freeze import freeze
from tfport.core.graphs import ancestors, node_of, output_of, unused_name
from tfport.core.kernels import add_given, needs
from tfport.core.load import Opened, opened
from tfport.core.model import FACTS, PREPARED, Facts, Port, Signature, facts_text
from tfport.core.recognise import GRAPHDEF
from tfport.core.tidy import tidy
from tfport.core.told import told
from tfport.errors import ConversionFailed
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow

_MOST_BYTES = (1 << 31) - 1  # a protocol buffer holds no more
_MAIN_OP = "saved_model_main_op"
_CANNOT = "cannot be prepared by host TensorFlow"


def prepare(path: Path, kind: str, result: Path) -> dict[str, Any]:
    """Write ``result`` (facts.json) and beside it the prepared model's folder; both at once or neither.

    Raises a ``ModelError``, ``ModelRefused`` or ``ConversionFailed``.
    """
    import_tensorflow()
    with opened(path, kind) as model:
        with told(path, _CANNOT, ConversionFailed):
            graph, signatures, init = _prepared(model)
        found = needs(graph, path.name)
        if kind == GRAPHDEF:
            add_given(found, model.graph)
        facts = Facts(
            signatures=signatures,
            kernels=tuple(sorted(found.pairs)),
            nodes_of={op: found.nodes_of[op] for op in sorted(found.nodes_of)},
        )
        part = result.parent.with_name(f".{result.parent.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        size = _write(model, graph, signatures, init, part / PREPARED, path)
        (part / FACTS).write_text(facts_text(facts), encoding="utf-8")
    shutil.rmtree(result.parent, ignore_errors=True)
    part.replace(result.parent)
    return {"bytes": size, "nodes": len(graph.node)}


def _prepared(model: Opened) -> tuple[Any, tuple[Signature, ...], tuple[str, ...]]:
    from tensorflow.python.framework import graph_util_impl

    feeds = sorted({port.tensor for signature in model.signatures for port in signature.inputs})
    fetches = {port.tensor for signature in model.signatures for port in signature.outputs}
    # The path in an asset's tensor is set when the model is loaded, so it counts as an input.
    fed = [*feeds, *(tensor for tensor, _ in model.assets)]
    kept = sorted({node_of(name) for name in (*fed, *fetches, *model.init)})
    _cut_feeds(model)
    graph = inline(model.graph, fed, [*sorted(fetches), *model.init])
    graph, init = freeze(model, graph, kept)
    graph = fold(graph, fed, [*sorted(fetches), *init])
    outputs = _plain_outputs(graph, sorted(fetches), set(feeds))
    init = tuple(node.name for node in graph.node if node.name in init and node.input)
    wanted = {node_of(name) for name in (*feeds, *outputs.values(), *init)}
    graph = graph_util_impl.extract_sub_graph(graph, sorted(wanted))
    tidy(graph)
    signatures = tuple(
        replace(
            signature,
            outputs=tuple(replace(port, tensor=outputs[port.tensor]) for port in signature.outputs),
        )
        for signature in model.signatures
    )
    return graph, signatures, init


def _cut_feeds(model: Opened) -> None:
    """Make a placeholder of a fed tensor that is computed in the graph, so that what computes it is not kept.

    Not where another signature has it computed.
    """
    tf = import_tensorflow()
    nodes = {node.name: node for node in model.graph.node}
    for signature in model.signatures:
        for port in signature.inputs:
            node = nodes[node_of(port.tensor)]
            others = [each for each in model.signatures if port.tensor not in {p.tensor for p in each.inputs}]
            ends = [*(node_of(p.tensor) for each in others for p in each.outputs), *model.init]
            operation = model.session.graph.get_operation_by_name(node.name)
            if len(operation.outputs) != 1 or node.name in ancestors(model.graph, ends):
                continue
            node.Clear()
            node.name, node.op = operation.name, "Placeholder"
            node.attr["dtype"].type = tf.dtypes.as_dtype(port.dtype).as_datatype_enum
            node.attr["shape"].shape.CopyFrom(tf.TensorShape(_dims(port)).as_proto())


def _dims(port: Port) -> Optional[list[Optional[int]]]:
    return None if port.shape is None else [None if size < 0 else size for size in port.shape]


def _plain_outputs(graph: Any, fetches: Sequence[str], feeds: set[str]) -> dict[str, str]:
    """Fetched tensor -> the tensor to fetch instead: past nodes that only pass it on, never a fed one.

    A session refuses to fetch what it is fed, so such an output gets an Identity of its own.
    """
    nodes = {node.name: node for node in graph.node}
    found = {}
    for fetch in fetches:
        tensor = fetch
        while nodes[node_of(tensor)].op in ("Identity", "IdentityN"):
            node = nodes[node_of(tensor)]
            source = node.input[output_of(tensor)]
            if any(name.startswith("^") for name in node.input) or _tensor(source) in feeds:
                break
            tensor = _tensor(source)
        if tensor in feeds:
            identity = graph.node.add()
            identity.op = "Identity"
            identity.name = unused_name(nodes, f"{node_of(tensor)}/output")
            identity.input.append(tensor)
            identity.attr["T"].type = _type_of(nodes[node_of(tensor)])
            nodes[identity.name] = identity
            tensor = f"{identity.name}:0"
        found[fetch] = tensor
    return found


def _tensor(source: str) -> str:
    return source if ":" in source else f"{source}:0"


def _type_of(placeholder: Any) -> int:
    return int(placeholder.attr["dtype"].type or placeholder.attr["T"].type)


def _write(
    model: Opened,
    graph: Any,
    signatures: tuple[Signature, ...],
    init: Sequence[str],
    folder: Path,
    path: Path,
) -> int:
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = TENSORFLOW_VERSION
    meta.graph_def.CopyFrom(graph)
    for signature in signatures:
        definition = meta.signature_def[signature.key]
        definition.method_name = "tensorflow/serving/predict"
        _infos(definition.inputs, signature.inputs)
        _infos(definition.outputs, signature.outputs)
    if init:
        meta.collection_def[_MAIN_OP].node_list.value.extend(init)
    there = {node.name for node in graph.node}
    folder.mkdir()
    for tensor, name in model.assets:
        if node_of(tensor) in there and model.assets_folder is not None:
            asset = meta.asset_file_def.add(filename=name)
            asset.tensor_info.name = tensor
            (folder / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.assets_folder / name, folder / "assets" / name)
    if saved.ByteSize() > _MOST_BYTES:
        raise ConversionFailed(
            f"The model {path} has {saved.ByteSize() >> 20} MB once it is frozen",
            "A graph holds 2 GB at most.",
        )
    data: bytes = saved.SerializeToString(deterministic=True)
    (folder / "saved_model.pb").write_bytes(data)
    return len(data)


def _infos(infos: Mapping[str, Any], ports: Sequence[Port]) -> None:
    tf = import_tensorflow()
    for port in ports:
        info = infos[port.name]
        info.name = port.tensor
        info.dtype = tf.dtypes.as_dtype(port.dtype).as_datatype_enum
        if port.shape is None:
            info.tensor_shape.unknown_rank = True
        else:
            for size in port.shape:
                info.tensor_shape.dim.add(size=size)
        info.tensor_shape.SetInParent()
