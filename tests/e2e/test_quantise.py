"""A Keras model through the front door with --quantize int8: an SDK cut to its int8 form, and figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.conftest import build
from tests.e2e.support import Sdk, on_board, tfport
from tfport.catalogue import Shelf
from tfport.compare import same_top_class
from tfport.convert import CALIBRATION_PICTURES
from tfport.inputs import Array, picture, quantise, save_inputs
from tfport.model import read_tflite
from tfport.reference import import_tensorflow
from tfport.target import Target

pytestmark = pytest.mark.e2e
SIDE = 32
OPS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "SOFTMAX"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small CNN that takes pixels of 0 to 255, with seeded weights and scores that differ."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(11)
    layers = keras.layers
    image = layers.Input((SIDE, SIDE, 3), name="image")
    values = layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 127.5, offset=-1)(image))
    values = layers.BatchNormalization()(values)
    values = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3)(values))
    large = keras.initializers.RandomNormal(stddev=4.0, seed=12)
    scores = layers.Dense(10, activation="softmax", kernel_initializer=large, name="classes")(values)
    path = tmp_path_factory.mktemp("network") / "small.keras"
    keras.Model(image, scores).save(path)
    return path


@pytest.fixture(scope="module")
def pictures(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in CALIBRATION_PICTURES:
        shutil.copy(shelf.path(name), folder)
    return folder


@pytest.fixture(scope="module")
def sdk(zuluko: Target, network: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    words = ("--model", str(network), "--quantize", "int8", "--calibration", str(pictures))
    return build(tmp_path_factory.mktemp("int8"), zuluko, *words)


def shipped(sdk: Sdk) -> Path:
    return sdk.folder / "share" / "tfport" / "int8" / "small-int8.tflite"


def scores_of(model: Path, values: Array) -> Array:
    """What host TensorFlow Lite's reference kernels give."""
    lite = import_tensorflow().lite
    kernels = lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = lite.Interpreter(str(model), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    scores: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return scores


def test_the_sdk_is_cut_to_the_int8_model_and_ships_it(sdk: Sdk) -> None:
    report: dict[str, Any] = sdk.report
    lite = read_tflite(shipped(sdk))
    assert [tensor.dtype for tensor in (*lite.inputs, *lite.outputs)] == ["int8", "int8"]
    assert sorted(report["operators"]["builtin"]) == OPS and not report["operators"]["custom"]
    assert report["quantisation"]["model"]["sha256"] == report["models"][0]["sha256"] == lite.sha256
    assert report["quantisation"]["calibration"]["scaling"] == "rgb-bytes"


def test_accuracy_is_what_the_keras_model_says(sdk: Sdk, network: Path, pictures: Path) -> None:
    """The float side by Keras itself, which the report's figure was not computed with."""
    model = import_tensorflow().keras.models.load_model(network)
    [tensor] = read_tflite(shipped(sdk)).inputs
    same = 0
    for path in sorted(pictures.iterdir()):
        pixels = picture(path, "image", tensor.shape, "rgb-bytes")
        got = scores_of(shipped(sdk), quantise(pixels, tensor))
        same += same_top_class(got, model.predict(pixels, verbose=0))
    accuracy = sdk.report["quantisation"]["accuracy"]
    assert (accuracy["same_top1"], accuracy["samples"]) == (same, len(CALIBRATION_PICTURES))
    assert same >= 3 and accuracy["sqnr_db"] > 20


def test_it_was_smoke_tested_on_a_picture_and_its_instructions_counted(sdk: Sdk) -> None:
    smoke = sdk.report["smoke"]
    assert smoke["ok"] and {run["input"] for run in smoke["runs"]} == {"files"}
    assert all(ops["ok"] and ops["ops"] == len(OPS) for ops in smoke["ops"])
    [count] = smoke["counts"]
    assert 50_000 < count["per_inference"]["total"] < 2_000_000


def test_the_board_computes_what_the_host_does(sdk: Sdk, shelf: Shelf, tmp_path: Path) -> None:
    [tensor] = read_tflite(shipped(sdk)).inputs
    fed = quantise(picture(shelf.path("coffee.png"), "image", tensor.shape, "rgb-bytes"), tensor)
    [(_, file)] = save_inputs({tensor.name: fed}, tmp_path)
    words = ["--input", f"{tensor.name}={file}", "--json", "--output", str(tmp_path)]
    done = on_board(sdk.target, [sdk.runner, shipped(sdk), *words])
    assert done.returncode == 0, done.stdout + done.stderr
    [output] = json.loads(done.stdout)["outputs"]
    want = scores_of(shipped(sdk), fed).astype(int)
    assert np.abs(np.load(tmp_path / output["file"]).astype(int) - want).max() <= 2


@pytest.mark.full
@pytest.mark.parametrize(("target", "runtime"), [("zuluko", "acl"), ("zuluko-baremetal", "lite")])
def test_the_same_int8_model_runs_compiled_and_without_an_operating_system(
    sdk: Sdk, network: Path, pictures: Path, tmp_path: Path, target: str, runtime: str
) -> None:
    words = ("--target", target, "--runtime", runtime, "--output", tmp_path / "sdk", "--model", network)
    done = tfport(*words, "--quantize", "int8", "--calibration", pictures)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    report: dict[str, Any] = json.loads((tmp_path / "sdk" / "report.json").read_text(encoding="utf-8"))
    assert report["quantisation"]["model"]["sha256"] == sdk.report["quantisation"]["model"]["sha256"]
    assert report["models"][0]["sha256"] == sdk.report["models"][0]["sha256"]
    runs = report["smoke"]["runs"]
    assert runs and all(run["input"] == "files" and not run["problems"] for run in runs)
    assert max(each["worst"] for run in runs for each in run["differences"]) <= 1, "steps"


@pytest.mark.parametrize(
    ("model", "folder", "code", "words"),
    [
        ("small.keras", "empty", 49, "is empty"),
        ("small.keras", "text", 49, "notes.txt"),
        ("small-int8.tflite", "pictures", 69, "quantised already"),
        ("small.keras", "", 19, "--calibration"),
    ],
)
def test_bad_input_is_refused_before_anything_is_built(
    sdk: Sdk, network: Path, pictures: Path, tmp_path: Path, model: str, folder: str, code: int, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no picture")
    path = shipped(sdk) if model.endswith(".tflite") else network
    given = pictures if folder == "pictures" else tmp_path / folder
    more = ["--calibration", str(given)] if folder else []
    output = tmp_path / "sdk"
    done = tfport("--target", "zuluko", "--output", output, "--model", path, "--quantize", "int8", *more)
    assert done.returncode == code and words in done.stdout + done.stderr
    assert not output.exists() and "Traceback" not in done.stderr
