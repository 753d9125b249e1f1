"""Tiny Keras models and SavedModels made int8 by host TensorFlow, and models that do not become it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfport.acl.generate import compile_model
from tfport.errors import CalibrationInvalid, NotQuantisable, SignatureUnknown, TfportError
from tfport.host import Host
from tfport.model import LiteModel, read_tflite
from tfport.quantise.accuracy import slots_of
from tfport.quantise.convert import FLOAT, INT8, SAMPLE, make_int8
from tfport.quantise.plan import Quantised, Wish, form_of, quantised
from tfport.quantise.samples import AUTO
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow, installed_version

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)
SIDE = 12
Layer = Callable[[Any], Any]


def network(middle: Layer = lambda values: values, start: Layer = lambda values: values) -> Any:
    """Four classes of pictures; ``start`` stands before the convolution and ``middle`` behind it."""
    keras = import_tensorflow().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    image = keras.layers.Input((SIDE, SIDE, 3), name="image")
    values = middle(keras.layers.Conv2D(8, 3, activation="relu")(start(image)))
    values = keras.layers.GlobalAveragePooling2D()(values)
    return keras.Model(image, keras.layers.Dense(4, activation="softmax", name="classes")(values))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six noisy pictures, each of its own colour."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(5)
    for number in range(6):
        colour = np.array([40 * number, 255 - 40 * number, 128])
        pixels = np.clip(colour + noise.normal(0, 30, (20, 30, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def made(path: Path, folder: Path, result: Path, scaling: str = AUTO) -> dict[str, Any]:
    """The facts of the int8 model that is now in ``result``."""
    heard: list[str] = []
    files, facts = sorted(folder.iterdir()), result / "facts.json"
    make_int8(path, "net", form_of(path), files, scaling, facts, lambda done, of, what: heard.append(what))
    assert heard[0] == "reading the model" and heard[-1] == f"calibrating with {files[-1].name}"
    found: dict[str, Any] = json.loads(facts.read_text())
    return found


def int8_of(result: Path) -> LiteModel:
    return read_tflite(result / INT8 / "net-int8.tflite")


def refused(path: Path, folder: Path, result: Path, error: type[TfportError] = NotQuantisable) -> str:
    """All that is said about a model, which must be refused and leave nothing behind."""
    with pytest.raises(error) as caught:
        made(path, folder, result)
    assert not result.exists() and not result.with_name(f".{result.name}.part").exists()
    return f"{caught.value.what}\n{caught.value.why}\n{caught.value.hint}"


def test_a_keras_model_becomes_int8_from_end_to_end(tmp_path: Path, pictures: Path) -> None:
    network().save(tmp_path / "my.keras")
    facts = made(tmp_path / "my.keras", pictures, tmp_path / "result")
    lite, plain = int8_of(tmp_path / "result"), read_tflite(tmp_path / "result" / FLOAT / "net.tflite")
    assert [t.dtype for t in (*lite.inputs, *lite.outputs, *plain.inputs)] == ["int8", "int8", "float32"]
    assert lite.inputs[0].signature == (1, SIDE, SIDE, 3), "an open batch is one on a device"
    assert "qasymm8_signed" in compile_model(lite.path).program.data_types, "--runtime acl takes it too"
    assert [slot.name for slot in slots_of(lite.path)] == ["image"]
    assert facts["scaling"] == "rgb-unit" and facts["samples"] == 6
    # The scale of the input is that of the pictures.
    assert lite.inputs[0].scales[0] == pytest.approx(1 / 255, rel=0.1)
    [(name, file)] = facts["sample"].items()
    sample = np.load(tmp_path / "result" / SAMPLE / file)
    assert name == lite.inputs[0].name and sample.dtype == np.int8 and sample.shape == (1, SIDE, SIDE, 3)


def test_the_same_folder_gives_the_same_bytes_and_another_gives_others(
    tmp_path: Path, pictures: Path
) -> None:
    network().save(tmp_path / "my.h5")
    for name in ("a", "b"):
        made(tmp_path / "my.h5", pictures, tmp_path / name)
    one, two = (int8_of(tmp_path / name).sha256 for name in ("a", "b"))
    assert one == two
    (pictures / "0.png").unlink()
    made(tmp_path / "my.h5", pictures, tmp_path / "c")
    assert int8_of(tmp_path / "c").sha256 != one


@pytest.mark.parametrize(
    ("start", "scaling"),
    [
        (lambda layers: layers.Rescaling(1 / 255), "rgb-bytes"),
        (lambda layers: layers.Rescaling(1 / 127.5, offset=-1), "rgb-bytes"),
        (
            lambda layers: layers.Normalization(mean=[124.0, 117, 104], variance=[3400.0, 3200, 3300]),
            "rgb-bytes",
        ),
        (lambda layers: layers.ZeroPadding2D(1), "rgb-unit"),
        (lambda layers: layers.Rescaling(2, offset=-1), "rgb-unit"),
    ],
)
def test_a_model_that_scales_by_itself_takes_bytes(
    tmp_path: Path, pictures: Path, start: Layer, scaling: str
) -> None:
    network(start=start(import_tensorflow().keras.layers)).save(tmp_path / "my.keras")
    facts = made(tmp_path / "my.keras", pictures, tmp_path / "result")
    assert facts["scaling"] == scaling
    reach = int8_of(tmp_path / "result").inputs[0].scales[0] * 255
    assert reach == pytest.approx(255 if scaling == "rgb-bytes" else 1, rel=0.1)


def test_a_saved_model_of_two_inputs_takes_files_of_arrays(tmp_path: Path) -> None:
    keras = import_tensorflow().keras
    one, two = (keras.layers.Input((6,), name=name) for name in ("one", "two"))
    both = keras.layers.Concatenate()([keras.layers.Dense(4)(one), two])
    keras.Model([one, two], keras.layers.Dense(3)(both)).save(tmp_path / "my", save_format="tf")
    folder = tmp_path / "arrays"
    folder.mkdir()
    values = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
    np.savez(folder / "a.npz", one=values, two=10 * values)
    facts = made(tmp_path / "my", folder, tmp_path / "result")
    assert facts["samples"] == 9 and len(facts["sample"]) == 2
    lite = int8_of(tmp_path / "result")
    [signature] = lite.signatures
    scales = {name: lite.graphs[0].tensors[index].scales[0] for name, index in signature.inputs}
    assert scales["two"] == pytest.approx(10 * scales["one"], rel=1e-3)
    np.save(folder / "b.npy", values)
    with pytest.raises(CalibrationInvalid, match="has 2 inputs: one, two"):
        made(tmp_path / "my", folder, tmp_path / "other")


def test_ops_that_have_no_int8_form_are_named(tmp_path: Path, pictures: Path) -> None:
    tf = import_tensorflow()
    network(middle=tf.cos).save(tmp_path / "cos.keras")
    said = refused(tmp_path / "cos.keras", pictures, tmp_path / "result")
    assert "does not become int8 as a whole: COS stays in float" in said and "COS (1 node)" in said
    network(middle=tf.math.erf).save(tmp_path / "erf.keras")
    assert "TensorFlow Lite has no Erf" in refused(tmp_path / "erf.keras", pictures, tmp_path / "result")


def test_inputs_that_cannot_be_quantised(tmp_path: Path, pictures: Path) -> None:
    tf = import_tensorflow()

    def saved(name: str, shape: Any, dtype: Any) -> Path:
        module = tf.Module()
        module.call = tf.function(lambda image: {"sum": tf.reduce_sum(tf.cast(image, tf.float32))})
        call = module.call.get_concrete_function(tf.TensorSpec(shape, dtype, name="image"))
        tf.saved_model.save(module, str(tmp_path / name), signatures={"run": call})
        return tmp_path / name

    path = saved("bytes", [None, 4, 4, 3], tf.uint8)
    assert "'image' of" in (said := refused(path, pictures, tmp_path / "r")) and "is uint8" in said
    path = saved("open", [None, None, None, 3], tf.float32)
    assert "open shape" in refused(path, pictures, tmp_path / "r")
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    refused(tmp_path / "empty", pictures, tmp_path / "r", SignatureUnknown)


def test_through_the_hosts_process_with_progress_and_agreement(tmp_path: Path, pictures: Path) -> None:
    network().save(tmp_path / "my.keras")
    heard: list[tuple[int, int, str]] = []
    host = Host(tmp_path / "home", tmp_path / "log", lambda *words: heard.append(words))

    def run() -> Quantised:
        return quantised(Wish("int8", pictures), tmp_path / "my.keras", host)

    first = run()
    assert first.model.name == "my-int8.tflite" and first.agreement.samples == first.samples == 6
    assert first.agreement.same_top1 == 6 and (first.agreement.sqnr_db or 0) > 25
    assert (6, 6, "calibrating with 5.png") in heard and (6, 6, "comparing on 5.png") in heard
    (pictures / "3.png").write_bytes((pictures / "3.png").read_bytes()[:300])
    with pytest.raises(CalibrationInvalid, match=r"3\.png cannot be read"):
        run()
    assert len(list((tmp_path / "home").glob("*quantised-*"))) == 1, "nothing half-made is left"
