from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfport.errors import ModelInputInvalid, ModelMissing, NotAnSdk, NotOffered, UnknownTarget
from tfport.ops import ALL
from tfport.plan import Plan, Request, make_plan
from tfport.runtimes import core
from tfport.target import ROOT

from .core_models import core_model, core_tree
from .lite_bytes import ModelBytes


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def model(folder: Path, name: str = "a b.tflite") -> Path:
    (folder / name).write_bytes(ModelBytes().build())
    return folder / name


def plan(tmp_path: Path, **changes: object) -> Plan:
    request = Request(**{"target": "zuluko", "output": tmp_path / "sdk", **changes})  # type: ignore[arg-type]
    return make_plan(request)


def test_plan_for_all_ops(tmp_path: Path, home: Path) -> None:
    made = make_plan(Request("zuluko"))
    assert made.ops == ALL and made.sdk.parts[-3:] == ("dist", "zuluko", "lite") and made.home == home
    assert made.sdk_recipe.name == "tfport-lite" and made.jobs >= 1
    rows = dict(made.rows())
    assert rows["operators"] == "all" and "-mfpu=neon-vfpv4" in rows["flags"] and "models" not in rows
    assert not home.exists(), "a plan makes nothing"


def test_plan_cut_to_models(tmp_path: Path) -> None:
    made = make_plan(Request("zuluko", models=(model(tmp_path), model(tmp_path, "c.tflite"))))
    assert made.ops == "ADD" and made.sdk.name == "lite-a_b-c"
    assert dict(made.rows())["operators"] == "1: ADD"


def test_packing_goes_with_a_model_of_lite(tmp_path: Path) -> None:
    path = model(tmp_path)
    plain, packed = (make_plan(Request("zuluko", models=(path,), pack_weights=w)) for w in (False, True))
    assert plain.digest("12.2.0") != packed.digest("12.2.0")
    assert "packed" in dict(packed.rows())["weights"]
    for wrong in (
        Request("zuluko", pack_weights=True),
        Request("zuluko", "tensorflow", (path,), pack_weights=True),
    ):
        with pytest.raises(NotOffered, match="--pack-weights"):
            make_plan(wrong)


def test_lean_is_an_option_of_the_sdk_of_lite(tmp_path: Path) -> None:
    fast, lean = (make_plan(Request("zuluko", memory=memory)) for memory in ("fast", "lean"))
    assert "tfport-lite/*:memory=lean" in lean.options and len(fast.options) == 1
    assert fast.digest("12.2.0") != lean.digest("12.2.0")
    assert "lean" in dict(lean.rows())["memory"] and "memory" not in dict(fast.rows())
    with pytest.raises(NotOffered, match="--memory lean"):
        make_plan(Request("zuluko", "tensorflow", memory="lean"))


def test_without_an_operating_system_weights_are_packed_unless_told_not_to(tmp_path: Path) -> None:
    path = model(tmp_path)
    assert make_plan(Request("zuluko-baremetal", models=(path,))).pack_weights
    assert not make_plan(Request("zuluko-baremetal", models=(path,), pack_weights=False)).pack_weights
    assert not make_plan(Request("zuluko-baremetal")).pack_weights
    assert not make_plan(Request("zuluko", models=(path,))).pack_weights


def test_plan_of_the_core_runtime(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = core_tree(tmp_path / "tree")
    made = make_plan(Request("zuluko", runtime="tensorflow"), tree)
    assert made.ops == ALL and made.sdk == tree / "dist" / "zuluko" / "tensorflow"
    assert made.sdk_recipe.name == "tfport-core" and made.options == ["tfport-core/*:ops=all"]
    assert dict(made.rows())["recipes"] == "2: tensorflow/2.14.1, tfport-core/2.14.1"
    assert not home.exists(), "a plan without a model makes nothing"
    model = core_model(tmp_path)
    monkeypatch.setattr(core, "read_core_models", lambda paths, host: (model,))
    cut = make_plan(Request("zuluko", runtime="tensorflow", models=(model.path,)), tree)
    assert cut.sdk.name == "tensorflow-add"
    assert cut.options == [
        "tfport-core/*:ops=AddV2:BinaryOp<CPUDevice, functor::add<float>>;Const:ConstantOp"
    ]
    whole = make_plan(Request("zuluko", runtime="tensorflow", models=(model.path,), ops="all"), tree)
    assert whole.sdk == made.sdk and whole.options == made.options
    assert len({each.digest("12.2.0") for each in (made, cut, whole)}) == 3, "models travel along"


@pytest.mark.parametrize("runtime", ["lite", "tensorflow"])
def test_inputs_that_fit_no_model_are_refused_before_anything_starts(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    tree, path = (ROOT, model(tmp_path)) if runtime == "lite" else (core_tree(tmp_path / "t"), tmp_path)
    monkeypatch.setattr(core, "read_core_models", lambda paths, host: (core_model(tmp_path),) * len(paths))
    np.save(tmp_path / "x.npy", np.zeros((7, 7), np.float32))
    for name, words in (("nonsense", "no input 'nonsense'"), ("a", r"has the shape \[7, 7\]")):
        request = Request(
            "zuluko",
            runtime=runtime,
            models=(path, path),
            inputs=((name, tmp_path / "x.npy"),),
            output=tmp_path / "sdk",
        )
        with pytest.raises(ModelInputInvalid, match=words):
            make_plan(request, tree)
    assert not home.exists()


def test_the_reader_of_a_model_cannot_be_left_out(tmp_path: Path) -> None:
    tree = core_tree(tmp_path / "tree")
    request = Request("zuluko", runtime="tensorflow", models=(tmp_path / "m.pb",), reference=False)
    with pytest.raises(NotOffered, match="--no-reference and --model exclude each other") as caught:
        make_plan(request, tree)
    assert "host TensorFlow" in caught.value.why
    without = make_plan(Request("zuluko", runtime="tensorflow", ops="all", reference=False), tree)
    assert without.ops == ALL


def test_each_target_has_its_own_folders(tmp_path: Path) -> None:
    one, two = (make_plan(Request(name)) for name in ("zuluko", "zuluko-vfpv3"))
    assert one.sdk != two.sdk and one.work != two.work and one.stamp != two.stamp
    assert one.digest("12.2.0") != two.digest("12.2.0")


def test_what_is_wrong_is_said_before_anything_starts(tmp_path: Path, home: Path) -> None:
    with pytest.raises(UnknownTarget):
        make_plan(Request("zuluk"))
    with pytest.raises(NotOffered, match="--runtime acl takes one --model"):
        make_plan(Request("zuluko", runtime="acl"))
    with pytest.raises(NotOffered, match="--input goes with --model"):
        make_plan(Request("zuluko", inputs=(("x", tmp_path / "x.npy"),)))
    with pytest.raises(ModelMissing):
        make_plan(Request("zuluko", models=(tmp_path / "none.tflite",)))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(NotAnSdk):
        make_plan(Request("zuluko", output=tmp_path / "taken"))
    assert not home.exists()


def test_the_digest_follows_ops_and_compiler(tmp_path: Path) -> None:
    base = plan(tmp_path)
    assert base.digest("12.2.0") == plan(tmp_path, jobs=7).digest("12.2.0")
    assert base.digest("12.2.0") != base.digest("12.3.0")
    assert base.digest("12.2.0") != plan(tmp_path, models=(model(tmp_path),)).digest("12.2.0")
