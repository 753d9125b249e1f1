"""A bundle of a small tree, made by real pip from a folder, then used where there is no network at all."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from tests.integration.small_pack import quiet
from tfport import bundle
from tfport.bootstrap import BASE, BUILD
from tfport.bundle import checked
from tfport.bundle_make import make_bundle
from tfport.errors import BundleIncomplete, NoNetwork, NotOffered, RequirementsFailed
from tfport.sources import SourceCache, SourceRef, fetch
from tfport.target import ROOT

CUT_OFF = ["unshare", "--user", "--map-root-user", "--net"]
SOURCE = b"what a recipe compiles"
DATA = """\
sources:
  '1.0':
    sha256: {sha256}
    url: https://example.invalid/tiny-1.0.tar.gz
"""
needs_namespaces = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*CUT_OFF, "true"], capture_output=True).returncode != 0,
    reason="this machine makes no network namespace for its users",
)


def wheel(folder: Path, name: str) -> str:
    """A wheel with one module; its line in a lock file."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "ANSWER = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}\n")
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip takes wheels: a folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def tree(tmp_path: Path, index: Path) -> Path:
    """A tree with one recipe, no models, and two lock files; its source is in the cache."""
    root = tmp_path / "tree"
    recipe = root / "recipes" / "tiny"
    (recipe / "all").mkdir(parents=True)
    (recipe / "config.yml").write_text('versions:\n  "1.0":\n    folder: all\n')
    (recipe / "all" / "conanfile.py").write_text("")
    (root / "patches").mkdir()
    sha256 = hashlib.sha256(SOURCE).hexdigest()
    (recipe / "all" / "conandata.yml").write_text(DATA.format(sha256=sha256))
    (root / "models").mkdir()
    (root / "models" / "models.toml").write_text("schema = 1\n")
    (root / BUILD).write_text(wheel(index, "tiny_backend"))
    (root / BASE).write_text(wheel(index, "tiny_library"))
    file = tmp_path / "tiny-1.0.tar.gz"
    file.write_bytes(SOURCE)
    SourceCache(tmp_path / "home" / "sources").copy_in(ref(), file)
    return root


def ref() -> SourceRef:
    return SourceRef("https://example.invalid/tiny-1.0.tar.gz", hashlib.sha256(SOURCE).hexdigest())


def made(tree: Path) -> Path:
    folder = tree.parent / "bundle"
    make_bundle(folder, tree.parent / "home", quiet()[0], reference=False, root=tree)
    return folder


def test_what_is_in_it(tree: Path) -> None:
    folder = checked(made(tree))
    assert sorted(path.name for path in (folder / bundle.WHEELS).iterdir()) == [
        "tiny_backend-1.0-py3-none-any.whl",
        "tiny_library-1.0-py3-none-any.whl",
    ]
    cold = SourceCache(tree.parent / "cold")
    [path] = fetch([ref()], cold, offline=True, bundle=folder)
    assert path.read_bytes() == SOURCE
    again = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path: path.read_bytes() for path in made(tree).rglob("*") if path.is_file()} == again


def test_a_wheel_that_is_not_the_locked_one_makes_no_bundle(tree: Path, index: Path) -> None:
    (index / "tiny_library-1.0-py3-none-any.whl").write_bytes(
        (index / "tiny_backend-1.0-py3-none-any.whl").read_bytes()
    )
    with pytest.raises(RequirementsFailed):
        made(tree)
    assert [path.name for path in tree.parent.glob("*bundle*")] == []


def test_a_source_that_cannot_be_had_makes_no_bundle(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tree.parent / "home")
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NoNetwork):
        made(tree)
    assert [path.name for path in tree.parent.glob("*bundle*")] == []


def test_a_folder_with_something_else_in_it_is_left(tree: Path) -> None:
    (tree.parent / "bundle").mkdir()
    (tree.parent / "bundle" / "mine").write_text("x")
    with pytest.raises(NotOffered):
        made(tree)
    assert (tree.parent / "bundle" / "mine").read_text() == "x"


@needs_namespaces
def test_requirements_are_installed_with_no_network_interface(tree: Path) -> None:
    folder = made(tree)
    code = f"""
        import pathlib, socket, sys
        sys.path.insert(0, {str(ROOT)!r})
        from tfport.bootstrap import BASE, BUILD, ensure
        try:
            socket.create_connection(("192.0.2.1", 80), 1)
        except OSError as error:
            print(error.errno)
        root = pathlib.Path({str(tree)!r})
        for name in ("requirements-reference.lock", "requirements-dev.lock"):
            (root / name).touch()
        ensure(root / ".venv", root, [BUILD, BASE], bundle=pathlib.Path({str(folder)!r}))
    """
    words = [*CUT_OFF, sys.executable, "-I", "-B", "-c", textwrap.dedent(code)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["101"], "network is unreachable"
    python = tree / ".venv" / "bin" / "python"
    answer = subprocess.run(
        [python, "-c", "import tiny_library, tiny_backend; print(tiny_library.ANSWER)"],
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "42\n", answer.stderr


def test_a_damaged_bundle_is_refused(tree: Path) -> None:
    folder = made(tree)
    next((folder / "s").iterdir()).write_bytes(b"another source")
    with pytest.raises(BundleIncomplete, match="1 of 6 files"):
        checked(folder)
