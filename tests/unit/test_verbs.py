from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from tests.unit import boards
from tests.unit.core_models import ADD, CONST, core_model
from tests.unit.trees import grow
from tfport import verbs
from tfport.core.model import CoreModel
from tfport.core.symbols import KEEP
from tfport.deploy import MANIFEST
from tfport.doctor import doctor, doctor_board
from tfport.errors import BoardUnreadable, ModelRefused, NoTargetFits, PackagesMissing
from tfport.report import Reporter
from tfport.runtimes import core
from tfport.target import Target


@pytest.fixture
def out() -> tuple[Reporter, io.StringIO]:
    text = io.StringIO()
    return Reporter(console=Console(file=text, width=160)), text


def test_list_names_targets_recipes_and_models(out: tuple[Reporter, io.StringIO]) -> None:
    found = verbs.list_all(out[0])
    assert "zuluko" in found["targets"] and found["recipes"]["eigen"] == "5.0.1"
    assert "squeezenet-int8" in found["models"]
    assert "zuluko-vfpv3" in out[1].getvalue() and "20220623.1" in out[1].getvalue()


def test_doctor_on_a_bare_machine(
    out: tuple[Reporter, io.StringIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "a" / "b"))
    with pytest.raises(PackagesMissing) as caught:
        doctor("zuluko", False, out[0])
    assert "apt-get install" in caught.value.hint and "ninja-build" in caught.value.hint
    assert "missing" in out[1].getvalue() and "GB free" in out[1].getvalue()


def test_clean_removes_what_builds_made_and_nothing_else(
    out: tuple[Reporter, io.StringIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    monkeypatch.setattr(verbs, "ROOT", root)
    monkeypatch.setenv("TFPORT_HOME", str(home))
    for path in (
        root / "dist" / "x",
        root / "build" / "zuluko",
        root / "tfport",
        home / "conan",
        home / "mine",
    ):
        path.mkdir(parents=True)
    verbs.clean(False, out[0])
    assert [path.name for path in sorted(root.iterdir())] == ["build", "tfport"]
    assert [path.name for path in (root / "build").iterdir()] == [".lock"] and (home / "conan").exists()
    verbs.clean(True, out[0])
    assert [path.name for path in home.iterdir()] == ["mine"]
    assert verbs.clean(True, out[0]) == {"removed": []}


def test_check_asks_the_runtime_of_the_sdk(
    out: tuple[Reporter, io.StringIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    sdk = tmp_path / "sdk"
    (sdk / MANIFEST).parent.mkdir(parents=True)
    data = {"tfport_manifest": 1, "runtime": "tensorflow", "target": "zuluko-vfpv3"}
    model = core_model(tmp_path)
    asked: list[Path] = []

    def read(paths: Sequence[Path], host: object) -> tuple[CoreModel, ...]:
        asked.extend(paths)
        return (model,)

    monkeypatch.setattr(core, "read_core_models", read)
    checked: list[tuple[str, object]] = []

    class Facts:
        def as_dict(self) -> dict[str, int]:
            return {"code_size": 1}

    def check_sdk(sdk: Path, target: Target, keep: object) -> Facts:
        checked.append((target.name, keep))
        return Facts()

    monkeypatch.setattr(verbs, "check_sdk", check_sdk)
    monkeypatch.chdir(tmp_path)
    ops = {"AddV2": [ADD[1]], "Const": [CONST[1]]}
    (sdk / MANIFEST).write_text(json.dumps({**data, "ops": ops}))
    assert verbs.check(sdk, [Path("add.pb")], None, out[0])["check"] == {}
    assert asked == [tmp_path / "add.pb"], "host TensorFlow runs in another folder"
    assert "add.pb runs: all its 2 ops" in out[1].getvalue() and checked == []
    assert verbs.check(sdk, [], None, out[0])["check"] == {"code_size": 1}
    assert checked == [("zuluko-vfpv3", KEEP)]
    (sdk / MANIFEST).write_text(json.dumps({**data, "ops": {"AddV2": ["Other"]}}))
    with pytest.raises(ModelRefused) as caught:
        verbs.check(sdk, [Path("add.pb")], None, out[0])
    assert len(caught.value.why.splitlines()) == 2


def test_doctor_names_the_target_for_a_board(out: tuple[Reporter, io.StringIO], tmp_path: Path) -> None:
    grow(tmp_path, {"cpuinfo": boards.CORTEX_A9, "ldd": boards.DEBIAN_10})
    found = doctor_board(tmp_path / "cpuinfo", tmp_path / "ldd", None, out[0])
    assert found["target"] == "zuluko-vfpv3"
    text = out[1].getvalue()
    assert "the right one" in text and "SIGILL" in text and "--target zuluko-vfpv3" in text


def test_doctor_refuses_a_board_that_nothing_fits(out: tuple[Reporter, io.StringIO], tmp_path: Path) -> None:
    grow(tmp_path, {"cpuinfo": boards.PI_ZERO})
    with pytest.raises(NoTargetFits):
        doctor_board(tmp_path / "cpuinfo", None, None, out[0])
    assert "ARMv6" in out[1].getvalue()
    with pytest.raises(BoardUnreadable):
        doctor_board(tmp_path / "nothing", None, None, out[0])
