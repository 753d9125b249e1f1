from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.core_models import ADD, CONST, core_model
from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotAnSdk
from tfport.manifest import (
    CoreManifest,
    LiteManifest,
    manifest_of,
    read_manifest,
    refuse_unfit,
    refuse_unportable,
)
from tfport.model import LiteModel, OpUse
from tfport.target import ROOT

TEXT = json.dumps(
    {
        "tfport_manifest": 1,
        "version": "2.14.1",
        "target": "zuluko",
        "ops": {"ADD": [1, 5], "CONV_2D": [1, 8]},
        "custom": ["Mfcc"],
        "xnnpack": ["ADD"],
    }
)


CORE = json.dumps(
    {
        "tfport_manifest": 1,
        "runtime": "tensorflow",
        "version": "2.14.1",
        "target": "zuluko-vfpv3",
        "ops": {"AddV2": ["BinaryOp<CPUDevice, functor::add<float>>"], "NoOp": ["NoOp"]},
    }
)


class Model:
    """As much of a LiteModel as the check looks at."""

    def __init__(self, *ops: OpUse) -> None:
        self.path, self.ops = Path("new.tflite"), ops


def model(*ops: OpUse) -> LiteModel:
    return Model(*ops)  # type: ignore[return-value]


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    path = tmp_path / "sdk" / MANIFEST
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    return tmp_path / "sdk"


def test_read_from_a_folder(sdk: Path) -> None:
    manifest = manifest_of(LiteManifest, sdk)
    assert manifest.ops == {"ADD": (1, 5), "CONV_2D": (1, 8)} and manifest.target == "zuluko"
    assert manifest.custom == {"Mfcc"} and manifest.xnnpack == {"ADD"}


def test_read_from_the_bytes_of_an_archive(tmp_path: Path, sdk: Path) -> None:
    archive = tmp_path / "lib.a"
    archive.write_bytes(b"!<arch>\n\xff\x00" + TEXT.encode() + b"\0rest\xff{")
    assert read_manifest(archive) == read_manifest(sdk)


def test_a_core_library_is_told_by_its_runtime(tmp_path: Path) -> None:
    (tmp_path / "lib.a").write_bytes(b"!<arch>\n\xff\x00" + CORE.encode() + b"\0rest\xff{")
    manifest = manifest_of(CoreManifest, tmp_path / "lib.a")
    assert (manifest.runtime, manifest.version, manifest.target) == ("tensorflow", "2.14.1", "zuluko-vfpv3")
    assert manifest.ops == {"AddV2": ("BinaryOp<CPUDevice, functor::add<float>>",), "NoOp": ("NoOp",)}
    with pytest.raises(NotAnSdk, match="of the runtime tensorflow, not of lite"):
        manifest_of(LiteManifest, tmp_path / "lib.a")


def test_ops_and_kernels_that_a_core_library_lacks(tmp_path: Path) -> None:
    (tmp_path / "lib.a").write_bytes(CORE.encode())
    manifest = manifest_of(CoreManifest, tmp_path / "lib.a")
    spelled = ("AddV2", "BinaryOp<CPUDevice,functor::add<float>>")  # spaces do not count
    refuse_unfit(core_model(tmp_path, kernels=(ADD, spelled, ("NoOp", ""))), manifest)
    double = ("AddV2", "BinaryOp<CPUDevice, functor::add<double>>")
    with pytest.raises(ModelRefused) as caught:
        refuse_unfit(core_model(tmp_path, kernels=(ADD, double, CONST, ("Const", "Other"))), manifest)
    assert caught.value.why.splitlines() == [
        "AddV2: the library has no kernel BinaryOp<CPUDevice, functor::add<double>> (node model/sum)",
        "Const: not in the library (node model/one)",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"tfport_manifest": 1}',
        TEXT[:-9].encode(),
        b'{"tfport_manifest": 1, "runtime": "acl", "ops": {}}',
        CORE[:-9].encode(),
    ],
)
def test_what_is_no_manifest_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(NotAnSdk):
        read_manifest(tmp_path / "x")


def test_a_missing_sdk_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotAnSdk, match="holds no library"):
        read_manifest(tmp_path)


def test_a_model_that_fits(sdk: Path) -> None:
    fits = model(OpUse("ADD", 2, False, ()), OpUse("CONV_2D", 8, False, ()), OpUse("Mfcc", 1, True, ()))
    refuse_unfit(fits, manifest_of(LiteManifest, sdk))


def test_every_op_that_is_missing_is_named(sdk: Path) -> None:
    bad = model(OpUse("ADD", 6, False, ()), OpUse("WHERE", 1, False, ()), OpUse("MyOp", 1, True, ()))
    with pytest.raises(ModelRefused) as caught:
        refuse_unfit(bad, manifest_of(LiteManifest, sdk))
    assert caught.value.why.splitlines() == [
        "ADD: the model needs version 6, the library has 1 to 5",
        "WHERE: not in the library",
        "custom op MyOp: not in the library; register it in your program",
    ]
    assert "needs 3 operators" in caught.value.what


def test_what_no_build_of_the_port_runs_is_refused() -> None:
    runs = model(OpUse("ADD", 1, False, ()), OpUse("Mfcc", 1, True, ()))
    refuse_unportable(runs, ROOT)
    with pytest.raises(ModelRefused) as caught:
        refuse_unportable(model(OpUse("ADD", 99, False, ()), OpUse("MyOp", 1, True, ())), ROOT)
    assert "ADD: the model needs version 99" in caught.value.why and "custom op MyOp" in caught.value.why
    assert "without --model" in caught.value.hint
