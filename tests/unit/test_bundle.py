from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tfport import bootstrap, bundle
from tfport.bootstrap import BASE, BUILD, REFERENCE, bundle_of, ensure
from tfport.bundle import checked, refuse_unfit, this_python
from tfport.errors import BundleIncomplete
from tfport.sums import SUMS, sums_of, sums_text


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with its lock files."""
    for name in bootstrap.ALL:
        (tmp_path / name).write_text(f"{name} 1\n")
    return tmp_path


@pytest.fixture
def made(tree: Path) -> Path:
    """A whole bundle for it."""
    folder = tree / "bundle"
    (folder / "s").mkdir(parents=True)
    (folder / "s" / ("ab" * 32)).write_bytes(b"a source")
    (folder / bundle.WHEELS).mkdir()
    (folder / bundle.WHEELS / "a-1-py3-none-any.whl").write_bytes(b"a wheel")
    (folder / bundle.LOCKS).mkdir()
    for name in (BUILD, BASE):
        (folder / bundle.LOCKS / name).write_bytes((tree / name).read_bytes())
    (folder / bundle.PYTHON).write_text(this_python() + "\n")
    (folder / SUMS).write_text(sums_text(sums_of(folder)))
    return folder


def test_a_whole_bundle(made: Path, tree: Path) -> None:
    assert checked(made) == made
    refuse_unfit(made, tree, [BUILD, BASE])
    done = subprocess.run(["sha256sum", "-c", "--quiet", SUMS], cwd=made)
    assert done.returncode == 0, "coreutils can check it too"


def test_every_missing_and_every_changed_file_is_named(made: Path) -> None:
    (made / "s" / ("ab" * 32)).unlink()
    (made / bundle.WHEELS / "a-1-py3-none-any.whl").write_bytes(b"a whael")
    with pytest.raises(BundleIncomplete) as caught:
        checked(made)
    assert caught.value.what.startswith("2 of 5 files")
    assert f"missing: s/{'ab' * 32}" in caught.value.why
    assert "changed: wheels/a-1-py3-none-any.whl" in caught.value.why


@pytest.mark.parametrize("how", ["empty", "not there", "a file", "no sums", "other sums"])
def test_what_is_no_bundle(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "folder"
    if how == "empty":
        folder.mkdir()
    elif how == "a file":
        folder.write_text("x")
    elif how in ("no sums", "other sums"):
        folder.mkdir()
        (folder / SUMS).write_text("" if how == "no sums" else "abc  a\n")
    with pytest.raises(BundleIncomplete, match="is no bundle"):
        checked(folder)


def test_of_another_revision_or_without_the_reference(made: Path, tree: Path) -> None:
    with pytest.raises(BundleIncomplete, match="not made for the requirements") as caught:
        refuse_unfit(made, tree, [BUILD, BASE, REFERENCE])
    assert REFERENCE in caught.value.why
    (tree / BASE).write_text("newer\n")
    with pytest.raises(BundleIncomplete, match="not made for the requirements"):
        refuse_unfit(made, tree, [BUILD, BASE])


def test_for_another_python(made: Path, tree: Path) -> None:
    (made / bundle.PYTHON).write_text("3.8 riscv64\n")
    with pytest.raises(BundleIncomplete, match=r"Python 3\.8 riscv64"):
        refuse_unfit(made, tree, [BUILD, BASE])


def test_both_spellings_of_the_option() -> None:
    assert bundle_of(["--offline", "--bundle", "/b", "--json"]) == Path("/b")
    assert bundle_of(["build", "--bundle=/b"]) == Path("/b")
    assert bundle_of(["--target", "zuluko"]) is None


def test_requirements_come_from_the_bundle_only(
    made: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", lambda words, **_: asked.append([str(word) for word in words]))
    monkeypatch.setattr(bootstrap, "make_venv", lambda venv, install_deps: venv.mkdir())
    assert ensure(tree / ".venv", tree, [BUILD, BASE], bundle=made)
    assert len(asked) == 2
    for words in asked:
        assert "--no-index" in words and f"--find-links={made / bundle.WHEELS}" in words


def test_a_damaged_bundle_is_refused_before_anything_is_made(made: Path, tree: Path) -> None:
    (made / bundle.PYTHON).unlink()
    with pytest.raises(BundleIncomplete):
        ensure(tree / ".venv", tree, [BUILD, BASE], bundle=made)
    assert not (tree / ".venv").exists()
