"""Opens a model with host TensorFlow: its graph, its signatures and a session in which it can run.

All that TensorFlow says about a bad model becomes an error of ours here.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tfport.core.graphs import all_nodes, cut, node_of
from tfport.core.keras import export_keras, load_keras
from tfport.core.model import DEFAULT_SIGNATURE, Port, Signature
from tfport.core.recognise import GRAPHDEF, KERAS
from tfport.core.told import told
from tfport.errors import ModelIncomplete, ModelTooNew, SignatureUnknown
from tfport.reference import import_tensorflow

_OWN = "__saved_model_"  # what the keys of TensorFlow's own signatures begin with
_INIT = "__saved_model_init_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_FILE_OPS = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")
_TABLE_OPS = ("InitializeTable", "InitializeTableV2", "LookupTableImport", "LookupTableImportV2")
_VARIABLE_OPS = ("VarHandleOp", "Variable", "VariableV2")
_HANDLES = ("resource", "variant")  # types without values that a person could give or read


@dataclass
class Opened:
    """A model in a session. ``signatures`` and ``init`` name tensors and nodes of the session's graph.

    ``graph``: the GraphDef with its functions. ``init``: nodes to run once after loading; they have run in
    this session. ``assets``: (tensor, file name) of the files in ``assets_folder`` that belong to the model.
    """

    session: Any
    graph: Any
    signatures: tuple[Signature, ...]
    init: tuple[str, ...] = ()
    assets: tuple[tuple[str, str], ...] = ()
    assets_folder: Optional[Path] = None


@contextlib.contextmanager
def opened(path: Path, kind: str) -> Iterator[Opened]:
    """Open a model of one of the kinds of ``recognise``.

    Raises ``ModelBroken``, ``ModelTooNew``, ``ModelIncomplete``, ``SignatureUnknown``, ``ConversionFailed``.
    """
    tf = import_tensorflow()
    with contextlib.ExitStack() as stack:
        folder = path
        if kind == KERAS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tfport-")))
            export_keras(load_keras(path), path, folder)
        graph = stack.enter_context(tf.Graph().as_default())
        # Sums in one order: a reference must not depend on the cores of this machine.
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, allow_soft_placement=True
        )
        # An op without a kernel here hinders only what needs it; ``needs`` names it.
        config.graph_options.place_pruned_graph = True
        # The nodes that the model has, and no others in their place.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        session = stack.enter_context(tf.compat.v1.Session(graph=graph, config=config))
        if kind == GRAPHDEF:
            model = _open_graph_def(tf, session, path)
        else:
            model = _open_saved_model(tf, session, folder, path)
        yield model


def _open_graph_def(tf: Any, session: Any, path: Path) -> Opened:
    with told(path, "is broken"):
        given = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    _check(given, path)
    elsewhere = [
        f"{node.op} {node.name}" for node in all_nodes(given) if node.op in _VARIABLE_OPS + _FILE_OPS
    ]
    if elsewhere:
        raise ModelIncomplete(
            f"The GraphDef {path} is not frozen: {len(elsewhere)} of its values are in other files",
            "\n".join(elsewhere[:10]),
            "Freeze it with its checkpoint, or give the SavedModel that it comes from.",
        )
    with told(path, "is broken"):
        tf.graph_util.import_graph_def(given, name="")
        graph = session.graph.as_graph_def()
        init = tuple(sorted(node.name for node in graph.node if node.op in _TABLE_OPS))
        session.run(init)
        consumed = {node_of(name) for node in graph.node for name in node.input}
        inputs, outputs = [], []
        for operation in session.graph.get_operations():
            if operation.type.startswith("Placeholder"):
                if operation.type != "PlaceholderWithDefault":
                    inputs.append(_port(operation.name, operation.outputs[0]))
            elif operation.name not in consumed:
                for tensor in operation.outputs:
                    name = operation.name if len(operation.outputs) == 1 else tensor.name
                    outputs.append(_port(name, tensor))
    outputs = [port for port in outputs if port.dtype not in _HANDLES]
    if not outputs:
        raise SignatureUnknown(
            f"The GraphDef {path} has no output",
            "Each of its nodes is consumed by another, or gives nothing.",
        )
    signature = Signature(DEFAULT_SIGNATURE, _sorted(inputs), _sorted(outputs))
    return Opened(session, graph, (signature,), init)


def _open_saved_model(tf: Any, session: Any, folder: Path, path: Path) -> Opened:
    from tensorflow.python.saved_model import loader_impl

    with told(path, "is broken"):
        saved = loader_impl.parse_saved_model(str(folder))
    meta = _choose(saved, path)
    with told(path, "is broken"):
        ends = _ends(meta)
    _check(meta.graph_def, path, ends)
    with told(path, "is broken"):
        tags = list(meta.meta_info_def.tags)
        meta = tf.compat.v1.saved_model.load(session, tags, str(folder), clear_devices=True)
        signatures = tuple(
            Signature(key, _ports(session, definition.inputs), _ports(session, definition.outputs))
            for key, definition in sorted(meta.signature_def.items())
            if not key.startswith(_OWN) and definition.outputs
        )
    if not signatures:
        raise SignatureUnknown(
            f"The SavedModel {path} has no signature that could be run",
            "",
            "Export it with tf.saved_model.save(model, folder, signatures={'serving_default': function}).",
        )
    return Opened(
        session,
        session.graph.as_graph_def(),
        signatures,
        _init_ops(meta),
        tuple((asset.tensor_info.name, asset.filename) for asset in meta.asset_file_def),
        folder / "assets",
    )


def _choose(saved: Any, path: Path) -> Any:
    """The graph for serving on a CPU."""
    tags = [set(meta.meta_info_def.tags) for meta in saved.meta_graphs]
    wanted = [each for each in tags if "serve" in each and not each & {"gpu", "tpu"}]
    wanted = sorted(wanted, key=len) or (tags if len(tags) == 1 else [])
    if not wanted:
        raise SignatureUnknown(
            f"The SavedModel {path} has no graph with the tag 'serve'",
            "The tags of its graphs: " + "; ".join(", ".join(sorted(each)) for each in tags),
            "Export it for serving.",
        )
    return saved.meta_graphs[tags.index(wanted[0])]


def _ends(meta: Any) -> list[str]:
    """The nodes for which a graph is loaded: results, and what restores its values."""
    infos = [
        info
        for key, definition in meta.signature_def.items()
        if not key.startswith(_OWN)
        for info in definition.outputs.values()
    ]
    names = [node_of(info.name) for info in infos if info.WhichOneof("encoding") == "name"]
    there = {node.name for node in meta.graph_def.node}
    restore = meta.saver_def.restore_op_name
    return [name for name in (*names, *_init_ops(meta), restore) if name in there]


def _init_ops(meta: Any) -> tuple[str, ...]:
    """The one node that a loader runs after the variables are restored, if there is one."""
    if _INIT in meta.signature_def:
        return (node_of(meta.signature_def[_INIT].outputs[_INIT].name),)
    for key in _INIT_COLLECTIONS:
        names = meta.collection_def[key].node_list.value if key in meta.collection_def else ()
        if names:
            return (node_of(names[0]),)
    return ()


def _check(graph: Any, path: Path, ends: Sequence[str] = ()) -> None:
    """Raises ``ModelTooNew`` for a graph that this TensorFlow may not or cannot read.

    With ``ends`` only ops that these nodes depend on must be known.
    """
    from tensorflow.python.framework import op_def_registry

    version = import_tensorflow().version
    ours, versions = version.GRAPH_DEF_VERSION, graph.versions
    if versions.min_consumer > ours or ours in versions.bad_consumers:
        raise ModelTooNew(
            f"The graph of {path} was made for a later TensorFlow than {version.VERSION}",
            f"It asks for graph version {versions.min_consumer}; this one reads up to {ours}.",
            "Export it with an older TensorFlow.",
        )
    if ends:
        graph = cut(graph, ends)
    own = {function.signature.name for function in graph.library.function}
    unknown: dict[str, str] = {}
    for node in all_nodes(graph):
        if node.op not in own and node.op not in unknown and op_def_registry.get(node.op) is None:
            unknown[node.op] = node.name
    if unknown:
        newer = versions.producer > ours
        raise ModelTooNew(
            f"The graph of {path} has {len(unknown)} op(s) that TensorFlow {version.VERSION} does not know",
            "\n".join(f"{op} (node {node})" for op, node in sorted(unknown.items())),
            "It was made by a later TensorFlow: export it with an older one."
            if newer
            else "An extension may bring them (TensorFlow Text, Addons ...), which the port does not hold.",
        )


def _ports(session: Any, infos: Any) -> tuple[Port, ...]:
    """Ports of a SignatureDef; a sparse or composite tensor becomes one for each of its parts."""
    found = []
    for name, info in infos.items():
        kind = info.WhichOneof("encoding")
        if kind == "coo_sparse":
            parts = info.coo_sparse
            tensors = {
                f"{name}/indices": parts.indices_tensor_name,
                f"{name}/values": parts.values_tensor_name,
                f"{name}/dense_shape": parts.dense_shape_tensor_name,
            }
        elif kind == "composite_tensor":
            tensors = {f"{name}/{k}": part.name for k, part in enumerate(info.composite_tensor.components)}
        else:
            tensors = {name: info.name}
        for part, tensor in tensors.items():
            port = _port(part, session.graph.get_tensor_by_name(tensor))
            if kind == "name" and info.HasField("tensor_shape"):
                port = Port(port.name, port.tensor, port.dtype, _shape(info.tensor_shape))
            found.append(port)
    return _sorted(found)


def _port(name: str, tensor: Any) -> Port:
    return Port(name, tensor.name, tensor.dtype.base_dtype.name, _shape(tensor.shape.as_proto()))


def _shape(proto: Any) -> Optional[tuple[int, ...]]:
    return None if proto.unknown_rank else tuple(int(dim.size) for dim in proto.dim)


def _sorted(ports: list[Port]) -> tuple[Port, ...]:
    return tuple(sorted(ports, key=lambda port: port.name))
