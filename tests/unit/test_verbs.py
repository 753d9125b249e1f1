from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tfport import verbs
from tfport.errors import PackagesMissing
from tfport.report import Reporter


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
        verbs.doctor("zuluko", False, out[0])
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
