"""Small graphs and SavedModels for tfport-run on TensorFlow itself; made by host TensorFlow.

Run as a program: ``python core_models.py DIR`` writes them all into DIR, which must exist.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128"


def _graph(tf: Any, make: Callable[[Any], object]) -> Any:
    """The GraphDef of what ``make`` adds to an empty graph."""
    graph = tf.Graph()
    with graph.as_default():
        make(tf.compat.v1)
    return graph.as_graph_def()


def _types(v1: Any) -> None:
    """Every type in and out: numbers are doubled, a bool is negated, a string is said twice."""
    for name in NUMBERS.split():
        x = v1.placeholder(name, [None, 3], f"{name}_in")
        v1.add(x, x, f"{name}_out")
    v1.logical_not(v1.placeholder("bool", [None, 3], "bool_in"), "bool_out")
    text = v1.placeholder("string", [None, 3], "string_in")
    v1.strings.join([text, text], name="string_out")


def _quantised(v1: Any) -> None:
    x = v1.placeholder("quint8", [4], "x")
    v1.quantization.dequantize(x, 0.0, 255.0, name="numbers")
    v1.quantization.quantize(v1.placeholder("float32", [4], "y"), -128.0, 127.0, "qint8", name="bytes")


def _net(v1: Any) -> None:
    """Convolutions, pooling, a matrix product, and results of three types."""
    draw = np.random.default_rng(0).normal
    y = v1.placeholder("float32", [None, 8, 8, 3], "image")
    y = v1.nn.conv2d(y, draw(size=(3, 3, 3, 4)).astype("f"), strides=1, padding="SAME")
    y = v1.nn.relu(v1.nn.bias_add(y, draw(size=4).astype("f")))
    y = v1.nn.depthwise_conv2d_native(y, draw(size=(3, 3, 4, 1)).astype("f"), [1, 2, 2, 1], "VALID")
    y = v1.reshape(v1.transpose(v1.nn.max_pool2d(y, 2, 1, "VALID"), [0, 3, 1, 2]), [-1, 16])
    first, second = v1.split(v1.matmul(y, draw(size=(16, 5)).astype("f")), [2, 3], axis=1)
    y = v1.concat([second, first], 1)
    v1.nn.softmax(y, name="scores")
    v1.as_string(v1.argmax(y, -1), name="text")
    v1.cast(v1.reduce_max(y, -1) * 100, "int32", name="hundredths")


def _shapes(v1: Any) -> None:
    """A rank that nobody knows, two open dimensions that must agree, and an op with two results."""
    free = v1.placeholder("float32", None, "free")
    left, right = (v1.placeholder("float32", [None, None], name) for name in ("left", "right"))
    v1.size(free, name="size")
    v1.matmul(left, right, name="product")
    v1.split(free, 2, axis=0, name="halves")


def _unsupported(v1: Any) -> None:
    x = v1.placeholder("float32", [2], "x")
    v1.raw_ops.NcclAllReduce(input=x, reduction="sum", num_devices=1, shared_name="", name="reduced")


def _graphs(tf: Any, folder: Path) -> None:
    made = {
        "types": _graph(tf, _types),
        "quantised": _graph(tf, _quantised),
        "net": _graph(tf, _net),
        "shapes": _graph(tf, _shapes),
        "no_kernel": _graph(tf, _unsupported),
        "resource": _graph(tf, lambda v1: v1.placeholder("resource", [], "handle")),
        "unknown_op": _graph(tf, _net),
        "gpu": _graph(tf, _net),
        "newer": _graph(tf, _net),
        "constant": _graph(tf, lambda v1: v1.constant([1.0, 2.0], name="weights")),
        "cycle": _graph(tf, lambda v1: v1.nn.relu(v1.nn.relu(v1.placeholder("float32", [2]), "a"), "b")),
    }
    for node in made["unknown_op"].node:
        node.op = {"Softmax": "Hardmax", "MaxPool": "MinPool"}.get(node.op, node.op)
    for node in made["gpu"].node:
        node.device = "/device:GPU:0"
    made["constant"].node[0].attr["dtype"].type = tf.float64.as_datatype_enum
    made["newer"].versions.min_consumer = 99999
    made["cycle"].node[1].input[0] = "b"
    for name, graph in made.items():
        (folder / f"{name}.pb").write_bytes(graph.SerializeToString())


def _net_results(tf: Any, folder: Path) -> None:
    """``net.npz``: two images for the net, and what TensorFlow makes of them."""
    image = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.GraphDef.FromString((folder / "net.pb").read_bytes())
        tf.graph_util.import_graph_def(graph, name="")
        names = ("scores", "text", "hundredths")
        results = session.run([f"{name}:0" for name in names], {"image:0": image})
    texts = results[1].astype("S")
    np.savez(folder / "net.npz", image=image, scores=results[0], text=texts, hundredths=results[2])


def _several(tf: Any, folder: Path) -> None:
    """Variables that stay, a table with an asset, and signatures of several kinds."""
    words = folder / "words.txt"
    words.write_text("null\neins\nzwei\ndrei\n")

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.weights = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))
            self.calls = tf.Variable(0, dtype=tf.int64)
            whole, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
            table = tf.lookup.TextFileInitializer(str(words), tf.string, whole, tf.int64, line)
            self.table = tf.lookup.StaticHashTable(table, -1)

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "image")])  # type: ignore[misc]
        def classify(self, image: Any) -> Any:
            scores = image @ self.weights
            return {"scores": scores, "top": tf.argmax(scores, -1)}

        @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "words")])  # type: ignore[misc]
        def look_up(self, words: Any) -> Any:
            return {"ids": self.table.lookup(words), "upper": tf.strings.upper(words)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.int64, "step")])  # type: ignore[misc]
        def count(self, step: Any) -> Any:
            """The sum of all steps so far, and the first power of 2 that is not below it."""
            total = self.calls.assign_add(step)
            (power,) = tf.while_loop(lambda p: p < total, lambda p: (p * 2,), [tf.constant(1, tf.int64)])
            return {"total": tf.identity(total), "power": power}

    module = Module()
    every = {"serving_default": module.classify, "look_up": module.look_up, "count": module.count}
    tf.saved_model.save(module, str(folder / "several"), signatures=every)
    two = {key: every[key] for key in ("look_up", "count")}
    tf.saved_model.save(module, str(folder / "no_default"), signatures=two)
    tf.saved_model.save(module, str(folder / "only_one"), signatures={"count": module.count})
    words.unlink()


def _assertion(tf: Any, folder: Path) -> None:
    """``assertion``: the call that fills the table no longer says that it returns something.

    TensorFlow finds that out only while it runs the call, by an assertion.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(folder / "several", folder / "assertion")
    path = folder / "assertion" / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    nodes = saved.meta_graphs[0].graph_def.node
    used = {source.split(":")[0] for node in nodes for source in node.input}
    for node in nodes:
        if node.op == "StatefulPartitionedCall" and node.name not in used:
            del node.attr["Tout"].list.type[:]
    path.write_bytes(saved.SerializeToString())


