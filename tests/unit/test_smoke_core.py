from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.core_models import ADD_ONE, WORDS, core_model
from tfport import smoke as smoke_module
from tfport import smoke_core
from tfport.catalogue import Catalogue, DemoModel, Shelf
from tfport.core.model import CoreModel, Port, Signature
from tfport.emulator import Emulator
from tfport.errors import ModelInputInvalid
from tfport.smoke import Setup
from tfport.smoke_core import CoreSmoke
from tfport.sources import SourceCache
from tfport.target import load_target

FAKE = Path(__file__).with_name("fake_runner.py")
DEMO = DemoModel("net", "w.pkl", "squeezenet-saved-model", "", "rgb-unit", {"p.png": ""})


class FakeHost:
    """Host TensorFlow for the models of ``core_models``."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder

    def core_results(self, model: CoreModel, signature: str, inputs: Mapping[str, np.ndarray]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{signature}.npz"
        words = signature == "words"
        np.savez(path, out0=np.char.upper(inputs["quiet"]) if words else inputs["a"] + np.float32(1))
        return path

    def converted(self, model: DemoModel, shelf: Shelf) -> Path:
        return self.folder / "demo"

    def work(self) -> None:
        pass


class Counting(Emulator):
    """Counts every run as so many instructions, without a plug-in."""

    def count_per_round(self, words: Any, counter: Path, **_: Any) -> dict[str, float]:
        line = words(7)
        assert line[line.index("--repeat") + 1] == "7" and line[line.index("--threads") + 1] == "1"
        assert line[line.index("--signature") + 1] == "serving_default"
        return {"total": 300.0 if "--no-xnnpack" in line else 200.0}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(smoke_module, "Host", FakeHost)
    monkeypatch.setattr(smoke_module, "build_counter", lambda folder: folder / "counter.so")
    (tmp_path / "sdk" / "bin").mkdir(parents=True)
    shutil.copy(FAKE, tmp_path / "sdk" / "bin" / "tfport-run")
    return {
        "sdk": tmp_path / "sdk",
        "target": load_target("zuluko"),
        "shelf": Shelf(Catalogue((), (), (DEMO,)), tmp_path / "shelf", SourceCache(tmp_path / "sources")),
        "home": tmp_path / "home",
        "work": tmp_path / "work",
        "emulator": Counting((sys.executable,)),
    }


def test_a_good_model_runs_with_one_and_four_threads_and_stock_kernels(
    prepared: dict[str, Any], tmp_path: Path
) -> None:
    results = CoreSmoke(Setup(**prepared), [core_model(tmp_path)]).run()
    assert results.ok, results.problems
    ways = [(run.model, run.input, run.threads, run.xnnpack) for run in results.runs]
    assert ways == [
        ("add.pb", "seeded", 1, True),
        ("add.pb", "seeded", 4, True),
        ("add.pb", "seeded", 1, False),
    ]
    assert all(run.differences and run.memory == {"arena_bytes": 1000} for run in results.runs)
    assert [(count.xnnpack, count.per_inference) for count in results.counts] == [
        (True, {"total": 200.0}),
        (False, {"total": 300.0}),
    ]


def test_every_signature_runs_and_only_a_single_one_is_counted(
    prepared: dict[str, Any], tmp_path: Path
) -> None:
    results = CoreSmoke(Setup(**prepared), [core_model(tmp_path, signatures=(ADD_ONE, WORDS))]).run()
    assert results.ok, results.problems
    assert {run.model for run in results.runs} == {"add.pb, serving_default", "add.pb, words"}
    assert len(results.runs) == 6 and results.counts == ()
    assert {run.differences[0].rule for run in results.runs} == {"float", "equal"}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("far", "c (float32): off by 3, 0.0001"),
        ("crash", "tfport-run returned 6"),
        ("short", "0 outputs came back, the signature has 1"),
    ],
)
def test_what_goes_wrong_is_reported(
    spoil: str,
    words: str,
    prepared: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TFPORT_FAKE", spoil)
    results = CoreSmoke(Setup(**prepared), [core_model(tmp_path)]).run()
    assert len(results.problems) == 3 and all(words in problem for problem in results.problems)


def test_a_string_that_differs_is_wrong(
    prepared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np.char, "upper", lambda values: values)
    setup = Setup(**prepared, count=False)
    results = CoreSmoke(setup, [core_model(tmp_path, signatures=(WORDS,))]).run()
    lines = [line for line in results.problems if "loud (bytes" in line]
    assert len(lines) == 3 and all("off by" in line and "elements" in line for line in lines)


def test_files_of_the_user_go_to_the_signature_that_has_their_name(
    prepared: dict[str, Any], tmp_path: Path
) -> None:
    np.save(tmp_path / "q.npy", np.array([b"hello", b"you"]))
    prepared["inputs"] = (("quiet", tmp_path / "q.npy"),)
    cases = CoreSmoke(Setup(**prepared), [core_model(tmp_path, signatures=(ADD_ONE, WORDS))]).cases()
    assert [(case.source, list(case.inputs)) for case in cases] == [("seeded", ["a"]), ("files", ["quiet"])]
    assert cases[0].inputs["a"].shape == (1, 3), "an open dimension is one"
    assert cases[1].inputs["quiet"].tolist() == [b"hello", b"you"]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("b", np.zeros((1, 3), np.float32), "There is no input 'b'"),
        ("a", np.zeros((1, 4), np.float32), "takes [-1, 3]"),
        ("a", np.zeros((1, 3), np.int32), "holds int32, but 'a' takes float32"),
        ("quiet", np.zeros(2, np.float32), "holds float32, but 'quiet' takes string"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    name: str, values: np.ndarray, words: str, prepared: dict[str, Any], tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", values)
    prepared["inputs"] = ((name, tmp_path / "x.npy"),)
    with pytest.raises(ModelInputInvalid) as caught:
        CoreSmoke(Setup(**prepared), [core_model(tmp_path, signatures=(ADD_ONE, WORDS))]).run()
    assert words in caught.value.what


def test_an_input_of_any_rank_needs_a_file(prepared: dict[str, Any], tmp_path: Path) -> None:
    free = Signature("s", (Port("a", "a:0", "int64", None),), ADD_ONE.outputs)
    models = [core_model(tmp_path, signatures=(free,))]
    with pytest.raises(ModelInputInvalid, match="any number of dimensions") as caught:
        CoreSmoke(Setup(**prepared), models).cases()
    assert "--input a=FILE.npy" in caught.value.hint
    np.save(tmp_path / "a.npy", np.arange(3))
    prepared["inputs"] = (("a", tmp_path / "a.npy"),)
    [case] = CoreSmoke(Setup(**prepared), models).cases()
    assert case.inputs["a"].tolist() == [0, 1, 2]


def test_without_a_model_the_demo_runs_on_its_pictures(
    prepared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((4, 4, 3), 255, np.uint8)).save(tmp_path / "p.png")
    made = Signature("serving_default", (Port("a", "a:0", "float32", (1, 2, 2, 3)),), ADD_ONE.outputs)
    asked: list[Sequence[Path]] = []

    def read(paths: Sequence[Path], host: Any) -> tuple[CoreModel, ...]:
        asked.append(paths)
        return (core_model(tmp_path, "demo", signatures=(made,)),)

    monkeypatch.setattr(smoke_core, "read_core_models", read)
    monkeypatch.setattr(Shelf, "path", lambda self, name: tmp_path / name)
    results = CoreSmoke(Setup(**prepared)).run()
    assert results.ok, results.problems
    assert asked == [[tmp_path / "home" / "models" / "demo"]]
    assert {(run.model, run.input) for run in results.runs} == {("net", "p.png")}
    assert [count.model for count in results.counts] == ["net", "net"]


def test_without_a_reference_the_demo_is_skipped_and_it_says_so(prepared: dict[str, Any]) -> None:
    results = CoreSmoke(Setup(**prepared, reference=False)).run()
    assert results.ok and results.runs == ()
    assert [line.split(":")[0] for line in results.skipped] == ["net"]


def test_what_runs_for_a_minute_is_not_counted(
    prepared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke_module, "COUNT_LIMIT", 0.0)
    results = CoreSmoke(Setup(**prepared), [core_model(tmp_path)]).run()
    assert results.ok and results.counts == ()
    assert len(results.skipped) == 2 and "counting instructions" in results.skipped[0]
