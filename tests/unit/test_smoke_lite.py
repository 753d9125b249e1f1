from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.lite_bytes import ModelBytes
from tfport import smoke as smoke_module
from tfport.catalogue import Catalogue, DemoModel, Shelf
from tfport.emulator import Emulator
from tfport.errors import ModelInputInvalid, NotAnSdk, SmokeFailed
from tfport.lite_schema import TENSOR_TYPES
from tfport.model import LiteModel, read_tflite
from tfport.pack import FOLDER
from tfport.smoke import ALL_SETTINGS, BOARD_SETTINGS, Setup
from tfport.smoke_lite import LiteSmoke
from tfport.smoke_results import CoresResult, CountResult, ImageResult, OpsResult, RunResult, SmokeResults
from tfport.sources import SourceCache
from tfport.target import load_target
from tfport.target_run import Setting

FAKE = Path(__file__).with_name("fake_runner.py")


class FakeHost:
    """Host TensorFlow for the model c = a + 1, and for its one operator alone."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder

    def results(self, model: LiteModel, inputs: Mapping[str, np.ndarray], intermediates: bool) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "reference.npz"
        values = inputs["a"]
        result = values + np.array(1, dtype=values.dtype)
        np.savez(path, out0=result, t0=values, t2=result)
        return path

    def converted(self, model: DemoModel, shelf: Shelf) -> Path:
        raise AssertionError("no demo model takes part")

    def unravelled(self, model: LiteModel) -> Path:
        return model.path

    def work(self) -> None:
        pass


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(smoke_module, "Host", FakeHost)
    (tmp_path / "sdk" / "bin").mkdir(parents=True)
    shutil.copy(FAKE, tmp_path / "sdk" / "bin" / "tfport-run")
    return {
        "sdk": tmp_path / "sdk",
        "target": load_target("zuluko"),
        "shelf": Shelf(Catalogue((), (), ()), tmp_path / "shelf", SourceCache(tmp_path / "sources")),
        "home": tmp_path / "home",
        "work": tmp_path / "work",
        "emulator": Emulator((sys.executable,)),
        "models": [model(tmp_path, "float32")],
    }


def smoke(models: list[Path], **setup: Any) -> LiteSmoke:
    return LiteSmoke(Setup(**setup), [read_tflite(path) for path in models])


def model(folder: Path, dtype: str) -> Path:
    scale = 0.5 if dtype == "int8" else 0.0
    path = folder / f"{dtype}.tflite"
    path.write_bytes(ModelBytes(dtype=TENSOR_TYPES.index(dtype), scale=scale).build())
    return path


def test_a_good_float_model_runs_in_every_setting(prepared: dict[str, Any]) -> None:
    seen: list[tuple[int, int]] = []
    results = smoke(**prepared, report=lambda done, of, what: seen.append((done, of))).run()
    assert results.ok and results.reference and not results.skipped
    assert {(run.threads, run.xnnpack) for run in results.runs} == {
        (1, True),
        (1, False),
        (4, True),
        (4, False),
    }
    assert {run.delegated_nodes for run in results.runs if run.xnnpack} == {1}
    run = results.runs[0]
    assert (run.worst, run.seconds_per_inference, run.memory) == (0.0, 0.25, {"arena_bytes": 1000})
    assert seen[-1] == (4, 4)


@pytest.mark.parametrize(("spoil", "ok"), [("", True), ("bits", False)])
def test_a_packed_model_is_held_against_the_model_bit_by_bit(
    prepared: dict[str, Any], monkeypatch: pytest.MonkeyPatch, spoil: str, ok: bool
) -> None:
    monkeypatch.setenv("TFPORT_FAKE", spoil)
    packed = prepared["sdk"] / FOLDER / "float32.tflite"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(prepared["models"][0].read_bytes() + b"PW")
    results = smoke(**prepared, reference=False, count=False).run()
    (result,) = results.packed
    assert (result.model, result.in_place_bytes, result.heap_bytes) == ("float32.tflite", 64, 500)
    assert (result.ok, results.ok) == (ok, ok)
    assert len([p for p in results.problems if "bit by bit" in p]) == (0 if ok else 2)


def test_a_good_quantised_model_is_run_op_by_op(prepared: dict[str, Any], tmp_path: Path) -> None:
    prepared["models"] = [model(tmp_path, "int8")]
    results = smoke(**prepared).run()
    assert results.ok, results.problems
    assert [(ops.ops, ops.left_out, ops.worst_steps) for ops in results.ops] == [(1, 0, 0.0)] * 2
    assert {ops.xnnpack for ops in results.ops} == {True, False}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("far", "c (float32): off by 3, 0.0001"),
        ("crash", "tfport-run returned 6: tfport-run: error: Invoke failed in node 3"),
        ("short", "0 outputs came back, the model has 1"),
        ("silent", "left no readable results"),
    ],
)
def test_what_goes_wrong_is_reported(
    spoil: str, words: str, prepared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_FAKE", spoil)
    results = smoke(**prepared).run()
    assert len(results.problems) == 4
    assert all(words in problem for problem in results.problems), results.problems
    with pytest.raises(SmokeFailed) as caught:
        results.raise_if_failed()
    assert words in caught.value.why


def test_an_operator_three_steps_off_is_named(
    prepared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_FAKE", "far")
    prepared["models"] = [model(tmp_path, "int8")]
    results = smoke(**prepared).run()
    assert [ops.problems for ops in results.ops] == [("ADD (node 0) (int8): off by 3 steps, 1 allowed",)] * 2
    assert {run.worst for run in results.runs} == {3.0}  # reported, and judged by the class alone


def test_without_a_reference_nothing_is_compared_and_it_says_so(
    prepared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_FAKE", "far")
    made = DemoModel("net", "w.pkl", "squeezenet-int8", "", "bgr-minus-mean", {"p.png": "cat"})
    prepared["shelf"].catalogue = Catalogue((), (), (made,))
    results = smoke(**prepared, reference=False).run()
    assert results.ok and not results.reference and not results.ops
    assert all(run.differences == () for run in results.runs)
    assert [line.split(":")[0] for line in results.skipped] == ["net"]


def test_inputs_of_the_user_are_checked_before_anything_runs(
    prepared: dict[str, Any], tmp_path: Path
) -> None:
    prepared["inputs"] = (("b", tmp_path / "b.npy"),)
    with pytest.raises(ModelInputInvalid, match="no input 'b'"):
        smoke(**prepared).run()


def test_with_two_models_each_takes_the_inputs_that_it_has(prepared: dict[str, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([5, 6], dtype=np.float32))
    other = tmp_path / "other.tflite"
    other.write_bytes((tmp_path / "float32.tflite").read_bytes().replace(b"a\0\0\0", b"q\0\0\0"))
    prepared["inputs"] = (("a", tmp_path / "a.npy"), ("q", tmp_path / "a.npy"))
    prepared["models"] = [tmp_path / "float32.tflite", other]
    cases = smoke(**prepared)._user_cases()
    assert [list(case.inputs) for case in cases] == [["a"], ["q"]]
    assert {case.source for case in cases} == {"files"}


def test_a_folder_without_the_program_is_no_sdk(prepared: dict[str, Any], tmp_path: Path) -> None:
    prepared["sdk"] = tmp_path
    with pytest.raises(NotAnSdk):
        smoke(**prepared).run()


def test_the_report_is_plain_json() -> None:
    run = RunResult("m", "seeded", 1, True, ("x",), seconds=float("inf"))
    ops = OpsResult("m", "seeded", True, ())
    counts = CountResult("m", {"total": 1.5})
    results = SmokeResults("zuluko", True, (run,), (ops,), (counts,), (), 1.0)
    data = json.loads(json.dumps(results.to_dict(), allow_nan=False))
    assert data["ok"] is False
    assert data["runs"][0]["seconds"] is None
    assert data["problems"] == ["m, seeded, 1 thread: x"]
    assert data["counts"][0]["per_inference"] == {"total": 1.5}


def test_the_busiest_core_is_held_against_one_core_alone() -> None:
    cores = CoresResult("m", {1: (100.0, 0.0), 4: (30.0, 28.0, 26.0, 25.0)})
    image = ImageResult("m", "seeded", ("its results are not those of tfport-run",))
    results = SmokeResults("bare", True, (), (), (), (), 1.0, (image,), (cores,))
    assert cores.busiest_share == 0.3
    assert results.problems == ["m, seeded, image: its results are not those of tfport-run"]
    data = json.loads(json.dumps(results.to_dict(), allow_nan=False))
    assert data["cores"][0]["per_core"]["4"] == [30.0, 28.0, 26.0, 25.0]
    assert data["cores"][0]["busiest_share"] == 0.3 and data["images"][0]["ok"] is False


def test_a_board_runs_on_two_cores_too() -> None:
    assert Setting(2, True) in BOARD_SETTINGS and set(ALL_SETTINGS) < set(BOARD_SETTINGS)
