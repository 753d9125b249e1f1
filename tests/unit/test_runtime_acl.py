"""The Arm Compute Library as a runtime: what it takes, what it refuses, what an SDK says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.lite_graphs import N, T, lite_model
from tfport.acl.sdk_acl import split_ops
from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotCompilable, NotOffered
from tfport.host import Host
from tfport.plan import Request, make_plan
from tfport.runtimes import runtime_named
from tfport.target import ROOT


def relu(path: Path, op: str = "RELU") -> Path:
    path.write_bytes(lite_model([T((1, 4, 4, 8))] * 2, [N(op, (0,), (1,))], [0], [1]))
    return path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "models", tmp_path / "tensorflow.log")


def test_a_model_becomes_a_job(tmp_path: Path, host: Host) -> None:
    job = runtime_named("acl").job([relu(tmp_path / "my net.tflite")], False, ROOT, host)
    assert job.folder == "acl-my_net"
    operators, data_types, digest, _ = split_ops(job.ops)
    assert (operators, data_types) == (["Activation"], ["fp32", "integer"])
    assert Path(job.options["engine"]) == tmp_path / "models" / f"acl-{digest}"
    assert (tmp_path / "models" / f"acl-{digest}" / "engine.cc").is_file()


@pytest.mark.parametrize("count", [0, 2])
def test_it_takes_one_model(count: int, tmp_path: Path, host: Host) -> None:
    paths = [relu(tmp_path / f"{k}.tflite") for k in range(count)]
    with pytest.raises(NotOffered, match=f"one --model, not {count}"):
        runtime_named("acl").job(paths, False, ROOT, host)


def test_what_cannot_be_compiled_leaves_nothing_behind(tmp_path: Path, host: Host) -> None:
    with pytest.raises(NotCompilable) as caught:
        runtime_named("acl").job([relu(tmp_path / "net.tflite", "COS")], False, ROOT, host)
    assert "COS (node 0)" in caught.value.why
    assert not (tmp_path / "models").exists()


def test_it_is_for_linux(tmp_path: Path) -> None:
    model = relu(tmp_path / "net.tflite")
    with pytest.raises(NotOffered, match="not offered for zuluko-baremetal"):
        make_plan(Request("zuluko-baremetal", "acl", (model,)))


def test_an_sdk_knows_the_model_inside(tmp_path: Path, host: Host) -> None:
    runtime = runtime_named("acl")
    model = relu(tmp_path / "net.tflite")
    operators, data_types, _, sha256 = split_ops(runtime.job([model], False, ROOT, host).ops)
    path = tmp_path / "sdk" / MANIFEST
    path.parent.mkdir(parents=True)
    about = {"tfport_manifest": 1, "runtime": "acl", "version": "24.11", "target": "zuluko"}
    path.write_text(json.dumps({**about, "operators": operators, "data_types": data_types, "model": sha256}))
    assert "it is the model" in runtime.fits(tmp_path / "sdk", model, host)
    renamed = model.rename(tmp_path / "renamed.tflite")
    assert "it is the model" in runtime.fits(tmp_path / "sdk", renamed, host)
    with pytest.raises(ModelRefused, match="is not the model that was compiled"):
        runtime.fits(tmp_path / "sdk", relu(tmp_path / "other.tflite", "TANH"), host)