def _old(tf: Any, folder: Path) -> None:
    """SavedModels in the way of TensorFlow 1: constants only, an odd tag, sparse input, bad names."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder("float32", [None, 2], "x")
        y = v1.multiply(x, 3.0, "y")
        sparse = v1.sparse_placeholder("float32", [2, 2], "sparse")
        dense = v1.sparse.to_dense(sparse, name="dense")

        def save(name: str, tags: list[str], inputs: dict[str, Any], outputs: dict[str, Any]) -> Any:
            signature = v1.saved_model.build_signature_def(
                {key: v1.saved_model.build_tensor_info(value) for key, value in inputs.items()},
                {key: v1.saved_model.build_tensor_info(value) for key, value in outputs.items()},
            )
            builder = v1.saved_model.Builder(str(folder / name))
            builder.add_meta_graph_and_variables(session, tags, {"serving_default": signature})
            builder.save()

        save("constants", ["serve"], {"in": x}, {"out": y})
        save("tags", ["serve", "tpu"], {"in": x}, {"out": y})
        save("sparse", ["serve"], {"in": sparse}, {"out": dense})
        save("dangling", ["serve"], {"in": x}, {"out": y})
    # The same length, so that the file stays well-formed.
    path = folder / "dangling" / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"\n\x03y:0", b"\n\x03q:0"))


def main(folder: Path) -> None:
    """Write the models into ``folder``."""
    import tensorflow as tf

    _graphs(tf, folder)
    _net_results(tf, folder)
    _several(tf, folder)
    _assertion(tf, folder)
    _old(tf, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
