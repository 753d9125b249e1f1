"""The test package of every recipe, built with the target's profile and run on the target's CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.support import conan_lock, exported, profile_of
from tests.unit.lite_graphs import N, T, lite_model
from tfport.acl.generate import compile_model, keep_engine
from tfport.conan import Conan
from tfport.core.selection import canonical
from tfport.recipe import Recipe, load_recipes
from tfport.target import ROOT, load_target

pytestmark = pytest.mark.e2e
RECIPES = load_recipes(ROOT)
# With every op of TensorFlow its SDK takes the better part of an hour.
FEW = canonical(
    [("NoOp", "NoOp"), ("Const", "ConstantOp"), ("Identity", "IdentityOp"), ("Placeholder", "PlaceholderOp")]
)
OPTIONS = {"tfport-core": [f"tfport-core/*:ops={FEW}"]}
RELU = lite_model([T((1, 4, 4, 8))] * 2, [N("RELU", (0,), (1,))], [0], [1])


def options(recipe: Recipe, folder: Path) -> list[str]:
    """What Conan is told; an SDK that is one model gets one."""
    if recipe.name != "tfport-acl":
        return OPTIONS.get(recipe.name, [])
    (folder / "relu.tflite").write_bytes(RELU)
    engine = keep_engine(compile_model(folder / "relu.tflite"), folder)
    return [f"tfport-acl/*:ops={engine.ops}", f"tfport-acl/*:engine={engine.folder}"]


@pytest.fixture(scope="session")
def conan(tmp_path_factory: pytest.TempPathFactory) -> Conan:
    return exported(tmp_path_factory.mktemp("conan") / "logs")


SYSROOT = "tfport-sysroot"
BARE_METAL = ("tfport-baremetal", SYSROOT)
# What only full tests need, and what the SDK of other tests is made of: these take minutes more.
SLOW = ("arm-compute-library", "benchmark", "googletest", "tensorflow", "tfport-acl", "tfport-core")
EACH = [
    pytest.param(recipe, id=recipe.name, marks=[pytest.mark.full] if recipe.name in SLOW else [])
    for recipe in RECIPES
]


@pytest.mark.parametrize("recipe", EACH)
def test_package_runs_on_the_board(recipe: Recipe, conan: Conan, tmp_path: Path) -> None:
    target = load_target("zuluko-baremetal" if recipe.name in BARE_METAL else "zuluko")
    with conan_lock():
        done = conan.test_package(recipe, profile_of(target), options(recipe, tmp_path))
    said = done.stdout + done.stderr
    assert "Testing the package" in said
    if recipe.name != SYSROOT:  # which is headers, and asserts as it compiles
        assert f"RUN: {' '.join(target.emulator_command)} " in said


def test_every_recipe_has_one() -> None:
    assert len(RECIPES) >= 15
    for recipe in RECIPES:
        assert (Path(recipe.folder) / "test_package" / "conanfile.py").is_file(), recipe.name
