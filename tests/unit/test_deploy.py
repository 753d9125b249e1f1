from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tfport import deploy as module
from tfport.deploy import (
    MANIFEST,
    Stamp,
    deploy,
    digest_inputs,
    hash_files,
    is_current,
    read_stamp,
    write_stamp,
)
from tfport.errors import NotAnSdk


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def package(folder: Path, text: str = "1") -> Path:
    return tree(folder, {"lib/a.a": text, str(MANIFEST): "{}", "conaninfo.txt": "", "conanmanifest.txt": ""})


def test_a_copy_without_conans_own_files(tmp_path: Path) -> None:
    deploy(package(tmp_path / "p"), tmp_path / "dist" / "lite")
    assert set(hash_files(tmp_path / "dist" / "lite")) == {"lib/a.a", str(MANIFEST)}
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["lite"]


def test_what_travels_along_is_part_of_the_sdk(tmp_path: Path) -> None:
    model = tree(tmp_path / "cache" / "model", {"saved_model.pb": "g", "variables/v.index": "i"})
    sdk = tmp_path / "dist" / "tensorflow"
    deploy(package(tmp_path / "p"), sdk, {"share/tfport/models/net": model})
    stamp = Stamp("inputs", hash_files(sdk), {})
    assert {"share/tfport/models/net/saved_model.pb", "share/tfport/models/net/variables/v.index"} <= set(
        stamp.files
    )
    assert is_current(stamp, "inputs", sdk)
    (sdk / "share/tfport/models/net/saved_model.pb").write_text("other")
    assert not is_current(stamp, "inputs", sdk)
    deploy(package(tmp_path / "p"), sdk)
    assert not (sdk / "share/tfport/models").exists(), "models of an older build do not stay"


def test_an_older_sdk_is_replaced_whole(tmp_path: Path) -> None:
    sdk = tmp_path / "lite"
    deploy(tree(package(tmp_path / "p"), {"lib/gone.a": ""}), sdk)
    deploy(package(tmp_path / "q", "2"), sdk)
    assert (sdk / "lib/a.a").read_text() == "2" and not (sdk / "lib/gone.a").exists()


def test_an_interrupted_copy_leaves_the_old_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = tmp_path / "dist" / "lite"
    deploy(package(tmp_path / "p"), sdk)

    def interrupted(source: Path, target: Path, **_: object) -> None:
        (target / "lib").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "copytree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            deploy(package(tmp_path / "q", "2"), sdk)
    assert (sdk / "lib/a.a").read_text() == "1"
    deploy(package(tmp_path / "q", "2"), sdk)
    assert (sdk / "lib/a.a").read_text() == "2"
    assert [path.name for path in sdk.parent.iterdir()] == ["lite"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    home = tree(tmp_path / "home", {"thesis.tex": "years of work"})
    with pytest.raises(NotAnSdk, match="is not an SDK"):
        deploy(package(tmp_path / "p"), home)
    assert (home / "thesis.tex").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAnSdk):
        deploy(tmp_path / "p", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    deploy(tmp_path / "p", tmp_path / "empty")


def test_a_stamp_holds_until_a_file_changes(tmp_path: Path) -> None:
    sdk, path = tmp_path / "lite", tmp_path / "stamps" / "x.json"
    deploy(package(tmp_path / "p"), sdk)
    write_stamp(path, Stamp("inputs", hash_files(sdk), {"size": 3}))
    stamp = read_stamp(path)
    assert stamp is not None and stamp.facts == {"size": 3}
    assert is_current(stamp, "inputs", sdk) and not is_current(stamp, "other", sdk)
    (sdk / "report.json").write_text("{}")
    assert is_current(stamp, "inputs", sdk)
    (sdk / "lib/a.a").write_text("x")
    assert not is_current(stamp, "inputs", sdk)
    shutil.rmtree(sdk)
    assert not is_current(stamp, "inputs", sdk)


@pytest.mark.parametrize("text", [None, "", "{", "{}", '{"inputs": 1, "files": 2, "facts": 3}'])
def test_an_unreadable_stamp_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "s.json").write_text(text)
    assert read_stamp(tmp_path / "s.json") is None


def test_the_digest_sees_names_and_bytes_not_times(tmp_path: Path) -> None:
    one = tree(tmp_path / "1" / "recipes", {"a/b.py": "x", "a/__pycache__/b.pyc": "1", "a/tests/t.py": "1"})
    two = tree(tmp_path / "2" / "recipes", {"a/b.py": "x", "a/__pycache__/b.pyc": "2"})
    base = digest_inputs([one], ["flags"])
    assert digest_inputs([two], ["flags"]) == base
    assert digest_inputs([one], ["flag", "s"]) != base
    tree(two, {"a/b.py": "y"})
    assert digest_inputs([two], ["flags"]) != base
    tree(two, {"a/b.py": "x", "a/c.py": ""})
    assert digest_inputs([two], ["flags"]) != base
