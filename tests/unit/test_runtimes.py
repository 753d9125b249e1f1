from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.core_models import ADD, CONST, core_model
from tfport.core.model import CoreModel
from tfport.core.port import PORT
from tfport.core.selection import ALL
from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotAnSdk, NotOffered, RecipeInvalid, ReferenceMissing
from tfport.host import Host
from tfport.runtimes import RUNTIMES, core, runtime_named
from tfport.runtimes.core import CoreJob, CoreRuntime
from tfport.runtimes.lite import LiteRuntime


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "models", tmp_path / "tensorflow.log")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree whose port has two ops."""
    (tmp_path / "root" / PORT).parent.mkdir(parents=True)
    (tmp_path / "root" / PORT).write_text(json.dumps({"ops": ["AddV2", "Const"]}))
    return tmp_path / "root"


def reading(monkeypatch: pytest.MonkeyPatch, *models: CoreModel) -> None:
    """Host TensorFlow finds these models, whatever it is asked for."""

    def read(paths: Sequence[Path], host: Host) -> tuple[CoreModel, ...]:
        assert len(paths) == len(models)
        return models

    monkeypatch.setattr(core, "read_core_models", read)


def library(folder: Path, ops: dict[str, list[str]]) -> Path:
    """An SDK of the core runtime, as far as its manifest."""
    path = folder / "sdk" / MANIFEST
    path.parent.mkdir(parents=True)
    data = {
        "tfport_manifest": 1,
        "runtime": "tensorflow",
        "version": "2.14.1",
        "target": "zuluko",
        "ops": ops,
    }
    path.write_text(json.dumps(data))
    return folder / "sdk"


def test_the_lookup_knows_each_by_its_name() -> None:
    assert {name: runtime.name for name, runtime in RUNTIMES.items()} == {
        "lite": "lite",
        "tensorflow": "tensorflow",
        "acl": "acl",
    }
    assert len({runtime.sdk_recipe for runtime in RUNTIMES.values()}) == len(RUNTIMES)
    with pytest.raises(NotOffered, match="runtime other is not offered"):
        runtime_named("other")


def test_lite_has_no_option_for_all_ops(tmp_path: Path, host: Host) -> None:
    with pytest.raises(NotOffered, match="--ops all goes with --runtime tensorflow"):
        LiteRuntime().job((), True, tmp_path, host)


def test_without_a_model_all_ops_are_built(root: Path, host: Host) -> None:
    job = CoreRuntime().job((), False, root, host)
    assert (job.ops, job.folder, job.payload, job.models) == (ALL, "tensorflow", {}, ())
    assert dict(job.rows("2.14.1"))["operators"] == "all"
    assert not host.folder.exists() and not host.log.exists()


def test_a_library_is_cut_to_all_its_models(
    root: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = core_model(tmp_path, kernels=(ADD,)), core_model(tmp_path, "b c.keras", kernels=(CONST,))
    reading(monkeypatch, one, two)
    job = CoreRuntime().job((one.path, two.path), False, root, host)
    assert job.ops == "AddV2:BinaryOp<CPUDevice, functor::add<float>>;Const:ConstantOp"
    assert job.folder == "tensorflow-add-b_c"
    assert job.payload == {
        "share/tfport/models/add": one.prepared,
        "share/tfport/models/b_c": two.prepared,
    }
    rows = dict(job.rows("2.14.1"))
    assert rows["operators"] == "2: AddV2, Const" and rows["runtime"].startswith("TensorFlow 2.14.1")
    assert str(two.path) in rows["models"] and "share/tfport/models/b_c" in rows["prepared as"]


def test_all_ops_with_a_model_build_all_and_carry_the_model(
    root: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = core_model(tmp_path)
    reading(monkeypatch, made)
    job = CoreRuntime().job((made.path,), True, root, host)
    assert (job.ops, job.folder, job.models) == (ALL, "tensorflow", (made,))
    assert list(job.payload) == ["share/tfport/models/add"]


def test_models_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    models = [core_model(tmp_path / str(k), name) for k, name in enumerate(("m.pb", "m.h5", "m.keras"))]
    models.append(core_model(tmp_path, "v1.2", kind="saved_model"))
    assert CoreJob(tuple(models), ALL).names == ("m", "m-2", "m-3", "v1.2")


def test_an_op_without_a_kernel_in_the_port_is_named_with_its_node(
    root: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = core_model(tmp_path, kernels=(ADD, ("Erfcinv", "UnaryOp<>"), ("SaveV2", "SaveV2")))
    reading(monkeypatch, bad)
    for all_ops in (True, False):
        with pytest.raises(ModelRefused) as caught:
            CoreRuntime().job((bad.path,), all_ops, root, host)
        assert "needs 2 ops" in caught.value.what and bad.path.name in caught.value.what
        assert caught.value.why.splitlines() == [
            "Erfcinv: needed by node model/odd",
            "SaveV2: needed by node save",
        ]


def test_what_preparing_folds_away_is_neither_refused_nor_selected(
    root: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the graph as given has it: no node of what ships needs it."""
    folded = core_model(tmp_path, kernels=(ADD, ("Folded", "FoldedOp"), ("Rewritten", "")))
    folded = replace(folded, nodes_of={**folded.nodes_of, "Rewritten": "model/all"})
    reading(monkeypatch, folded)
    job = CoreRuntime().job((folded.path,), False, root, host)
    assert job.ops == "AddV2:BinaryOp<CPUDevice, functor::add<float>>;Rewritten"
    sdk = library(tmp_path, {"AddV2": [ADD[1]], "Rewritten": []})
    assert "runs" in CoreRuntime().fits(sdk, folded.path, host)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"ops": []}', '{"ops": [1]}', '{"ops": {"Abs": 1}}'])
