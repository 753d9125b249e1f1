"""The recipes that are here: their schema, their pins, and that no file names a registry's host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tfport.recipe import Recipe, canonical, closure, load_recipes
from tfport.sources.ref import UrlOrigin

ROOT = Path(__file__).resolve().parents[2]
RECIPES = load_recipes(ROOT)
NAMES = [recipe.name for recipe in RECIPES]
# Joined here, since no file may hold them, this one included.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("deb", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("security", "debian", "org"),
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("center2", "conan", "io"),
        ("center", "conan", "io"),
    )
]


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_layout_is_that_of_a_local_recipes_index(recipe: Recipe) -> None:
    assert recipe.folder == ROOT / "recipes" / recipe.name / "all"
    assert (recipe.folder / "test_package" / "conanfile.py").is_file()


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_name_in_the_recipe_is_that_of_its_folder(recipe: Recipe) -> None:
    text = (recipe.folder / "conanfile.py").read_text(encoding="utf-8")
    assert re.search(r'^    name = "(.+)"$', text, re.MULTILINE)[1] == recipe.name  # type: ignore[index]
    assert re.search(r'^    license = [("]', text, re.MULTILINE), "which licence?"
    assert "replace_in_file" not in text, "that is a patch's work"
    assert len(text.splitlines()) < 100, "a recipe is a fact sheet"


METHODS = [
    "export_sources",
    "config_options",
    "configure",
    "layout",
    "requirements",
    "build_requirements",
    "package_id",
    "validate",
    "source",
    "generate",
    "build",
    "package",
    "package_info",
]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_methods_come_in_the_same_order_everywhere(recipe: Recipe) -> None:
    text = (recipe.folder / "conanfile.py").read_text(encoding="utf-8")
    methods = re.findall(r"^    def ([a-z]\w+)\(self\):", text, re.MULTILINE)
    assert set(methods) <= set(METHODS)
    assert methods == sorted(methods, key=METHODS.index)


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_data_has_the_form_that_conan_writes(recipe: Recipe) -> None:
    file = recipe.folder / "conandata.yml"
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        assert text == canonical(text), "write the file as yaml.safe_dump does (tfport.recipe.canonical)"


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_foreign_urls_are_encrypted(recipe: Recipe) -> None:
    for ref in recipe.sources:
        for origin in ref.origins:
            assert not isinstance(origin, UrlOrigin) or origin.url.startswith("https://")


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_what_a_recipe_requires_is_here_at_that_version(recipe: Recipe) -> None:
    assert recipe in closure(RECIPES, recipe.name)


def test_one_sha256_has_one_name() -> None:
    # Conan's source cache is keyed by sha256 and notes the urls: two for one file would be fetched twice.
    urls: dict[str, tuple[str, ...]] = {}
    for recipe in RECIPES:
        for ref in recipe.sources:
            assert urls.setdefault(ref.sha256, ref.urls) == ref.urls


def test_no_file_names_a_registry_host() -> None:
    pattern = re.compile("|".join(re.escape(host) for host in HOSTS).encode())
    found = [path for path in _tracked() if pattern.search(path.read_bytes())]
    assert not found, "addresses of registries come from the machine's configuration"
