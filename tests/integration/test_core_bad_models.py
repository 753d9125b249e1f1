"""Models that cannot be prepared: each refused with an error of ours that names what is wrong."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e import core_models
from tests.integration import core_cases
from tfport.core.model import read_core_models
from tfport.core.prepare import prepare
from tfport.core.recognise import recognise
from tfport.errors import (
    ConversionFailed,
    ModelBroken,
    ModelIncomplete,
    ModelRefused,
    ModelTooNew,
    SignatureUnknown,
    TfportError,
)
from tfport.host import Host
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow, installed_version
from tfport.target import ROOT

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)


def refused(path: Path, error: type[TfportError]) -> str:
    """All that is said about a model, which must be refused with ``error`` and leave nothing behind."""
    result = path.parent / "prepared" / "facts.json"
    with pytest.raises(error) as caught:
        prepare(path, recognise(path), result)
    assert type(caught.value) is error and path.name in caught.value.what
    assert not list(path.parent.glob("*prepared*"))
    return f"{caught.value.what}\n{caught.value.why}\n{caught.value.hint}"


def edited(folder: Path, edit: Callable[[Any], None]) -> Path:
    """A small GraphDef, changed."""
    tf = import_tensorflow()
    path = core_cases.graph_def(folder, "m", lambda x: tf.nn.relu(x) + 1.0, tf.TensorSpec([2], name="x"))
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    edit(graph)
    path.write_bytes(graph.SerializeToString())
    return path


def test_a_graph_for_a_later_tensorflow(tmp_path: Path) -> None:
    said = refused(
        edited(tmp_path, lambda graph: setattr(graph.versions, "min_consumer", 99999)), ModelTooNew
    )
    assert "asks for graph version 99999" in said


@pytest.mark.parametrize(("producer", "words"), [(99999, "older one"), (1000, "extension")])
def test_unknown_ops_are_named_with_their_nodes(producer: int, words: str, tmp_path: Path) -> None:
    def edit(graph: Any) -> None:
        graph.versions.producer = producer
        graph.node.add(name="new", op="FutureConv", input=["x"])
        graph.node.add(name="newer", op="FutureConv", input=["x"])
        function = graph.library.function.add()
        function.signature.name = "body"
        function.node_def.add(name="inner", op="FutureNorm")

    said = refused(edited(tmp_path, edit), ModelTooNew)
    assert "has 2 op(s)" in said and "FutureConv (node new)" in said and "FutureNorm (node inner)" in said
    assert words in said


def test_a_graph_that_contradicts_itself_is_told(tmp_path: Path) -> None:
    def missing(graph: Any) -> None:
        del next(node for node in graph.node if node.op == "Relu").attr["T"]

    def source(graph: Any) -> None:
        next(node for node in graph.node if node.op == "Relu").input[0] = "nowhere"

    def twice(graph: Any) -> None:
        graph.node.add().CopyFrom(graph.node[0])

    assert "'T'" in refused(edited(tmp_path, missing), ModelBroken)
    assert "nowhere" in refused(edited(tmp_path, source), ModelBroken)
    assert refused(edited(tmp_path, twice), ModelBroken)


def test_ops_without_a_kernel_for_a_cpu_are_named_with_node_and_types(tmp_path: Path) -> None:
    tf = import_tensorflow()

    def build() -> None:
        x = tf.compat.v1.placeholder(tf.float16, [4], "x")
        tf.raw_ops.NcclAllReduce(input=x, reduction="min", num_devices=1, shared_name="", name="nccl")
        pieces = tf.compat.v1.placeholder(tf.float32, [4, 2, 3], "pieces")
        state = tf.zeros([1, 2, 5])
        tf.raw_ops.CudnnRNN(input=pieces, input_h=state, input_c=state, params=tf.zeros([500]), name="cudnn")

    said = refused(core_cases.raw_graph(tmp_path, "m", build), ModelRefused)
    assert "needs 2 kernel(s)" in said
    assert "NcclAllReduce<T=float16>: node nccl" in said and "CudnnRNN<T=float32>: node cudnn" in said


def test_an_op_without_a_kernel_in_a_saved_model_is_named_too(tmp_path: Path) -> None:
    tf = import_tensorflow()
    reduce = tf.raw_ops.NcclAllReduce
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.run = tf.function(
        lambda x: reduce(
            input=x * module.weight, reduction="min", num_devices=1, shared_name="", name="nccl"
        ),
        input_signature=[tf.TensorSpec([2], name="x")],
    )
    tf.saved_model.save(module, str(tmp_path / "m"))
    assert "NcclAllReduce<T=float32>: node " in refused(tmp_path / "m", ModelRefused)


def test_kernels_of_onednn_alone_do_not_count(tmp_path: Path) -> None:
    """The host's TensorFlow names a kernel for them, which is one that only fails."""
    tf = import_tensorflow()

    def build() -> None:
        x = tf.compat.v1.placeholder(tf.quint8, [1, 4, 4, 1], "x")
        tf.raw_ops.QuantizedConv2DWithBias(
            input=x,
            filter=tf.zeros([1, 1, 1, 1], tf.qint8),
            bias=tf.zeros([1]),
            min_input=0.0,
            max_input=1.0,
            min_filter=0.0,
            max_filter=1.0,
            strides=[1] * 4,
            padding="SAME",
            name="quick",
        )

    assert "QuantizedConv2DWithBias" in refused(core_cases.raw_graph(tmp_path, "m", build), ModelRefused)


def test_a_graph_that_is_not_frozen(tmp_path: Path) -> None:
    v1 = import_tensorflow().compat.v1

    def build() -> None:
        v1.identity(v1.get_variable("weight", [3], use_resource=True), "y")

    said = refused(core_cases.raw_graph(tmp_path, "m", build), ModelIncomplete)
    assert "not frozen" in said and "VarHandleOp weight" in said


