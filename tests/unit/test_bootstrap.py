from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tfport import bootstrap
from tfport.bootstrap import ALL, BASE, BUILD, DEV, REFERENCE, ensure, wanted
from tfport.errors import RequirementsFailed, VenvMissing

FAKE = """#!/bin/sh
echo "$@" >> {log}
case "$*" in *fails*) echo "ERROR: no matching distribution" >&2; exit 1;; esac
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with lock files whose venv holds a fake Python that notes what it is asked to do."""
    for name in ALL:
        (tmp_path / name).write_text(f"{name} 1\n")

    def fake_venv(venv: Path, *, install_deps: bool) -> None:
        python = venv / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        (venv / "installed").unlink(missing_ok=True)
        python.write_text(FAKE.format(log=tmp_path / "calls"))
        python.chmod(0o755)
        with (tmp_path / "calls").open("a") as log:
            log.write("venv\n")

    monkeypatch.setattr(bootstrap, "make_venv", fake_venv)
    return tmp_path


def calls(tree: Path) -> list[str]:
    """What was done since the last look: "venv", or the lock files of one pip run."""
    log = tree / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [
        line if line == "venv" else " ".join(w for w in ALL if f"{w}" in line.replace(f"{tree}/", "").split())
        for line in lines
    ]


def run(tree: Path, *names: str) -> list[str]:
    ensure(tree / ".venv", tree, list(names))
    return calls(tree)


def test_what_each_verb_needs() -> None:
    assert wanted([]) == wanted(["--target", "zuluko"]) == [BUILD, BASE, REFERENCE]
    assert wanted(["build", "--no-reference"]) == wanted(["list"]) == wanted(["doctor"]) == [BUILD, BASE]
    assert wanted(["test"]) == [BUILD, BASE, REFERENCE, DEV]
    assert wanted(["test", "--no-reference"]) == [BUILD, BASE, DEV]


def test_first_use_installs_and_the_second_does_nothing(tree: Path) -> None:
    assert run(tree, BUILD, BASE, REFERENCE) == ["venv", BUILD, f"{BASE} {REFERENCE}"]
    assert run(tree, BUILD, BASE, REFERENCE) == []
    assert run(tree, BUILD, BASE) == []


def test_tests_are_added_without_a_new_venv(tree: Path) -> None:
    run(tree, BUILD, BASE, REFERENCE)
    assert run(tree, BUILD, BASE, REFERENCE, DEV) == [BUILD, f"{BASE} {REFERENCE} {DEV}"]
    assert run(tree, BUILD, BASE) == run(tree, BUILD, BASE, REFERENCE, DEV) == []


def test_the_reference_makes_the_venv_anew(tree: Path) -> None:
    run(tree, BUILD, BASE)
    assert run(tree, BUILD, BASE, REFERENCE)[0] == "venv"


def test_a_changed_lock_makes_the_venv_anew(tree: Path) -> None:
    run(tree, BUILD, BASE)
    (tree / BASE).write_text("other\n")
    assert run(tree, BUILD, BASE) == ["venv", BUILD, BASE]


def test_a_python_that_is_gone_makes_the_venv_anew(tree: Path) -> None:
    run(tree, BUILD, BASE)
    (tree / ".venv" / "bin" / "python").unlink()
    assert run(tree, BUILD, BASE)[0] == "venv"


def test_a_failed_installation_is_done_again(tree: Path) -> None:
    bad = tree / "fails"
    bad.mkdir()
    for name in ALL:
        (bad / name).write_text("x")
    with pytest.raises(RequirementsFailed) as caught:
        ensure(tree / ".venv", bad, [BUILD, BASE])
    assert "no matching distribution" in caught.value.why and "pip.log" in caught.value.hint
    assert not (tree / ".venv" / "installed").exists()


def test_missing_venv_module_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(VenvMissing) as caught:
        bootstrap.make_venv(tmp_path / "venv", install_deps=False)
    assert f"python3.{sys.version_info[1]}-venv" in caught.value.hint
    assert "--install-deps" in caught.value.hint and not (tmp_path / "venv").exists()
