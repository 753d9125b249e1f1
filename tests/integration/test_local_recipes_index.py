"""Somebody else's Conan takes the recipes from a clone of this repository, added as a remote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tfport.recipe import Recipe, load_recipe, load_recipes
from tfport.sources import SourceCache

pytest.importorskip("conan")

ROOT = Path(__file__).resolve().parents[2]
RECIPES = load_recipes(ROOT)


def _sources() -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport"
    return Path(os.environ.get("TFPORT_HOME") or default) / "sources"


class _Outsider:
    """A Conan home that knows one remote: a clone of the repository's last commit."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, self.clone], check=True)
        self.home.mkdir()
        (self.home / "remotes.json").write_text('{"remotes": []}')
        (self.home / "global.conf").write_text(
            f"core.sources:download_cache={_sources()}\ncore:non_interactive=True\n"
        )
        self.conan("remote", "add", "tfport", str(self.clone), "--type", "local-recipes-index")

    def conan(self, *words: str) -> Any:
        """Run Conan; what it prints as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "conans.conan", *words],
            cwd=self.home,
            env={**os.environ, "CONAN_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if "--format=json" in words else None

    def revision(self, recipe: Recipe) -> str:
        """The recipe's revision as the remote gives it."""
        listed = self.conan("list", f"{recipe.reference}#latest", "--remote=tfport", "--format=json")
        (revision,) = listed["tfport"][recipe.reference]["revisions"]
        return str(revision)

    def exported(self, recipe: Recipe) -> str:
        """The recipe's revision as ``conan export`` gives it, which is what a build of ours does."""
        folder = self.clone / recipe.folder.relative_to(ROOT)
        words = ("--name", recipe.name, "--version", recipe.version, "--format=json")
        return str(self.conan("export", str(folder), *words)["reference"].partition("#")[2])


@pytest.fixture(scope="module")
def outsider(tmp_path_factory: pytest.TempPathFactory) -> _Outsider:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git repository")
    return _Outsider(tmp_path_factory.mktemp("outsider"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_remote_gives_the_same_revision_as_export(outsider: _Outsider, recipe: Recipe) -> None:
    if not (outsider.clone / recipe.folder.relative_to(ROOT)).is_dir():
        pytest.skip("not committed yet")
    assert outsider.revision(recipe) == outsider.exported(recipe)


@pytest.mark.parametrize("name", ["eigen", "kissfft"])
def test_the_remote_installs(outsider: _Outsider, name: str) -> None:
    recipe = load_recipe(ROOT, name)
    if not all(map(shutil.which, ("cc", "cmake"))):
        pytest.skip("no compiler for this machine, or no cmake")
    cache = SourceCache(_sources())
    for ref in recipe.sources:
        with cache.lock(ref.sha256):
            if cache.get(ref) is None:
                pytest.skip(f"{ref.filename} is not in the cache: run 'build.py fetch'")
    outsider.conan("profile", "detect", "--exist-ok")
    outsider.conan("remove", recipe.reference, "--confirm")
    graph = outsider.conan(
        "install",
        f"--requires={recipe.reference}",
        "--remote=tfport",
        "--build=missing",
        "--format=json",
    )
    (node,) = (node for node in graph["graph"]["nodes"].values() if node["name"] == name)
    assert (node["recipe"], node["binary"]) == ("Downloaded", "Build")
    package = Path(node["package_folder"])
    assert list((package / "licenses").iterdir())
    assert list((package / "include").rglob("kiss_fftndr.h" if name == "kissfft" else "Tensor"))
