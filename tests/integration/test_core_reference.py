"""Host TensorFlow runs the original of each kind of model, held against TensorFlow called by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e import core_models
from tests.integration import core_cases
from tfport.core.inputs import core_inputs
from tfport.core.model import CoreModel, read_core_models
from tfport.core.reference import run_reference
from tfport.errors import ConversionFailed, SignatureUnknown
from tfport.host import Host
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow, installed_version

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)


def run(path: Path, kind: str, key: str, folder: Path, **inputs: Any) -> list[Any]:
    done = run_reference(path, kind, key, inputs, folder / "result.npz")
    with np.load(folder / "result.npz") as file:
        assert done == {"tensors": len(file.files)}
        return [file[f"out{k}"] for k in range(len(file.files))]


def test_a_saved_model_runs_as_its_own_functions_do(tmp_path: Path) -> None:
    tf = import_tensorflow()
    path = core_models.text(tmp_path)
    sentences = np.array([b"the cat ran home", b"A slow Dog?"])
    outputs = run(path, "saved_model", "serving_default", tmp_path, sentence=sentences)
    wanted = tf.saved_model.load(str(path)).signatures["serving_default"](sentence=tf.constant(sentences))
    assert len(outputs) == 3
    for name, found in zip(sorted(wanted), outputs):
        want = wanted[name].numpy()
        assert found.tolist() == (want.astype(bytes) if want.dtype == object else want).tolist(), name
    assert outputs[0].tolist() == [b"the cat ran home", b"a slow dog"]


def test_a_keras_model_runs_as_keras_runs_it(tmp_path: Path) -> None:
    tf = import_tensorflow()
    path = core_models.lstm(tmp_path)
    series = np.random.default_rng(5).normal(0, 1, (4, core_models.STEPS, core_models.FEATURES))
    (found,) = run(path, "keras", "serving_default", tmp_path, series=series.astype(np.float32))
    want = tf.keras.models.load_model(path, compile=False)(series.astype(np.float32)).numpy()
    assert found.shape == (4, 3) and np.abs(found - want).max() < 1e-6


def test_inputs_and_outputs_of_a_keras_model_go_by_their_names(tmp_path: Path) -> None:
    tf = import_tensorflow()
    zebra, ape = (tf.keras.Input((2,), name=name) for name in ("zebra", "ape"))
    less = tf.keras.layers.Subtract(name="less")([zebra, ape])
    double = tf.keras.layers.Concatenate(name="double")([ape, ape])
    model = tf.keras.Model([zebra, ape], [less, double])
    values = {"ape": np.float32([[1, 2]]), "zebra": np.float32([[30, 40]])}
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        first, second = run(tmp_path / name, "keras", "serving_default", tmp_path, **values)
        assert (first.tolist(), second.tolist()) == ([[1, 2, 1, 2]], [[29, 38]])


def test_a_keras_model_with_tables_and_with_inputs_by_name_in_a_dictionary(tmp_path: Path) -> None:
    word = np.array([[b"c", b"a"], [b"b", b"x"]])
    back, number = run(core_cases.lookups(tmp_path), "keras", "serving_default", tmp_path, word=word)
    assert number.tolist() == [[3, 1], [2, 0]] and back[0].tolist() == [b"c", b"a"]
    tf = import_tensorflow()
    ports = {name: tf.keras.Input((1,), name=name) for name in ("b", "a")}
    model = tf.keras.Model(ports, ports["b"] - 2 * ports["a"])
    model.save(tmp_path / "m.keras")
    a, b = np.float32([[1]]), np.float32([[10]])
    (found,) = run(tmp_path / "m.keras", "keras", "serving_default", tmp_path, a=a, b=b)
    assert found.tolist() == [[8]]


def test_a_graph_runs_by_the_names_of_its_nodes(tmp_path: Path) -> None:
    path = core_cases.rewritten(tmp_path)
    x = np.float32([3, 1, 4, 2])
    total, values, places = run(path, "graphdef", "serving_default", tmp_path, x=x)
    assert total.tolist() == [7, 3, 9, 5]
    assert (values.tolist(), places.tolist()) == ([4, 3], [2, 0])


def test_a_function_s_variables_keep_nothing_from_run_to_run(tmp_path: Path) -> None:
    path = core_cases.stateful(tmp_path)
    assert [run(path, "saved_model", "count", tmp_path)[0].item() for _ in range(2)] == [42, 42]


@pytest.mark.parametrize(
    ("make", "kind", "known"),
    [
        (core_cases.control, "saved_model", "choose, record, walk"),
        (core_models.lstm, "keras", "serving_default"),
        (core_models.quantised, "graphdef", "serving_default"),
    ],
)
def test_an_unknown_signature_lists_the_known(make: Any, kind: str, known: str, tmp_path: Path) -> None:
    with pytest.raises(SignatureUnknown) as caught:
        run(make(tmp_path), kind, "nothing", tmp_path)
    assert known in caught.value.why and not list(tmp_path.glob("*.npz"))


def test_what_tensorflow_says_of_an_inference_is_told(tmp_path: Path) -> None:
    path = core_cases.graph_def(tmp_path, "m", lambda k: import_tensorflow().gather([1.0, 2.0], k), _index())
    with pytest.raises(ConversionFailed) as caught:
        run(path, "graphdef", "serving_default", tmp_path, k=np.int32([5]))
    assert "indices[0] = 5 is not in [0, 2)" in caught.value.why


def _index() -> Any:
    tf = import_tensorflow()
    return tf.TensorSpec([1], tf.int32, "k")


def test_results_are_kept_by_all_that_they_depend_on(tmp_path: Path) -> None:
    path = core_models.quantised(tmp_path)
    host = Host(tmp_path / "cache", tmp_path / "log")
    (model,) = read_core_models([path], host)
    signature = model.signature()
    inputs = core_inputs(model, signature, {})
    result = host.core_results(model, signature.key, inputs)
    other = host.core_results(model, signature.key, core_inputs(model, signature, {}, seed=1))
    host.work()
    with np.load(result) as first, np.load(other) as second:
        assert first["out0"].shape == second["out0"].shape and (first["out0"] != second["out0"]).any()
    again, log = Host(tmp_path / "cache", tmp_path / "again.log"), tmp_path / "again.log"
    assert again.core_results(model, signature.key, inputs) == result
    again.work()
    assert not log.exists()


def test_the_model_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's process works in another folder than the user."""
    core_models.quantised(tmp_path)
    monkeypatch.chdir(tmp_path)
    (model,) = read_core_models([Path("quantised.pb")], Host(Path("cache").absolute(), tmp_path / "log"))
    assert isinstance(model, CoreModel) and (model.prepared / "saved_model.pb").is_file()
