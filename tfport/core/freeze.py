"""Values into the graph: variables become constants; what cannot is set when the model is loaded.

A prepared model has no checkpoint. Variables that the graph writes, and tables that were filled from the
checkpoint, stay what they are and get their values from constants in the model's init op.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfport.core.graphs import all_nodes, ancestors, node_of, unused_name
from tfport.core.load import Opened
from tfport.core.variables import HANDLE, REFERENCES, frozen_variables, variables
from tfport.errors import ConversionFailed
from tfport.reference import import_tensorflow

INIT = "tfport_init"
_STRING = 7  # DT_STRING
_ASSIGNS = ("Assign", "AssignVariableOp")
_TABLES = ("MutableHashTableV2", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2")
_OLD_TABLES = ("MutableHashTable", "MutableHashTableOfTensors", "MutableDenseHashTable")


def freeze(model: Opened, graph: Any, kept: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """Freeze ``graph``, which was made from the model's by inlining; returns it with its init nodes.

    ``kept`` are the nodes that it is made for. Raises ``ConversionFailed``.
    """
    import_tensorflow()
    from tensorflow.python.framework import convert_to_constants, op_def_registry

    _plain_gathers(graph)
    there = variables(graph)
    in_session = {operation.name for operation in model.session.graph.get_operations()}
    frozen = {
        name
        for name in frozen_variables(graph, op_def_registry.get)
        # TensorFlow's freezing takes no strings.
        if name in in_session and there[name].attr["dtype"].type != _STRING
    }
    _provide_reads(model, frozen)
    result = convert_to_constants.convert_variables_to_constants_from_session_graph(
        model.session, graph, list(kept), variable_names_denylist=sorted(set(there) - frozen)
    )
    return result, _fill(model, result)


def _plain_gathers(graph: Any) -> None:
    """Spell ResourceGather as reading and gathering where TensorFlow's freezing cannot do so itself."""
    _plain(graph.node, lambda name, output: name, lambda node: node.attr["batch_dims"].i != 0)
    for function in graph.library.function:
        _plain(function.node_def, lambda name, output: f"{name}:{output}:0", lambda node: True)


def _plain(nodes: Any, reference: Any, wanted: Any) -> None:
    for node in [node for node in nodes if node.op == "ResourceGather" and wanted(node)]:
        names = [each.name for each in nodes]
        read, axis = nodes.add(), nodes.add()
        read.name, read.op = unused_name(names, f"{node.name}/read"), "ReadVariableOp"
        read.input.append(node.input[0])
        read.attr["dtype"].CopyFrom(node.attr["dtype"])
        batch_dims = node.attr["batch_dims"].i
        _constant(axis, unused_name(names, f"{node.name}/axis"), np.int32(batch_dims))
        node.op = "GatherV2"
        node.input[0] = reference(read.name, "value")
        node.input.insert(2, reference(axis.name, "output"))
        node.attr["Tparams"].CopyFrom(node.attr["dtype"])
        node.attr["Taxis"].CopyFrom(axis.attr["dtype"])
        for key in [key for key in node.attr if key in ("dtype", "validate_indices")]:
            del node.attr[key]


def _provide_reads(model: Opened, names: set[str]) -> None:
    """TensorFlow's freezing reads a variable by the node that a TF1 variable has beside it."""
    from tensorflow.python.ops import gen_resource_variable_ops

    graph = model.session.graph
    there = {operation.name for operation in graph.get_operations()}
    with graph.as_default():
        for name in sorted(names):
            handle = graph.get_operation_by_name(name)
            reader = f"{name}/Read/ReadVariableOp"
            if handle.type == HANDLE and reader not in there:
                gen_resource_variable_ops.read_variable_op(
                    handle.outputs[0], dtype=handle.get_attr("dtype"), name=f"{reader}"
                )


