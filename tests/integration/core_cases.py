"""Models that are awkward to prepare, made by host TensorFlow; each function returns its model's path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.e2e.core_models import frozen
from tfport.reference import import_tensorflow


def _constant(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def graph_def(folder: Path, name: str, function: Callable[..., Any], *specs: Any) -> Path:
    """A frozen GraphDef of a function."""
    tf = import_tensorflow()
    path = folder / f"{name}.pb"
    path.write_bytes(frozen(tf.function(function, input_signature=specs).get_concrete_function()))
    return path


def raw_graph(folder: Path, name: str, build: Callable[[], Any]) -> Path:
    """A GraphDef as it is built, by functions of TF1."""
    tf = import_tensorflow()
    with tf.Graph().as_default() as graph:
        build()
    path = folder / f"{name}.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def norms(folder: Path) -> Path:
    """Batch norms behind convolutions: one to fold, and four that folding would make wrong."""
    tf = import_tensorflow()
    kernel = tf.constant(_constant(1, 3, 3, 2, 4))
    scale, offset, mean = (_constant(seed, 4) for seed in (2, 3, 4))
    variance = np.abs(_constant(5, 4)) + 0.5

    def norm(values: Any, training: bool = False) -> Any:
        statistics = ([], []) if training else (mean, variance)
        return tf.compat.v1.nn.fused_batch_norm(values, scale, offset, *statistics, is_training=training)[0]

    def run(image: Any) -> Any:
        alone = norm(tf.nn.conv2d(image, tf.constant(_constant(6, 3, 3, 2, 4)), 1, "SAME"))
        biased = norm(tf.nn.bias_add(tf.nn.conv2d(image, _constant(7, 1, 1, 2, 4), 1, "SAME"), scale))
        shaped = norm(tf.nn.conv2d(image, _constant(8, 1, 1, 2, 4), 1, "SAME") + mean.reshape(1, 1, 1, 4))
        shared = tf.nn.conv2d(image, kernel, 1, "SAME")  # its result is used twice, its weights three times
        again = norm(tf.nn.conv2d(tf.nn.relu(image), kernel, 1, "SAME"))
        trained = norm(tf.nn.conv2d(image, _constant(9, 1, 1, 2, 4), 1, "SAME"), training=True)
        return alone + biased + shaped + norm(shared) + tf.nn.relu(shared) + again + trained

    return graph_def(folder, "norms", run, tf.TensorSpec([1, 5, 5, 2], tf.float32, "image"))


def stateful(folder: Path) -> Path:
    """A SavedModel that counts its calls, with a table that was filled before it was saved."""
    tf = import_tensorflow()

    class Counter(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.calls = tf.Variable(40, dtype=tf.int64)
            self.step = tf.Variable(2, dtype=tf.int64)
            self.ages = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
            self.ages.insert(tf.constant(["ann", "bob", "cy"]), tf.constant([31, 42, 53], tf.int64))

        @tf.function(input_signature=[])  # type: ignore[misc]
        def count(self) -> Any:
            return {"calls": self.calls.assign_add(self.step)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "name")])  # type: ignore[misc]
        def age(self, name: Any) -> Any:
            return {"age": self.ages.lookup(name)}

    module, path = Counter(), folder / "stateful"
    tf.saved_model.save(module, str(path), signatures={"count": module.count, "age": module.age})
    return path


def control(folder: Path) -> Path:
    """Loops and branches around variables: gathered in a loop, read in a branch, written in a branch."""
    tf = import_tensorflow()

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows = tf.Variable(_constant(1, 6, 3))
            self.weight = tf.Variable(_constant(2, 3))
            self.largest = tf.Variable(0.5)

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, "n")])  # type: ignore[misc]
        def walk(self, n: Any) -> Any:
            total = tf.zeros([3])
            for k in tf.range(n):
                total += tf.gather(self.rows, k % 6) * self.weight
            return {"total": total, "n": n}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "x")])  # type: ignore[misc]
        def choose(self, x: Any) -> Any:
            branch = tf.switch_case(tf.cast(x, tf.int32), [lambda: x, lambda: x * 2, lambda: -x])
            return {"y": branch + (tf.reduce_sum(self.weight) if x > 0.0 else x)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "x")])  # type: ignore[misc]
        def record(self, x: Any) -> Any:
            if x > self.largest:
                self.largest.assign(x)
            return {"largest": self.largest.read_value(), "scaled": x * self.weight}

    module, path = Module(), folder / "control"
    signatures = {"walk": module.walk, "choose": module.choose, "record": module.record}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def first_version(folder: Path) -> Path:
    """A SavedModel of TF1: reference and resource variables, a table, Switch and Merge, a sparse input."""
    tf = import_tensorflow()
    v1 = tf.compat.v1
    path = folder / "first_version"
    config = v1.ConfigProto(graph_options=v1.GraphOptions(place_pruned_graph=True))
    with tf.Graph().as_default(), v1.Session(config=config) as session:
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 3], "x")
        unused = v1.placeholder(tf.float32, [], "unused")
        sparse = v1.sparse_placeholder(tf.float32, [2, 3], "sparse")
        word = v1.placeholder(tf.string, [None], "word")
        old = v1.get_variable("old", initializer=_constant(1, 3, 2), use_resource=False)
        new = v1.get_variable("new", initializer=_constant(2, 2), use_resource=True)
        y = tf.matmul(x, old) + new
        # Fed by a signature of its own, so what computes it is not needed; it has no kernel for a CPU.
        inner = tf.raw_ops.NcclAllReduce(input=x, reduction="min", num_devices=1, shared_name="", name="nccl")
        y = v1.cond(tf.reduce_sum(x) > 0, lambda: y * new, lambda: y - 1.0)
        entries = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
        number = tf.lookup.StaticHashTable(entries, 0).lookup(word)
        dense = tf.sparse.to_dense(sparse) + 1.0
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(path))

        def signature(inputs: Any, outputs: Any) -> Any:
            infos = [
                {name: v1.saved_model.build_tensor_info(tensor) for name, tensor in ports.items()}
                for ports in (inputs, outputs)
            ]
            return v1.saved_model.build_signature_def(*infos, "tensorflow/serving/predict")

        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": signature({"x": x, "unused": unused}, {"y": y, "same": y, "x": x}),
                "word": signature({"word": word}, {"number": number}),
                "inner": signature({"inner": inner}, {"double": inner * 2.0}),
                "sparse": signature({"matrix": sparse}, {"dense": dense}),
            },
            main_op=v1.tables_initializer(),
        )
        builder.save()
        v1.enable_control_flow_v2()
    return path


def lookups(folder: Path) -> Path:
    """A .keras model whose tables are filled from its layers' vocabularies."""
    tf = import_tensorflow()
    layers = tf.keras.layers
    word = tf.keras.Input((2,), dtype=tf.string, name="word")
    number = layers.StringLookup(vocabulary=["a", "b", "c"], name="number")(word)
    back = layers.StringLookup(vocabulary=["a", "b", "c"], invert=True, name="back")(number)
    path = folder / "lookups.keras"
    tf.keras.Model(word, [number, back]).save(path)
    return path


def tables(folder: Path) -> Path:
    """A GraphDef with two tables that are filled from constants, by nodes that nothing asks for."""
    tf = import_tensorflow()

    def build() -> None:
        word = tf.compat.v1.placeholder(tf.string, [None], "word")
        for name, number in (("first", 1), ("second", 2)):
            entries = tf.lookup.KeyValueTensorInitializer(["a"], tf.constant([number], tf.int64))
            table = tf.lookup.StaticHashTable(entries, 0)
            tf.identity(table.lookup(word), name)

    return raw_graph(folder, "tables", build)


def rewritten(folder: Path) -> Path:
    """A GraphDef with ops that the runtime writes anew, and with a sink of two outputs."""
    tf = import_tensorflow()

    def build() -> None:
        x = tf.compat.v1.placeholder(tf.float32, [4], "x")
        tf.raw_ops.AccumulateNV2(inputs=[x, x + 1.0], shape=[4], name="sum")
        tf.raw_ops.TopKV2(input=x, k=2, name="top")

    return raw_graph(folder, "rewritten", build)
