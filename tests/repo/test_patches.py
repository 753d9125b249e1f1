"""The patches that are here: headers, numbering, and that each applies to the pinned sources as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from tfport.patch import load_patch, problems
from tfport.recipe import Recipe, load_recipes
from tfport.sources import SourceCache

ROOT = Path(__file__).resolve().parents[2]
RECIPES = load_recipes(ROOT)
PATCHED = [recipe for recipe in RECIPES if recipe.patches]
FILES = sorted(ROOT.glob("patches/**/*.patch"))


def _home() -> Path:
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport"
    return Path(os.environ.get("TFPORT_HOME") or default)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_header_explains_the_patch(path: Path) -> None:
    assert problems(load_patch(path)) == []


def test_every_patch_belongs_to_a_recipe() -> None:
    named = {patch.path for recipe in RECIPES for patch in recipe.patches}
    assert sorted(named) == FILES


@pytest.mark.parametrize("recipe", PATCHED, ids=lambda recipe: recipe.name)
def test_patches_are_applied_in_the_order_of_their_numbers(recipe: Recipe) -> None:
    names = [patch.path.name for patch in recipe.patches]
    assert names == sorted(names)
    assert len({name[:4] for name in names}) == len(names)


@pytest.mark.parametrize("recipe", PATCHED, ids=lambda recipe: recipe.name)
def test_patches_apply_with_neither_fuzz_nor_offset(recipe: Recipe, tmp_path: Path) -> None:
    ref = recipe.sources[0]  # what a recipe takes besides is data
    cache = SourceCache(_home() / "sources")
    with cache.lock(ref.sha256):
        archive = cache.get(ref)
    if archive is None:
        pytest.skip(f"{ref.filename} is not in the cache: run 'build.py fetch'")
    for patch in recipe.patches:
        for change in load_patch(patch.path).changes:
            (tmp_path / patch.base_path / (change.new or change.old)).parent.mkdir(
                parents=True, exist_ok=True
            )
    _unpack(archive, _touched(recipe), tmp_path)
    for patch in recipe.patches:
        # git takes no fuzz; it tells of offsets only when it is asked to be verbose.
        done = subprocess.run(
            ["git", "apply", "--verbose", "--whitespace=nowarn", str(patch.path)],
            cwd=tmp_path / patch.base_path,
            env={**os.environ, "GIT_DIR": str(tmp_path / "no-repository"), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{patch.path.name}: {done.stderr}"
        assert not re.search(r"offset|fuzz", done.stderr), f"{patch.path.name}: {done.stderr}"


def _touched(recipe: Recipe) -> set[str]:
    """Paths below the sources' root that exist before the first patch."""
    names = set()
    for patch in recipe.patches:
        base = PurePosixPath(patch.base_path)
        names |= {str(base / change.old) for change in load_patch(patch.path).changes if change.old}
    return names


def _unpack(archive: Path, names: set[str], folder: Path) -> None:
    """Unpack the named files; the top folder of the archive, where it has one, is left out as Conan does."""
    with tarfile.open(archive) as file:
        for info in file:
            path = PurePosixPath(info.name)
            for name in {str(path), str(PurePosixPath(*path.parts[1:]))} & names if info.isreg() else ():
                stream = file.extractfile(info)
                assert stream is not None
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(stream.read())
