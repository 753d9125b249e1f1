"""Models of the core runtime that cannot be run, made by host TensorFlow.

Run as a program: ``python -m tests.e2e.core_bad DIR`` writes them into DIR, which must exist.

- later.pb: a graph for a later TensorFlow. future.pb: with an op of a later one.
- jpeg.pb: an op that the port leaves out. angle.pb: an op that no test model has.
- double.pb: a ReLU of doubles, where every model has floats.
- unfrozen: a SavedModel with one variable, and nothing but what reads it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.core_cases import raw_graph
from tfport.reference import import_tensorflow


def _edited(path: Path, edit: Callable[[Any], None]) -> None:
    tf = import_tensorflow()
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    edit(graph)
    path.write_bytes(graph.SerializeToString())


def _graphs(tf: Any, folder: Path) -> None:
    v1 = tf.compat.v1

    def relu(dtype: Any) -> Callable[[], Any]:
        return lambda: v1.nn.relu(v1.placeholder(dtype, [2, 3], "x"), name="y")

    def future(graph: Any) -> None:
        graph.versions.producer = 99999
        graph.node.add(name="new", op="FutureConv", input=["x"])

    _edited(raw_graph(folder, "later", relu("float32")), lambda g: setattr(g.versions, "min_consumer", 99999))
    _edited(raw_graph(folder, "future", relu("float32")), future)
    raw_graph(folder, "double", relu("float64"))
    raw_graph(folder, "jpeg", lambda: tf.io.decode_jpeg(v1.placeholder(tf.string, [], "x"), name="picture"))
    raw_graph(folder, "angle", lambda: v1.atan2(v1.placeholder("float32", [2], "x"), 1.0, name="corner"))


def _unfrozen(tf: Any, folder: Path) -> None:
    """No op that saves or restores is in it, so any library that has variables can load it."""
    from tensorflow.core.protobuf import saved_model_pb2

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        weight = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[], shared_name="weight", name="weight")
        tf.raw_ops.ReadVariableOp(resource=weight, dtype=tf.int64, name="read")
        infos = {"y": v1.saved_model.build_tensor_info(graph.get_tensor_by_name("read:0"))}
        signature = v1.saved_model.build_signature_def({}, infos, "tensorflow/serving/predict")
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.CopyFrom(graph.as_graph_def())
    meta.signature_def["serving_default"].CopyFrom(signature)
    shutil.rmtree(folder / "unfrozen", ignore_errors=True)
    (folder / "unfrozen").mkdir()
    (folder / "unfrozen" / "saved_model.pb").write_bytes(saved.SerializeToString())


def main(folder: Path) -> None:
    """Write them all into ``folder``, which must exist."""
    tf = import_tensorflow()
    _graphs(tf, folder)
    _unfrozen(tf, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
