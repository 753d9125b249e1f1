from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.bench_fakes import case
from tfport.bench.ours import Sdk, open_sdk
from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotAnSdk
from tfport.manifest import CoreManifest, LiteManifest
from tfport.target import load_target

ZULUKO = load_target("zuluko")


def lite(folder: Path, *ops: str) -> Sdk:
    manifest = LiteManifest("2.14.1", "zuluko", dict.fromkeys(ops, (1, 9)), frozenset(), frozenset())
    return Sdk(folder, ZULUKO, manifest, folder, folder)


def test_a_library_that_is_cut_to_other_models_has_no_row(tmp_path: Path) -> None:
    assert lite(tmp_path, "CONV_2D", "DEPTHWISE_CONV_2D").refuses(case(), 1) == ""
    assert "DEPTHWISE_CONV_2D" in lite(tmp_path, "CONV_2D").refuses(case(), 1)


def test_the_core_runtime_has_no_row_for_int8_or_without_a_saved_model(tmp_path: Path) -> None:
    sdk = Sdk(tmp_path, ZULUKO, CoreManifest("2.14.1", "zuluko", {}), tmp_path, tmp_path)
    assert "int8" in sdk.refuses(case("int8"), 1)
    assert "SavedModel" in sdk.refuses(case(), 1)


def test_an_sdk_must_be_one_and_of_the_target(tmp_path: Path) -> None:
    with pytest.raises(NotAnSdk):
        open_sdk(tmp_path, ZULUKO, tmp_path, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tfport-run").touch()
    manifest = tmp_path / MANIFEST
    manifest.parent.mkdir(parents=True)
    facts = {
        "tfport_manifest": 1,
        "version": "2.14.1",
        "target": "zuluko",
        "ops": {},
        "custom": [],
        "xnnpack": [],
    }
    manifest.write_text(json.dumps(facts))
    sdk = open_sdk(tmp_path, ZULUKO, tmp_path, tmp_path)
    assert (sdk.name, sdk.version, sdk.ours) == ("lite", "2.14.1", True)
    with pytest.raises(ModelRefused, match="built for zuluko"):
        open_sdk(tmp_path, load_target("zuluko-vfpv3"), tmp_path, tmp_path)
