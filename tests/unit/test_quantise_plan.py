from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lite_bytes import ModelBytes
from tests.unit.quantise_fakes import INT8_TYPE, fake_work, pictures, saved_model
from tfport import cli
from tfport.errors import (
    CalibrationInvalid,
    ModelMissing,
    NotAnSdk,
    NotOffered,
    NotQuantisable,
    ReferenceMissing,
)
from tfport.plan import Plan, Request, make_plan
from tfport.quantise.plan import FOLDER, Wish, form_of
from tfport.summary import built_rows


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    wish = Wish("int8", pictures(tmp_path / "pictures"))
    return Request("zuluko", models=(saved_model(tmp_path / "my.net"),), quantise=wish)


def test_the_build_takes_the_int8_model_and_ships_it(
    request_: Request, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fake_work(monkeypatch)
    heard: list[Any] = []
    plan = make_plan(request_, tell=lambda *words: heard.append(words))
    assert done == [["quantise", "compare"]] and heard == [(1, 2, "quantise"), (1, 2, "compare")]
    assert plan.sdk.name == "lite-my.net-int8" and [m.path.name for m in plan.models] == [
        "my.net-int8.tflite"
    ]
    [(place, folder)] = plan.payload.items()
    assert place == FOLDER and [path.name for path in folder.iterdir()] == ["my.net-int8.tflite"]
    assert home in folder.parents
    assert [(name, path.name) for name, path in plan.inputs] == [("a", "in0.npy")]
    rows = dict(plan.rows())
    assert "pixels from 0 to 255" in rows["quantised"] and "50.0 % (1 of 2)" in rows["accuracy"]
    assert plan.quantised is not None
    data = plan.quantised.as_data()
    assert data["model"]["path"] == f"{FOLDER}/my.net-int8.tflite"
    assert data["model"]["sha256"] == plan.models[0].sha256
    assert data["accuracy"]["same_top1"] == 1 and data["calibration"]["samples"] == 2


def test_a_second_run_asks_host_tensorflow_for_nothing(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fake_work(monkeypatch)
    first, second = make_plan(request_), make_plan(request_)
    assert done == [["quantise", "compare"], []] and first.digest("12") == second.digest("12")
    other = replace(request_.quantise, accuracy=pictures(tmp_path / "other", "x.png"))
    make_plan(replace(request_, quantise=other))
    assert done[2:] == [["compare"]], "other pictures to compare on change no model"
    make_plan(replace(request_, quantise=replace(request_.quantise, scaling="rgb-unit")))
    pictures(tmp_path / "pictures", "c.png")
    make_plan(request_)
    (tmp_path / "my.net" / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00\x12\x00")
    assert make_plan(request_).digest("12") != first.digest("12")
    assert done[3:] == [["quantise", "compare"]] * 3


def test_the_users_own_input_goes_first(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_work(monkeypatch)
    made = make_plan(request_)
    [(name, path)] = made.inputs
    own = tmp_path / "own.npy"
    own.write_bytes(path.read_bytes())
    assert make_plan(replace(request_, inputs=((name, own),))).inputs == ((name, own),)


def test_the_terminal_shows_accuracy_beside_speed() -> None:
    counts = [{"model": "m", "per_inference": {"total": 2e6}}]
    data: dict[str, Any] = {
        "sdk": "x",
        "operators": {"summary": ""},
        "sizes": {},
        "check": {},
        "build": {"recipes": [], "up_to_date": True},
        "quantisation": {"accuracy": {"told": "top-1 as fp32 50.0 % (1 of 2)"}},
        "smoke": {"counts": counts},
        "seconds": {},
        "reference": True,
    }
    names = [row[0] for row in built_rows(data)]
    assert names.index("accuracy of int8") == names.index("m, one thread") + 1
    assert "accuracy of int8" not in [row[0] for row in built_rows({**data, "quantisation": None})]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantise": Wish("int8")}, "goes with --calibration"),
        ({"quantise": Wish(None, Path("p"))}, "--calibration goes with --quantize int8"),
        ({"quantise": Wish(accuracy=Path("p"))}, "--accuracy goes with --quantize int8"),
        ({"quantise": Wish(scaling="rgb-unit")}, "--scaling goes with --quantize int8"),
        ({"models": ()}, "takes one --model, not 0"),
        ({"models": (Path("a"), Path("b"))}, "takes one --model, not 2"),
        ({"runtime": "tensorflow"}, "not offered for --runtime tensorflow"),
        ({"reference": False}, "--no-reference and --quantize exclude each other"),
    ],
)
def test_options_that_do_not_go_together(request_: Request, home: Path, changes: Any, words: str) -> None:
    with pytest.raises(NotOffered, match=words):
        make_plan(replace(request_, **changes))
    assert not home.exists()


def test_what_is_wrong_is_said_before_host_tensorflow_starts(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fake_work(monkeypatch)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").write_text("x")
    with pytest.raises(NotAnSdk):
        make_plan(replace(request_, output=tmp_path / "taken"))
    with pytest.raises(CalibrationInvalid):
        make_plan(replace(request_, quantise=Wish("int8", tmp_path / "none")))
    with pytest.raises(CalibrationInvalid, match="none"):
        make_plan(replace(request_, quantise=replace(request_.quantise, accuracy=tmp_path / "none")))
    assert done == []


def test_without_host_tensorflow_nothing_is_quantised(
    request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfport import reference

    monkeypatch.setattr(reference, "installed_version", lambda: "")
    with pytest.raises(ReferenceMissing) as caught:
        make_plan(request_)
    assert caught.value.why == "It quantises the model."


def test_forms_that_cannot_be_quantised(tmp_path: Path) -> None:
    def made(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    (tmp_path / "folder").mkdir()
    int8 = ModelBytes(dtype=INT8_TYPE, scale=0.5)
    for path, words, hint in (
        (made("f.tflite", ModelBytes().build()), "is a TensorFlow Lite model$", "Keras model"),
        (made("q.tflite", int8.build()), "quantised already", "without --quantize"),
        (made("n.txt", b"text"), "cannot be quantised", "Keras model"),
        (tmp_path / "folder", "cannot be quantised", "Keras model"),
        (made("g.pb", b"\n\x08\n\x01x\x12\x03Add"), "is a GraphDef", "SavedModel"),
    ):
        with pytest.raises(NotQuantisable, match=words) as caught:
            form_of(path)
        assert hint in caught.value.hint
    with pytest.raises(ModelMissing):
        form_of(tmp_path / "none.keras")
    assert form_of(saved_model(tmp_path / "saved")) == "saved_model"


def test_the_words_of_the_command_line_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []

    def plan(request: Request, tell: object = None) -> Plan:
        asked.append(request)
        assert (tell is not None) == (request.quantise.precision is not None)
        return type("NoPlan", (), {"rows": lambda self: []})()  # type: ignore[no-any-return]

    monkeypatch.setattr(cli, "make_plan", plan)
    monkeypatch.setattr(cli, "build", lambda plan, reporter: {})
    words = ["--target", "t", "--model", "m.keras", "--quantize", "int8", "--calibration", "p"]
    assert cli.main([*words, "--accuracy", "q", "--scaling", "rgb-centred"]) == 0
    assert asked[0].quantise == Wish("int8", Path("p"), Path("q"), "rgb-centred")
    assert cli.main(["--target", "t"]) == 0 and asked[1].quantise == Wish()
