"""The patches that are here: headers, numbering, and that each applies to the pinned sources as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.pinned import apply, archive_of, touched, unpack
from tfport.patch import load_patch, problems
from tfport.recipe import Recipe, load_recipes

ROOT = Path(__file__).resolve().parents[2]
RECIPES = load_recipes(ROOT)
PATCHED = [recipe for recipe in RECIPES if recipe.patches]
FILES = sorted(ROOT.glob("patches/**/*.patch"))


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
    unpack(archive_of(recipe), touched(recipe).__contains__, tmp_path)
    for patch in recipe.patches:
        said = apply(patch, tmp_path)
        assert not re.search(r"offset|fuzz", said), f"{patch.path.name}: {said}"
