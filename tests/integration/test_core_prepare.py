"""Models of every kind prepared by host TensorFlow, run through its C API, and held against the original."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e import core_models
from tests.integration import core_cases
from tests.integration.c_session import CSession
from tfport.core.graphs import all_nodes
from tfport.core.inputs import core_inputs
from tfport.core.model import CoreModel, read_core_models
from tfport.core.selection import canonical, parse
from tfport.host import Host
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow, installed_version

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)
MAKERS = {
    "quantised": core_models.quantised,
    "text": core_models.text,
    "lstm": core_models.lstm,
    "norms": core_cases.norms,
    "stateful": core_cases.stateful,
    "control": core_cases.control,
    "first_version": core_cases.first_version,
    "rewritten": core_cases.rewritten,
    "tables": core_cases.tables,
    "lookups": core_cases.lookups,
}
Results = dict[str, dict[str, tuple[Any, Any]]]
FLOAT = np.float32
RISING = np.array([[1, 2, 3], [4, 5, 6]], dtype=FLOAT)
SPARSE = {
    "matrix/indices": np.array([[0, 1], [1, 2]]),
    "matrix/values": np.array([5, 6], dtype=FLOAT),
    "matrix/dense_shape": np.array([2, 3]),
}
SERIES = np.random.default_rng(1).normal(0, 1, (5, core_models.STEPS, core_models.FEATURES)).astype(FLOAT)
# Model, signature, inputs; without inputs the seeded ones.
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "quantised": ("quantised", "serving_default", {}),
    "text": ("text", "serving_default", {}),
    "sentences": (
        "text",
        "serving_default",
        {"sentence": np.array([b"The cat, SAT!", b"home home", b""])},
    ),
    "capitals": ("text", "look_up", {"key": np.array([b"Peru", b"Mars"])}),
    "lstm": ("lstm", "serving_default", {}),
    "series": ("lstm", "serving_default", {"series": SERIES}),
    "norms": ("norms", "serving_default", {}),
    "rewritten": ("rewritten", "serving_default", {}),
    "ages": ("stateful", "age", {"name": np.array([b"bob", b"dan", b"ann"])}),
    "walk 0": ("control", "walk", {"n": np.array(0, dtype=np.int32)}),
    "walk 9": ("control", "walk", {"n": np.array(9, dtype=np.int32)}),
    "choose 0": ("control", "choose", {}),
    "choose 1": ("control", "choose", {"x": np.array(1, dtype=FLOAT)}),
    "choose 2": ("control", "choose", {"x": np.array(2, dtype=FLOAT)}),
    "record": ("control", "record", {"x": np.array(2, dtype=FLOAT)}),
    "first": ("first_version", "serving_default", {"x": RISING, "unused": np.array(0, dtype=FLOAT)}),
    "first, else": ("first_version", "serving_default", {"x": -RISING, "unused": np.array(0, dtype=FLOAT)}),
    "word": ("first_version", "word", {"word": np.array([b"b", b"c"])}),
    "inner": ("first_version", "inner", {"inner": RISING}),
    "tables": ("tables", "serving_default", {"word": np.array([b"a", b"b"])}),
    "lookups": ("lookups", "serving_default", {"word": np.array([[b"c", b"a"], [b"b", b"x"]])}),
    "sparse": ("first_version", "sparse", SPARSE),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    folder = tmp_path_factory.mktemp("host")
    return Host(folder, folder / "tensorflow.log")


@pytest.fixture(scope="module")
def models(host: Host, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CoreModel]:
    folder = tmp_path_factory.mktemp("models")
    paths = {name: make(folder) for name, make in MAKERS.items()}
    return dict(zip(paths, read_core_models(list(paths.values()), host)))


def graph_of(model: CoreModel) -> Any:
    """The prepared GraphDef."""
    import_tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((model.prepared / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0].graph_def


def ops(model: CoreModel) -> Counter[str]:
    return Counter(node.op for node in all_nodes(graph_of(model)))


@pytest.fixture(scope="module")
def results(models: dict[str, CoreModel], host: Host) -> Results:
    """Of every case the outputs by name: of the prepared model in C, and of the original in Python."""
    inputs = {
        case: given or core_inputs(models[name], models[name].signature(key), {})
        for case, (name, key, given) in CASES.items()
    }
    files = {
        case: host.core_results(models[name], key, inputs[case]) for case, (name, key, _) in CASES.items()
    }
    host.work()
    found: Results = {}
    for case, (name, key, _) in CASES.items():
        signature = models[name].signature(key)
        fed = {port.tensor: inputs[case][port.name] for port in signature.inputs}
        values = CSession(models[name].prepared).run(fed, [port.tensor for port in signature.outputs])
        with np.load(files[case]) as wanted:
            assert len(wanted.files) == len(values)
            found[case] = {
                port.name: (value, wanted[f"out{k}"])
                for k, (port, value) in enumerate(zip(signature.outputs, values))
            }
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_prepared_model_gives_what_the_original_gives(case: str, results: Results) -> None:
    assert results[case]
    for name, (found, want) in results[case].items():
        assert (found.dtype.kind, found.shape) == (want.dtype.kind, want.shape), name
        if found.dtype.kind == "f":
            assert np.isfinite(want).all()
            limit = 1e-4 * max(1.0, float(np.abs(want).max(initial=0.0)))
            assert np.abs(found - want).max(initial=0.0) <= limit, name
        else:
            assert found.tolist() == want.tolist(), name


def test_the_results_are_right_in_themselves(results: Results, models: dict[str, CoreModel]) -> None:
    """Of models whose answers one can write down."""

    def values(case: str, name: str) -> Any:
        return results[case][name][0].tolist()

    assert values("sentences", "clean") == [b"the cat sat", b"home home", b""]
    assert values("sentences", "ids")[0] == [2, 3, 4, 0, 0, 0]
    assert values("capitals", "value") == [b"lima", b"nowhere"]
    assert values("ages", "age") == [42, -1, 31]
    assert values("word", "number") == [2, 0]
    assert (values("tables", "first"), values("tables", "second")) == ([1, 0], [2, 0])
    assert values("lookups", "number") == [[3, 1], [2, 0]]
    assert values("lookups", "back") == [[b"c", b"a"], [b"b", b"[UNK]"]]
    assert values("inner", "double") == (RISING * 2).tolist()
    assert values("sparse", "dense") == [[1, 6, 1], [1, 1, 7]]
    assert values("first", "same") == values("first", "y") and values("first", "x") == RISING.tolist()
    assert results["series"]["result"][0].shape == (5, 3)
    assert (models["text"].prepared / "assets" / "capitals.txt").is_file()


def test_loops_stay_functions_that_are_lowered(models: dict[str, CoreModel]) -> None:
    graph = graph_of(models["lstm"])
    loops = [node for node in graph.node if node.op == "StatelessWhile"]
    assert len(loops) == 3 and all(node.attr["_lower_using_switch_merge"].b for node in loops)
    names = {op for op, _ in models["lstm"].kernels}
    assert {"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch", "StatelessWhile"} <= names
    assert "_SwitchN" not in names and "_SwitchN" in {op for op, _ in models["control"].kernels}
    assert not {"Enter", "Switch"} & {op for op, _ in models["norms"].kernels}


def test_calls_variables_and_passed_on_values_are_gone(models: dict[str, CoreModel]) -> None:
    for name in ("quantised", "lstm", "norms"):
        found = ops(models[name])
        gone = {"PartitionedCall", "StatefulPartitionedCall", "ReadVariableOp", "VarHandleOp", "Identity"}
        assert not gone & set(found), name
        assert not [op for op in found if op.startswith("_")], name


def test_batch_norms_are_folded_only_where_nothing_else_changes(models: dict[str, CoreModel]) -> None:
    # Of the six: alone, biased and again can be folded.
    assert ops(models["norms"])["FusedBatchNormV3"] == 3
    assert ops(models["norms"])["Conv2D"] == 6


def test_a_variable_that_is_written_keeps_its_value_between_calls(models: dict[str, CoreModel]) -> None:
    model = models["stateful"]
    session = CSession(model.prepared)
    (port,) = model.signature("count").outputs
    assert [session.run({}, [port.tensor])[0].item() for _ in range(3)] == [42, 44, 46]
    assert ops(model)["VarHandleOp"] == 1, "the step is only read"
    again = CSession(models["control"].prepared)
    signature = models["control"].signature("record")
    for x, largest in ((0.25, 0.5), (3.0, 3.0), (1.0, 3.0)):
        fed = {signature.inputs[0].tensor: np.float32(x)}
        assert again.run(fed, [signature.outputs[0].tensor])[0].item() == largest


def test_variables_are_frozen_wherever_they_are_only_read(models: dict[str, CoreModel]) -> None:
    found = ops(models["control"])
    assert found["VarHandleOp"] == 1 and found["ResourceGather"] == 0
    assert not {"Variable", "VariableV2", "VarHandleOp", "Assign"} & set(ops(models["first_version"]))


def test_names_of_the_user_are_kept(models: dict[str, CoreModel]) -> None:
    text = models["text"].signature()
    assert [port.name for port in text.inputs] == ["sentence"]
    assert [(port.name, port.dtype, port.shape) for port in text.outputs] == [
        ("clean", "string", (-1,)),
        ("ids", "int64", (-1, 6)),
        ("score", "float32", (-1, 1)),
    ]
    assert [signature.key for signature in models["control"].signatures] == ["choose", "record", "walk"]
    lstm = models["lstm"].signature()
    assert [port.name for port in (*lstm.inputs, *lstm.outputs)] == ["series", "result"]
    bare = models["rewritten"].signature()
    assert [port.name for port in (*bare.inputs, *bare.outputs)] == ["x", "sum", "top:0", "top:1"]


def test_the_kernels_are_those_of_the_registry(models: dict[str, CoreModel]) -> None:
    norms = models["norms"]
    assert ("Conv2D", "Conv2DOp<CPUDevice, float>") in norms.kernels
    assert {("_Arg", "ArgOp"), ("_Retval", "RetvalOp"), ("NoOp", "NoOp")} <= set(norms.kernels)
    assert {("AccumulateNV2", ""), ("AddN", "AddNOp<CPUDevice, float>")} <= set(models["rewritten"].kernels)
    assert models["rewritten"].nodes_of["AccumulateNV2"] == "sum"
    quantised = dict(models["quantised"].kernels)
    assert quantised["QuantizedConv2D"] == "QuantizedConv2DOp<quint8, quint8, qint32, Im2ColConvFunctor>"
    for model in models.values():
        assert list(parse(canonical(model.kernels))) == sorted(set(model.kernels))
        assert set(ops(model)) <= {op for op, _ in model.kernels}
    # Of a bare graph the nodes given count too: the program on the board may be given the file itself.
    assert "FusedBatchNormV3" in {op for op, _ in norms.kernels}


def test_a_second_time_gives_the_same_bytes_and_starts_nothing_when_cached(
    models: dict[str, CoreModel], host: Host, tmp_path: Path
) -> None:
    paths = [models[name].path for name in ("lstm", "lookups", "text", "control", "norms", "first_version")]
    log = tmp_path / "log"
    assert read_core_models(paths, Host(host.folder, log)) and not log.exists()
    # In another order, after other work in the process.
    for model in read_core_models(paths[::-1], Host(tmp_path / "cache", tmp_path / "other.log")):
        (first,) = [each for each in models.values() if each.path == model.path]
        for file in ("model/saved_model.pb", "facts.json"):
            ours, theirs = (each.prepared.parent / file for each in (first, model))
            assert ours.read_bytes() == theirs.read_bytes(), f"{model.path.name}: {file}"
