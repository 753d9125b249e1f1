from __future__ import annotations

from pathlib import Path

import pytest

from tfport.errors import RecipeInvalid
from tfport.recipe import PatchRef, canonical, closure, load_recipe, load_recipes

SHA = "ab" * 32
CONFIG = "versions:\n  1.2.0:\n    folder: all\n"
DATA = (
    f"patches:\n  1.2.0:\n  - patch_file: patches/0001-a.patch\n"
    f"sources:\n  1.2.0:\n    sha256: {SHA}\n    url: pypi:demo/1.2.0/demo-1.2.0.tar.gz\n"
)


def _recipe(root: Path, config: str = CONFIG, data: str = DATA, name: str = "demo") -> Path:
    folder = root / "recipes" / name / "all"
    folder.mkdir(parents=True)
    (folder.parent / "config.yml").write_text(config)
    (folder / "conanfile.py").write_text("")
    if data:
        (folder / "conandata.yml").write_text(data)
    patches = root / "patches" / name
    patches.mkdir(parents=True)
    (patches / "0001-a.patch").write_text("")
    return root


def test_reads_a_recipe(tmp_path: Path) -> None:
    (recipe,) = load_recipes(_recipe(tmp_path))
    assert recipe.reference == "demo/1.2.0"
    assert [ref.filename for ref in recipe.sources] == ["demo-1.2.0.tar.gz"]
    assert recipe.patches == (PatchRef(tmp_path / "patches" / "demo" / "0001-a.patch"),)


def test_licence_and_homepage_come_from_the_conanfile(tmp_path: Path) -> None:
    text = 'class Demo(ConanFile):\n    license = "MIT"\n    homepage = "https://example.org"\n'
    (_recipe(tmp_path) / "recipes/demo/all/conanfile.py").write_text(text)
    recipe = load_recipe(tmp_path, "demo")
    assert (recipe.license, recipe.homepage) == ("MIT", "https://example.org")


def test_a_recipe_of_our_own_code_needs_no_data(tmp_path: Path) -> None:
    assert load_recipe(_recipe(tmp_path, data=""), "demo").sources == ()


def test_several_urls_are_mirrors_of_one_file(tmp_path: Path) -> None:
    url = "    url:\n    - pypi:demo/1/demo.zip\n    - https://example.org/demo.zip\n"
    recipe = load_recipe(_recipe(tmp_path, data=f"sources:\n  1.2.0:\n    sha256: {SHA}\n{url}"), "demo")
    assert recipe.sources[0].urls == ("pypi:demo/1/demo.zip", "https://example.org/demo.zip")


@pytest.mark.parametrize(
    ("config", "data", "expected"),
    [
        ("versions: {}\n", DATA, "0 versions"),
        (CONFIG + "  1.3.0:\n    folder: all\n", DATA, "2 versions"),
        ("versions:\n  1.2:\n    folder: all\n", DATA, "quote the version"),
        ("versions:\n  1.2.0:\n    folder: none\n", DATA, "without a conanfile.py"),
        ("version: 1\n", DATA, "did you mean 'versions'"),
        ("[", DATA, "cannot be read"),
        ("- a\n", DATA, "a mapping is expected"),
        (CONFIG, DATA.replace("1.2.0:", "1.1.0:"), "the recipe's version is 1.2.0"),
        (CONFIG, DATA.replace("sha256", "sha265"), "did you mean 'sha256'"),
        (CONFIG, DATA.replace(SHA, "ab"), "not a sha256"),
        (CONFIG, DATA.replace("pypi:", "npm:"), "does not say where"),
        (CONFIG, DATA.replace("0001-a", "0002-b"), "not there: patches/0002-b.patch"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, config: str, data: str, expected: str) -> None:
    with pytest.raises(RecipeInvalid) as caught:
        load_recipes(_recipe(tmp_path, config, data))
    assert expected in caught.value.what


def test_all_that_is_wrong_is_shown_together(tmp_path: Path) -> None:
    _recipe(tmp_path, config="versions: {}\n", name="one")
    _recipe(tmp_path, data=DATA.replace(SHA, "ab"), name="two")
    with pytest.raises(RecipeInvalid) as caught:
        load_recipes(tmp_path)
    assert len(caught.value.what.splitlines()) == 2


def test_canonical_form_quotes_what_looks_like_a_number() -> None:
    text = 'sources:\n  "20220623.1": {url: u, sha256: s}\n'
    assert canonical(text) == "sources:\n  '20220623.1':\n    sha256: s\n    url: u\n"
    assert canonical(canonical(text)) == canonical(text)


def _needing(root: Path, name: str, *references: str) -> None:
    _recipe(root, data="", name=name)
    calls = "".join(f"        self.requires({reference!r}, visible=False)\n" for reference in references)
    text = f"class R:\n    def requirements(self):\n{calls}        pass\n"
    (root / "recipes" / name / "all" / "conanfile.py").write_text(text)


def test_closure_is_what_a_recipe_needs_and_nothing_else(tmp_path: Path) -> None:
    _needing(tmp_path, "sdk", "a/1.2.0")
    _needing(tmp_path, "a", "b/1.2.0")
    _needing(tmp_path, "b", "a/1.2.0")  # Conan's to refuse; here it must only end
    _needing(tmp_path, "other", "a/1.2.0")
    recipes = load_recipes(tmp_path)
    assert [recipe.name for recipe in closure(recipes, "sdk")] == ["a", "b", "sdk"]


def test_what_goes_with_one_system_is_needed_there_only(tmp_path: Path) -> None:
    _needing(tmp_path, "a")
    _needing(tmp_path, "sdk", "a/1.2.0")
    file = tmp_path / "recipes" / "sdk" / "all" / "conanfile.py"
    line = "        self.requires('a/1.2.0', visible=False)\n"
    file.write_text(
        file.read_text().replace(line, "        if self.settings.os == 'baremetal':\n    " + line)
    )
    recipes = load_recipes(tmp_path)
    assert [recipe.name for recipe in closure(recipes, "sdk", "baremetal")] == ["a", "sdk"]
    assert [recipe.name for recipe in closure(recipes, "sdk", "Linux")] == ["sdk"]
    assert [recipe.name for recipe in closure(recipes, "sdk")] == ["a", "sdk"]


@pytest.mark.parametrize(
    ("reference", "here"), [("a/1.3.0", "there is a/1.2.0"), ("c/1", "no recipe of that name")]
)
def test_what_is_required_but_not_here_is_named(tmp_path: Path, reference: str, here: str) -> None:
    _needing(tmp_path, "a")
    _needing(tmp_path, "sdk", reference)
    with pytest.raises(RecipeInvalid) as caught:
        closure(load_recipes(tmp_path), "sdk")
    assert f"requires {reference}" in caught.value.what and here in caught.value.why
