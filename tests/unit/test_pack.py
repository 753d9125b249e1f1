from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tfport.emulator import Emulator
from tfport.errors import NotAnSdk, PackFailed
from tfport.pack import PROGRAM, pack_models, packed_names

EMULATOR = Emulator((sys.executable,))


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    (tmp_path / "sdk" / PROGRAM).parent.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("fake_packer.py"), tmp_path / "sdk" / PROGRAM)
    return tmp_path / "sdk"


def test_models_of_one_name_get_a_number() -> None:
    paths = [Path("a/net.tflite"), Path("b/net.tflite"), Path("c/net.lite"), Path("d/other.tflite")]
    assert packed_names(paths) == ["net.tflite", "net-2.tflite", "net-3.tflite", "other.tflite"]


def test_every_model_is_packed_into_an_emptied_folder(sdk: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"model")
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "old.tflite").write_bytes(b"")
    facts = pack_models(sdk, [tmp_path / "a.tflite"], EMULATOR, folder)
    assert facts == [{"file_bytes": 7, "weights": 1}]
    assert [path.name for path in folder.iterdir()] == ["a.tflite"]


def test_what_the_packer_says_is_passed_on(
    sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_FAKE_PACK", "refuse")
    with pytest.raises(PackFailed) as caught:
        pack_models(sdk, [tmp_path / "a.tflite"], EMULATOR, tmp_path / "packed")
    assert "a.tflite" in caught.value.what and "packed already" in caught.value.why
    assert "--no-pack-weights" in caught.value.hint


def test_a_folder_without_the_packer_is_no_sdk(tmp_path: Path) -> None:
    with pytest.raises(NotAnSdk, match="tfport-pack"):
        pack_models(tmp_path, [], EMULATOR, tmp_path / "packed")
