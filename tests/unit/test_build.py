"""The front door: which Python it takes, and that an old one gets as far as a message."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build.py"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_front_door", BUILD)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(folder: Path, version: str, *, venv: bool = True, works: bool = True) -> str:
    """A fake Python that answers the probe as one of ``version`` does."""
    path = folder / f"python-{version}-{venv}-{works}"
    prints = f"echo {version}" if works else "echo 'command not found' >&2; exit 127"
    path.write_text(f"#!/bin/sh\n{prints}\nexit {0 if venv else 1}\n")
    path.chmod(0o755)
    return str(path)


def test_the_first_that_fits_is_taken(build: ModuleType, tmp_path: Path) -> None:
    paths = [python(tmp_path, version) for version in ("3.8", "3.12", "3.10", "3.11")]
    assert build.find_python((3, 11), paths) == paths[2]
    assert build.find_python((3, 99), paths) == paths[1]


def test_one_without_venv_is_the_last_resort(build: ModuleType, tmp_path: Path) -> None:
    bare, whole = python(tmp_path, "3.11", venv=False), python(tmp_path, "3.9")
    assert build.find_python((3, 11), [bare, whole]) == whole
    assert build.find_python((3, 11), [bare]) == bare


def test_broken_and_missing_ones_are_passed_over(build: ModuleType, tmp_path: Path) -> None:
    shim, good = python(tmp_path, "3.10", works=False), python(tmp_path, "3.11")
    assert build.find_python((3, 11), [str(tmp_path / "none"), shim, good]) == good
    assert build.find_python((3, 11), [str(tmp_path / "none"), shim]) is None


def test_this_python_comes_first_and_pyenv_is_looked_into(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "versions" / "3.10.7" / "bin" / "python"
    hidden.parent.mkdir(parents=True)
    hidden.touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    paths = list(build.candidates())
    assert paths[0] == sys.executable and paths[-1] == str(hidden) and "python3.9" in paths


def test_it_is_short_and_old_pythons_can_read_it() -> None:
    text = BUILD.read_text()
    assert len(text.splitlines()) < 60
    tree = ast.parse(text)
    modern = (ast.AnnAssign, ast.JoinedStr, ast.NamedExpr, ast.AsyncFunctionDef, ast.Starred)
    assert not [node for node in ast.walk(tree) if isinstance(node, modern)]
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"glob", "os", "subprocess", "sys"}


def test_a_machine_without_a_fitting_python_is_told_which_one(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import build\n"
        "build.candidates = lambda: iter([])\nbuild.main(['--target', 'zuluko'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 24
    assert "no Python 3.9 to 3.11" in done.stderr and "apt-get install python3" in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
