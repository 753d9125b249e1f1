"""The main job's report: every demo model on the target's CPU against host TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Sdk, tfport
from tfport.catalogue import load_catalogue
from tfport.lite_schema import BUILTIN_OPERATORS
from tfport.manifest import PORT, read_manifest
from tfport.target import ROOT

pytestmark = pytest.mark.e2e
# Not kernels: a code that stands for "see elsewhere", one for delegates, one for custom ops, and operators
# of the schema that TensorFlow Lite 2.14 itself has no kernel for.
NOT_KERNELS = {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CALL", "CONCAT_EMBEDDINGS"}


@pytest.fixture(scope="module")
def report(sdk_all: Sdk) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((sdk_all.folder / "report.json").read_text(encoding="utf-8"))
    return content


def test_layout(sdk_all: Sdk) -> None:
    for part in ("lib/libtensorflow-lite.a", "bin/tfport-run", "include/tensorflow/lite/c/c_api.h"):
        assert (sdk_all.folder / part).is_file(), part
    for part in ("lib/cmake", "lib/pkgconfig", "share/licenses"):
        assert any((sdk_all.folder / part).rglob("*")), part
    licences = {path.name for path in (sdk_all.folder / "share" / "licenses").iterdir()}
    assert {"abseil", "eigen", "flatbuffers", "tensorflow-lite", "xnnpack"} <= licences


def test_all_builtin_ops_are_there(report: dict[str, Any]) -> None:
    assert set(BUILTIN_OPERATORS) - set(report["operators"]["builtin"]) <= NOT_KERNELS
    assert {"CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= set(report["operators"]["xnnpack"])


def test_the_ops_by_which_a_model_is_refused_are_those_of_the_library(sdk_all: Sdk) -> None:
    library, port = read_manifest(sdk_all.folder), read_manifest(ROOT / PORT)
    assert (library.ops, library.custom, library.xnnpack) == (port.ops, port.custom, port.xnnpack)


def test_every_demo_model_ran_in_every_way(report: dict[str, Any]) -> None:
    smoke = report["smoke"]
    assert smoke["ok"] and smoke["problems"] == [] and report["reference"]
    ways = {(run["model"], run["threads"], run["xnnpack"]) for run in smoke["runs"]}
    for model in load_catalogue().of("lite"):
        assert {(4, True), (1, False)} <= {way[1:] for way in ways if way[0] == model.name}, model.name
    for name in ("squeezenet-float32", "squeezenet-int8"):
        assert {way[1:] for way in ways if way[0] == name} == {
            (threads, xnnpack) for threads in (1, 4) for xnnpack in (True, False)
        }


def test_photographs_are_what_they_show(report: dict[str, Any]) -> None:
    labels: dict[str, set[str]] = {}
    for run in report["smoke"]["runs"]:
        if run["model"].startswith("squeezenet"):
            labels.setdefault(run["input"], set()).add(run["label"].lower())
    assert {name: sorted(found) for name, found in labels.items()} == {
        "chelsea.png": ["egyptian cat"],
        "coffee.png": ["espresso"],
    }


def test_differences_are_within_the_rule(report: dict[str, Any]) -> None:
    """Not the judgement of the smoke test itself, but the numbers that it wrote down."""
    runs = [run for run in report["smoke"]["runs"] if run["model"] == "squeezenet-float32"]
    assert runs and all(run["differences"] and run["worst"] <= 1e-4 for run in runs)
    ops = report["smoke"]["ops"]
    assert {"squeezenet-int8", "efficientnet-lite0"} <= {result["model"] for result in ops}
    assert all(result["worst_steps"] <= 1 and result["ops"] > 20 for result in ops)


def test_a_second_run_has_nothing_to_do(sdk_squeezenet: Sdk, squeezenet: Path) -> None:
    """Neither the network nor a compiler is needed; a file that someone changed is brought back."""
    header = sdk_squeezenet.folder / "include" / "tfport" / "tfport.h"
    before = header.read_bytes()
    words = ("--target", "zuluko", "--model", squeezenet, "--output", sdk_squeezenet.folder)
    words += ("--offline", "--no-reference", "--json")
    done = tfport(*words)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["build"]["up_to_date"] and report["build"]["recipes"] == []
    header.write_bytes(b"changed")
    assert tfport(*words).returncode == 0
    assert header.read_bytes() == before
