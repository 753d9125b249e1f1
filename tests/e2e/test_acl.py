"""Compiled models on the target's CPU, held against host TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.acl_models import zoo
from tests.e2e.support import ESPRESSO, Sdk, home, on_board, tfport
from tfport.catalogue import Shelf
from tfport.convert import CALIBRATION_PICTURES
from tfport.host import Host
from tfport.networks import NETWORKS
from tfport.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.full]
ENGINE_BYTES = 2_000_000  # static and stripped, without the weights


@pytest.fixture(scope="module")
def engine(zuluko: Target, squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """SqueezeNet v1.1 in float32, compiled."""
    return build_acl(tmp_path_factory.mktemp("acl"), zuluko, squeezenet)


def build_acl(folder: Path, target: Target, model: Path) -> Sdk:
    done = tfport("--target", target.name, "--output", folder, "--runtime", "acl", "--model", model)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return Sdk(folder, target, "tfport-acl")


@pytest.fixture(scope="module")
def networks(shelf: Shelf, squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every network of the bench in both types, as .tflite files."""
    host = Host(home() / "models", tmp_path_factory.mktemp("host") / "host.log")
    pictures = [shelf.path(name) for name in CALIBRATION_PICTURES]
    made = {f"{name}-{form}": host.network(name, form, pictures) for name, form in FORMS}
    demo = next(model for model in shelf.catalogue.models if model.form == "squeezenet-int8")
    made["squeezenet-v1.1-int8"] = host.converted(demo, shelf)
    host.work()
    return made


FORMS = [(name, form) for name in NETWORKS for form in ("float32", "int8")]


def check_runs(sdk: Sdk) -> None:
    """Floats within 1e-4; in eight bits TensorFlow's class, which the build itself asks for.

    Every operator by itself is held to one step below; random weights make more of it from layer to layer.
    """
    runs = sdk.report["smoke"]["runs"]
    assert {(run["input"], run["threads"]) for run in runs} == {
        (source, threads) for source in ("seeded", "chelsea.png", "coffee.png") for threads in (1, 4)
    }
    for run in runs:
        (difference,) = run["differences"]
        if difference["rule"] == "float":
            assert difference["worst"] <= difference["limit"] <= 1e-4 * max(1.0, run["score"])
        else:
            assert difference["rule"] == "steps" and not run["problems"]


def test_every_run_is_close_to_the_reference(engine: Sdk) -> None:
    check_runs(engine)


@pytest.mark.parametrize("name", ["squeezenet-v1.1-int8", *("-".join(pair) for pair in FORMS)])
def test_classifiers_are_compiled(
    name: str, networks: dict[str, Path], zuluko: Target, tmp_path: Path
) -> None:
    sdk = build_acl(tmp_path, zuluko, networks[name])
    check_runs(sdk)
    assert sdk.runner.stat().st_size - sdk.report["operators"]["weights_bytes"] <= ENGINE_BYTES


def test_a_photograph_of_coffee_is_an_espresso(
    engine: Sdk, coffee: Path, squeezenet: Path, espresso: float, tmp_path: Path
) -> None:
    words = [engine.runner, squeezenet, "--input", f"serving_default_image:0={coffee}", "--json"]
    done = on_board(engine.target, [*words, "--output", tmp_path])
    assert done.returncode == 0, done.stdout + done.stderr
    (output,) = json.loads(done.stdout)["outputs"]
    scores = np.load(tmp_path / output["file"]).reshape(-1)
    assert int(scores.argmax()) == ESPRESSO and abs(float(scores.max()) - espresso) <= 1e-4


def test_the_engine_is_small(engine: Sdk) -> None:
    weights = engine.report["operators"]["weights_bytes"]
    assert engine.runner.stat().st_size - weights <= ENGINE_BYTES


def test_another_model_is_refused_on_the_board(engine: Sdk, models: Path) -> None:
    other = next(iter(sorted(models.glob("*.tflite"))))
    done = on_board(engine.target, [engine.runner, other, "--json"])
    assert done.returncode == 3
    assert "is not the model that was compiled" in json.loads(done.stdout)["error"]["message"]


def test_check_knows_the_model_inside(engine: Sdk, squeezenet: Path, models: Path, tmp_path: Path) -> None:
    other = tmp_path / squeezenet.name
    other.write_bytes(squeezenet.read_bytes() + b"another")
    for model, code, words in (
        (squeezenet, 0, ""),
        (other, 20, "is not the model that was compiled"),
        (models / "conv.tflite", 95, "cannot be compiled"),
    ):
        done = tfport("check", "--sdk", engine.folder, "--model", model)
        assert done.returncode == code and words in done.stdout + done.stderr, done.stdout


@pytest.mark.parametrize("quantised", [False, True], ids=["float32", "int8"])
def test_every_operator_agrees_with_the_reference(quantised: bool, zuluko: Target, tmp_path: Path) -> None:
    model = tmp_path / "zoo.tflite"
    model.write_bytes(zoo(quantised))
    runs = build_acl(tmp_path / "sdk", zuluko, model).report["smoke"]["runs"]
    for run in runs:
        for difference in run["differences"]:
            limit = difference["limit"] if difference["rule"] == "float" else 1
            assert difference["worst"] <= (1e-4 if limit is None else limit), difference
