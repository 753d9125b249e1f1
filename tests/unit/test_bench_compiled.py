"""Compiled models in the bench: ours as one engine, and the same graph for Debian's library."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.bench_fakes import FakeEngine, case
from tests.unit.lite_graphs import N, T
from tests.unit.lite_graphs import lite_model as lite_file
from tfport.acl.generate import compile_model
from tfport.bench.arm_compute import ArmComputePeer
from tfport.bench.cases import Case
from tfport.bench.compiled import CompiledModels, compilable, gathered, is_compiled
from tfport.bench.ours import Sdk
from tfport.deploy import MANIFEST
from tfport.manifest import AclManifest, LiteManifest
from tfport.model import read_tflite
from tfport.target import load_target

ZULUKO = load_target("zuluko")


def acl(folder: Path, model: str) -> Sdk:
    return Sdk(folder, ZULUKO, AclManifest("24.11", "zuluko", (), (), model), folder, folder)


def of(path: Path) -> Case:
    return replace(case(), lite=read_tflite(path))


def relu(path: Path, op: str = "RELU") -> Path:
    path.write_bytes(lite_file([T((1, 4, 4, 8))] * 2, [N(op, (0,), (1,))], [0], [1]))
    return path


def convolution(path: Path) -> Path:
    tensors = [T((1, 4, 4, 8)), T((4, 1, 1, 8), data=[0.5] * 32), T((4,), data=[0.0] * 4), T((1, 4, 4, 4))]
    options = ((0, b"\x00"), (1, 1), (2, 1), (3, b"\x00"), (4, 1), (5, 1))
    path.write_bytes(lite_file(tensors, [N("CONV_2D", (0, 1, 2), (3,), options)], [0], [3]))
    return path


def test_every_case_finds_its_own_model(tmp_path: Path) -> None:
    one, two = (relu(tmp_path / f"{op}.tflite", op) for op in ("RELU", "TANH"))
    engine = CompiledModels([acl(tmp_path, read_tflite(one).sha256)])
    assert (engine.name, engine.version, engine.ours) == ("acl", "24.11", True)
    assert engine.refuses(of(one), 4) == ""
    assert engine.refuses(of(two), 1) == "no library at hand is this model, compiled"


def test_compiled_models_are_one_engine_among_others(tmp_path: Path) -> None:
    lite = Sdk(
        tmp_path, ZULUKO, LiteManifest("2", "zuluko", {}, frozenset(), frozenset()), tmp_path, tmp_path
    )
    fake = FakeEngine()
    found = gathered([lite, acl(tmp_path, "a"), fake, acl(tmp_path, "b")])
    assert [found[0], found[2]] == [lite, fake] and len(found) == 3
    assert isinstance(found[1], CompiledModels) and len(found[1].sdks) == 2


def test_only_what_can_be_compiled_is_built(tmp_path: Path) -> None:
    good, bad = relu(tmp_path / "good.tflite"), relu(tmp_path / "bad.tflite", "COS")
    assert compilable([of(good), of(bad)]) == [good]


def test_a_folder_of_another_model_is_built_again(tmp_path: Path) -> None:
    model = relu(tmp_path / "net.tflite")
    assert not is_compiled(model, tmp_path)
    manifest = tmp_path / MANIFEST
    manifest.parent.mkdir(parents=True)
    about = {"tfport_manifest": 1, "runtime": "acl", "operators": [], "data_types": []}
    for sha256 in ("0" * 64, read_tflite(model).sha256):
        manifest.write_text(json.dumps({**about, "model": sha256}))
        assert is_compiled(model, tmp_path) == (sha256 != "0" * 64)


def test_the_librarys_own_choice_of_convolution_runs_on_our_graph(tmp_path: Path) -> None:
    compiled = compile_model(convolution(tmp_path / "net.tflite"))
    peer = ArmComputePeer(ZULUKO, tmp_path, tmp_path, tmp_path)
    ours, its = compiled.files["engine.cc"].decode(), peer.source(compiled).decode()
    assert "NEGEMMConvolutionLayer" in ours and "NEGEMM" not in its
    assert its == ours.replace("NEGEMMConvolutionLayer", "NEConvolutionLayer")


def test_the_peer_runs_one_thread_and_what_can_be_compiled(tmp_path: Path) -> None:
    peer = ArmComputePeer(ZULUKO, tmp_path, tmp_path, tmp_path)
    assert peer.refuses(of(relu(tmp_path / "good.tflite")), 1) == ""
    assert "one thread" in peer.refuses(of(relu(tmp_path / "good.tflite")), 4)
    assert "COS (node 0)" in peer.refuses(of(relu(tmp_path / "bad.tflite", "COS")), 1)


def test_a_compiler_that_fails_leaves_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = ArmComputePeer(ZULUKO, tmp_path / "root", tmp_path / "tools", tmp_path / "work")
    monkeypatch.setattr("tfport.bench.guest_build.command.run", lambda *words, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        peer.program(compile_model(relu(tmp_path / "net.tflite")))
    assert list((tmp_path / "tools").iterdir()) == []