def _fill(model: Opened, graph: Any) -> tuple[str, ...]:
    """Add an init op that sets what the checkpoint had set; returns the init nodes of the result."""
    errors = import_tensorflow().errors
    before = [name for name in model.init if any(node.name == name for node in graph.node)]
    earlier = ancestors(graph, before)
    set_before = {
        node_of(node.input[0]) for node in graph.node if node.op in _ASSIGNS and node.name in earlier
    }
    filled = []
    session, names = model.session, {operation.name for operation in model.session.graph.get_operations()}
    for node in [node for node in graph.node if node.name in names]:
        if node.op in (HANDLE, *REFERENCES) and node.name not in set_before:
            # A variable without a value gets one while the model runs.
            with contextlib.suppress(errors.FailedPreconditionError):
                filled.append(_assign(graph, node, session.run(_reading(session, node))))
        elif node.op in _TABLES:
            filled.append(_import(graph, node, session.run(_exporting(session, node)), before))
    old = [node.name for node in all_nodes(graph) if node.op in _OLD_TABLES]
    if old:
        raise ConversionFailed(
            f"The model has {len(old)} table(s) of TensorFlow 1 that change while it runs",
            ", ".join(old[:10]),
            "Save the model with TensorFlow 2.",
        )
    if not filled and len(before) < 2:
        return tuple(before)
    init = graph.node.add()
    init.name, init.op = unused_name((node.name for node in graph.node), INIT), "NoOp"
    init.input.extend(f"^{name}" for name in (*before, *filled))
    return (init.name,)


def _reading(session: Any, variable: Any) -> Any:
    from tensorflow.python.ops import gen_resource_variable_ops

    with session.graph.as_default():
        tensor = session.graph.get_operation_by_name(variable.name).outputs[0]
        if variable.op != HANDLE:
            return tensor
        return gen_resource_variable_ops.read_variable_op(tensor, dtype=variable.attr["dtype"].type)


def _exporting(session: Any, table: Any) -> Any:
    from tensorflow.python.ops import gen_lookup_ops

    with session.graph.as_default():
        return gen_lookup_ops.lookup_table_export_v2(
            session.graph.get_operation_by_name(table.name).outputs[0],
            table.attr["key_dtype"].type,
            table.attr["value_dtype"].type,
        )


def _assign(graph: Any, variable: Any, value: Any) -> str:
    names = [node.name for node in graph.node]
    constant, assign = graph.node.add(), graph.node.add()
    dtype = variable.attr["dtype"].type
    _constant(constant, unused_name(names, f"{variable.name}/initial"), value, dtype)
    assign.name = unused_name(names, f"{variable.name}/set")
    assign.op = "AssignVariableOp" if variable.op == HANDLE else "Assign"
    assign.input.extend([variable.name, constant.name])
    assign.attr["dtype" if variable.op == HANDLE else "T"].type = dtype
    return str(assign.name)


def _import(graph: Any, table: Any, entries: Any, before: Sequence[str]) -> str:
    names = [node.name for node in graph.node]
    types = [table.attr[f"{part}_dtype"].type for part in ("key", "value")]
    parts = []
    # By key: a table gives its entries in any order, and the model must be the same bytes again.
    order = np.argsort(entries[0], kind="stable") if entries[0].ndim == 1 else slice(None)
    for part, values, dtype in zip(("keys", "values"), entries, types):
        constant = graph.node.add()
        _constant(constant, unused_name(names, f"{table.name}/{part}"), values[order], dtype)
        parts.append(constant.name)
    fill = graph.node.add()
    fill.name, fill.op = unused_name(names, f"{table.name}/fill"), "LookupTableImportV2"
    fill.input.extend([table.name, *parts, *(f"^{name}" for name in before)])
    fill.attr["Tin"].type, fill.attr["Tout"].type = types
    return str(fill.name)


def _constant(node: Any, name: str, value: Any, dtype: Any = None) -> None:
    from tensorflow.python.framework import tensor_util

    proto = tensor_util.make_tensor_proto(value, dtype=dtype)
    node.name, node.op = name, "Const"
    node.attr["dtype"].type = proto.dtype
    node.attr["value"].tensor.CopyFrom(proto)