def test_a_graph_that_reads_a_file_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    tf = import_tensorflow()
    (tmp_path / "words.txt").write_text("a\nb\n")

    def build() -> None:
        entries = tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, -2, tf.int64, -1)
        tf.lookup.StaticHashTable(entries, 0).lookup(tf.compat.v1.placeholder(tf.string, [1], "x"))

    assert "InitializeTableFromTextFileV2" in refused(
        core_cases.raw_graph(tmp_path, "m", build), ModelIncomplete
    )


def test_a_graph_without_outputs(tmp_path: Path) -> None:
    v1 = import_tensorflow().compat.v1
    path = core_cases.raw_graph(tmp_path, "m", lambda: v1.placeholder(v1.float32, [1], "x"))
    assert "no output" in refused(path, SignatureUnknown)


def saved_model(folder: Path, signature: bool) -> Path:
    """Of two functions TensorFlow exports neither by itself."""
    tf = import_tensorflow()
    module = tf.Module()
    module.weight = tf.Variable(np.ones(50, dtype=np.float32))
    module.run = tf.function(lambda x: x * module.weight, input_signature=[tf.TensorSpec([50], name="x")])
    if not signature:
        module.other = tf.function(module.run.python_function, input_signature=module.run.input_signature)
    tf.saved_model.save(module, str(folder / "m"))
    return folder / "m"


def test_a_saved_model_without_signatures(tmp_path: Path) -> None:
    assert "signatures={'serving_default'" in refused(saved_model(tmp_path, False), SignatureUnknown)


def test_a_saved_model_that_is_not_for_serving(tmp_path: Path) -> None:
    v1 = import_tensorflow().compat.v1
    builder = v1.saved_model.Builder(str(tmp_path / "m"))
    for tags in (["train"], ["eval", "gpu"]):
        with v1.Graph().as_default(), v1.Session() as session:
            v1.placeholder(v1.float32, [1], "x")
            if tags == ["train"]:
                v1.get_variable("v", [1], use_resource=True)
                session.run(v1.global_variables_initializer())
                builder.add_meta_graph_and_variables(session, tags)
            else:
                v1.get_variable("v", [1], use_resource=True)
                builder.add_meta_graph(tags)
    builder.save()
    assert "train; eval, gpu" in refused(tmp_path / "m", SignatureUnknown)


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
def test_a_saved_model_with_variables_cut_short(name: str, tmp_path: Path) -> None:
    path = saved_model(tmp_path, True)
    file = path / "variables" / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert "is broken" in refused(path, ModelBroken)


def keras(path: Path, layer: Any) -> Path:
    tf = import_tensorflow()
    x = tf.keras.Input((3,), name="x")
    tf.keras.Model(x, layer(x)).save(path)
    return path


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_code_in_a_keras_model_is_not_run(name: str, tmp_path: Path) -> None:
    tf = import_tensorflow()
    path = keras(tmp_path / name, tf.keras.layers.Lambda(lambda x: x * 2))
    assert "ambda" in refused(path, ConversionFailed)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_layers_of_the_user_are_not_known(name: str, tmp_path: Path) -> None:
    tf = import_tensorflow()

    class OwnLayer(tf.keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    said = refused(keras(tmp_path / name, OwnLayer()), ConversionFailed)
    assert "OwnLayer" in said and "SavedModel" in said


def test_keras_files_cut_short(tmp_path: Path) -> None:
    tf = import_tensorflow()
    for name in ("m.h5", "m.keras"):
        path = keras(tmp_path / name, tf.keras.layers.Dense(400))
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - 600])
        with pytest.raises(ModelBroken):
            prepare(path, recognise(path), tmp_path / "prepared" / "facts.json")
    path = keras(tmp_path / "other.keras", tf.keras.layers.Dense(400))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(bytes(data))
    assert "cannot be loaded by Keras" in refused(path, ConversionFailed)


def test_a_keras_model_may_have_any_name(tmp_path: Path) -> None:
    tf = import_tensorflow()
    path = keras(tmp_path / "m.keras", tf.keras.layers.Dense(2)).rename(tmp_path / "network.zip")
    prepare(path, recognise(path), tmp_path / "prepared" / "facts.json")
    assert (tmp_path / "prepared" / "facts.json").is_file()


def test_the_error_of_the_host_s_process_arrives_whole(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda graph: graph.node.add(name="new", op="FutureConv", input=["x"]))
    host = Host(tmp_path / "cache", tmp_path / "log")
    with pytest.raises(ModelTooNew) as caught:
        read_core_models([path], host)
    assert caught.value.why == "FutureConv (node new)" and caught.value.hint
    assert not list((tmp_path / "cache").glob("*"))


def mutated(count: int, folder: Path) -> collections.Counter[str]:
    """How ``count`` corrupted copies of three models ended."""
    made = (core_models.quantised, core_cases.norms, core_cases.rewritten)
    models = [str(make(folder)) for make in made]
    (folder / "mutants").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.prepare_mutants", folder / "mutants", str(count), *models],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ends = collections.Counter(json.loads(line) for line in done.stdout.splitlines())
    assert sum(ends.values()) == count
    return ends


def test_corrupted_graphs_end_with_an_error_of_ours(tmp_path: Path) -> None:
    ends = mutated(120, tmp_path)
    assert ends["ModelBroken"] > 60 and ends[""] > 3


@pytest.mark.full
def test_many_corrupted_graphs_end_with_an_error_of_ours(tmp_path: Path) -> None:
    assert mutated(1500, tmp_path)["ModelBroken"] > 700