def test_a_tree_without_the_list_of_ops_builds_nothing(root: Path, host: Host, text: str | None) -> None:
    (root / PORT).unlink()
    if text is not None:
        (root / PORT).write_text(text)
    with pytest.raises(RecipeInvalid, match=r"tensorflow/all/ops\.json"):
        CoreRuntime().job((), False, root, host)


def test_a_missing_host_tensorflow_is_called_the_reader(
    root: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(paths: Sequence[Path], host: Host) -> tuple[CoreModel, ...]:
        raise ReferenceMissing("Host TensorFlow 2.14.1 is not installed", "x", "build with --no-reference")

    monkeypatch.setattr(core, "read_core_models", read)
    with pytest.raises(ReferenceMissing) as caught:
        CoreRuntime().job((tmp_path / "m.pb",), False, root, host)
    assert "reads the models" in caught.value.why and "--no-reference" not in caught.value.hint


def test_a_new_model_is_held_against_the_ops_and_kernels_of_an_sdk(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = library(tmp_path, {"AddV2": ["BinaryOp<CPUDevice,functor::add<float>>"], "Const": ["ConstantOp"]})
    made = core_model(tmp_path)
    reading(monkeypatch, made)
    assert "all its 2 ops" in CoreRuntime().fits(sdk, made.path, host)
    wide = ("AddV2", "BinaryOp<CPUDevice, functor::add<double>>")
    bad = core_model(tmp_path, "new.pb", kernels=(ADD, wide, ("Erfcinv", "UnaryOp<>")))
    reading(monkeypatch, bad)
    with pytest.raises(ModelRefused) as caught:
        CoreRuntime().fits(sdk, bad.path, host)
    assert caught.value.why.splitlines() == [
        "AddV2: the library has no kernel BinaryOp<CPUDevice, functor::add<double>> (node model/sum)",
        "Erfcinv: not in the library (node model/odd)",
    ]


def test_a_library_of_every_op_has_all_their_kernels(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = library(tmp_path, {"AddV2": [], "NoOp": []})
    reading(monkeypatch, core_model(tmp_path, "new.pb", kernels=(ADD,)))
    assert "are there" in CoreRuntime().fits(sdk, tmp_path / "new.pb", host)
    reading(monkeypatch, core_model(tmp_path, "new.pb", kernels=(ADD, ("Erfcinv", "UnaryOp<>"))))
    with pytest.raises(ModelRefused, match=r"new\.pb"):
        CoreRuntime().fits(sdk, tmp_path / "new.pb", host)


def test_an_sdk_of_another_runtime_is_said(tmp_path: Path, host: Host) -> None:
    with pytest.raises(NotAnSdk, match="is an SDK of the runtime tensorflow, not of lite"):
        LiteRuntime().fits(library(tmp_path, {"Const": ["ConstantOp"]}), tmp_path / "m.tflite", host)


def test_the_report_counts_ops_and_kernels(tmp_path: Path) -> None:
    sdk = library(tmp_path, {"AddV2": ["a", "b"], "NoOp": []})
    told = CoreJob((), ALL).operators(sdk)
    assert told == {"summary": "2 ops, all their kernels", "ops": {"AddV2": ["a", "b"], "NoOp": []}}
    assert CoreJob((), "AddV2:a").operators(sdk)["summary"].endswith(", cut to the models")
