"""Models for the core runtime to refuse, and a small one to break, made by host TensorFlow.

Run as a program: ``python -m tests.e2e.core_bad DIR`` writes them into DIR, which must exist.

- later.pb: a graph for a later TensorFlow. future.pb: with an op of a later one.
- jpeg.pb: an op that the port leaves out. angle.pb: an op that no test model has.
- double.pb: a ReLU of doubles, where every model has floats.
- unfrozen: a SavedModel with one variable, and nothing but what reads it.
- small.pb, small: a network of the ops of SqueezeNet; the SavedModel has two signatures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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


def _saved(folder: Path, graph: Any, signatures: dict[str, tuple[dict[str, str], dict[str, str]]]) -> None:
    """A SavedModel of a graph alone: no variables, and no ops that would save or restore them.

    ``signatures``: key -> names and tensors of the inputs, and of the outputs.
    """
    v1 = import_tensorflow().compat.v1
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.CopyFrom(graph.as_graph_def())
    for key, ports in signatures.items():
        with graph.as_default():
            infos = [
                {
                    name: v1.saved_model.build_tensor_info(graph.get_tensor_by_name(tensor))
                    for name, tensor in each.items()
                }
                for each in ports
            ]
        definition = v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")
        meta.signature_def[key].CopyFrom(definition)
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString(deterministic=True))


def _unfrozen(tf: Any, folder: Path) -> None:
    with tf.Graph().as_default() as graph:
        weight = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[], shared_name="weight", name="weight")
        tf.raw_ops.ReadVariableOp(resource=weight, dtype=tf.int64, name="read")
    _saved(folder / "unfrozen", graph, {"serving_default": ({}, {"y": "read:0"})})


def _small(tf: Any, folder: Path) -> None:
    v1 = tf.compat.v1
    draw = np.random.default_rng(7)

    def convolve(values: Any, size: int, filters: int, name: str) -> Any:
        kernel = draw.normal(0, 0.4, (size, size, int(values.shape[-1]), filters)).astype(np.float32)
        bias = draw.normal(0, 0.4, filters).astype(np.float32)
        return v1.nn.relu(v1.nn.bias_add(v1.nn.conv2d(values, kernel, 1, "SAME"), bias), name=name)

    with tf.Graph().as_default() as graph:
        image = v1.placeholder("float32", [1, 12, 12, 3], "image")
        values = v1.nn.max_pool2d(convolve(image, 3, 8, "conv"), 3, 2, "VALID")
        parts = [convolve(values, size, 8, f"expand{size}") for size in (1, 3)]
        features = v1.reduce_mean(v1.concat(parts, 3), [1, 2], name="features")
        v1.nn.softmax(features, name="scores")
    (folder / "small.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
    image_in = {"image": "image:0"}
    signatures = {
        "classify": (image_in, {"scores": "scores:0"}),
        "describe": (image_in, {"features": "features:0", "scores": "scores:0"}),
    }
    _saved(folder / "small", graph, signatures)


def main(folder: Path) -> None:
    """Write them all into ``folder``, which must exist."""
    tf = import_tensorflow()
    _graphs(tf, folder)
    _unfrozen(tf, folder)
    _small(tf, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
