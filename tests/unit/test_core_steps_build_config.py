"""build.json as it follows from a Conan recipe, and how the recipe starts SCons."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.trees import grow
from tfport.core.steps.build_config import archives, components, scons, write_config


class FakeConf:
    """A recipe's ``conf``, which knows the types that it is asked for."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def get(self, name: str, default: Any = None, check_type: type | None = None) -> Any:
        value = self.values.get(name, default)
        assert check_type is None or isinstance(value, check_type), name
        return value


def dependency(folder: Path, *libs: str, defines: tuple[str, ...] = ()) -> Any:
    """A package with these static libraries."""
    grow(folder / "lib", {f"lib{lib}.a": "" for lib in libs})
    info = SimpleNamespace(
        includedirs=[str(folder / "include")], libdirs=[str(folder / "lib")], libs=libs, defines=defines
    )
    return SimpleNamespace(
        ref=SimpleNamespace(name=folder.name), cpp_info=SimpleNamespace(aggregated_components=lambda: info)
    )


class FakeRecipe:
    """A ConanFile, as far as the steps ask it."""

    def __init__(self, folder: Path, conf: dict[str, Any], **environment: str) -> None:
        self.build_folder = str(folder / "build folder")
        self.conf = FakeConf(conf)
        self.buildenv = SimpleNamespace(vars=lambda recipe: environment)
        self.commands: list[list[str]] = []
        needs = {
            "absl": dependency(folder / "absl", "absl_base", "absl_log", defines=("ABSL",)),
            "eigen": dependency(folder / "eigen", defines=("EIGEN", "ABSL")),
            "absl again": dependency(folder / "absl"),
        }
        self.dependencies = SimpleNamespace(host=needs)

    def run(self, command: str) -> None:
        self.commands.append(shlex.split(command))


CONF = {
    "tools.build:compiler_executables": {"c": "arm-gcc", "cpp": "arm-g++"},
    "tools.cmake.cmaketoolchain:extra_variables": {"CMAKE_CXX_COMPILER_LAUNCHER": "/bin/ccache"},
    "tools.build:cxxflags": ["-march=armv7ve", "-fPIC"],
    "tools.build:jobs": 3,
    "user.tfport:emulator": "qemu-arm -cpu cortex-a7",
}


def written(
    tmp_path: Path, conf: dict[str, Any], *defines: str, source: str = "src", **environment: str
) -> dict[str, Any]:
    recipe = FakeRecipe(tmp_path, conf, **environment)
    write_config(recipe, tmp_path / "tools", tmp_path / source, defines, ops="all", more=False)
    return dict(json.loads((Path(recipe.build_folder) / "build.json").read_text(encoding="utf-8")))


def test_what_the_target_compiles_with(tmp_path: Path) -> None:
    config = written(tmp_path, CONF)
    assert config["cxx"] == ["/bin/ccache", "arm-g++"]
    assert (config["ar"], config["objcopy"]) == (["arm-ar"], ["arm-objcopy"])
    assert config["emulator"] == ["qemu-arm", "-cpu", "cortex-a7"]
    assert config["jobs"] == 3
    assert (config["tools"], config["source"]) == (str(tmp_path / "tools"), str(tmp_path / "src"))
    assert (config["ops"], config["more"]) == ("all", False), "what a recipe adds"


def test_a_machine_without_a_profile_of_ours(tmp_path: Path) -> None:
    config = written(tmp_path, {})
    assert (config["cxx"], config["ar"], config["objcopy"]) == (["g++"], ["ar"], ["objcopy"])
    assert config["emulator"] == [] and config["jobs"] >= 1


def test_flags_of_the_target_come_first_and_none_twice(tmp_path: Path) -> None:
    flags = written(tmp_path, CONF, "IS_SLIM_BUILD", "ABSL", CXXFLAGS="-g1 '-DNAME=a b' -fPIC")["flags"]
    assert flags[:4] == ["-march=armv7ve", "-fPIC", "-g1", "-DNAME=a b"]
    assert (
        flags.index("-O2") < flags.index("-DIS_SLIM_BUILD") < flags.index("-DABSL") < flags.index("-DEIGEN")
    )
    assert len(flags) == len(set(flags))


def test_tensorflow_is_compiled_as_it_compiles_itself(tmp_path: Path) -> None:
    flags = written(tmp_path, CONF)["flags"]
    assert {"-std=gnu++17", "-DNDEBUG", "-fno-exceptions", "-ftemplate-depth=900"} <= set(flags)


def test_a_compiler_cache_meets_the_same_paths_in_every_revision_of_a_dependency(tmp_path: Path) -> None:
    config = written(tmp_path, CONF)
    links = tmp_path / "build folder" / "deps"
    assert config["include"] == [str(links / "absl"), str(links / "eigen")]
    again = written(tmp_path, CONF, source="absl/include")
    assert again["include"] == config["include"] and again["source"] == str(links / "absl")


def test_dependencies_give_headers_and_archives(tmp_path: Path) -> None:
    config = written(tmp_path, CONF)
    links = [Path(folder) for folder in config["include"]]
    assert [link.readlink() for link in links] == [tmp_path / name / "include" for name in ("absl", "eigen")]
    assert config["libraries"] == [
        str(tmp_path / "absl/lib" / f"libabsl_{name}.a") for name in ("base", "log")
    ]


def test_only_what_makes_ccache_portable_is_taken_from_the_environment(tmp_path: Path) -> None:
    config = written(tmp_path, CONF, CCACHE_BASEDIR="/conan", CXXFLAGS="-g1", OTHER="1")
    assert config["environment"] == {
        "CCACHE_BASEDIR": "/conan",
        "CCACHE_NOHASHDIR": None,
        "CCACHE_NAMESPACE": None,
    }


def test_a_library_that_is_no_file_is_the_systems(tmp_path: Path) -> None:
    recipe = FakeRecipe(tmp_path, CONF)
    parts = components(recipe)
    assert [part.libs for part in parts] == [("absl_base", "absl_log"), (), ()]
    (tmp_path / "absl/lib/libabsl_log.a").unlink()
    assert archives(parts) == [str(tmp_path / "absl/lib/libabsl_base.a")]


@pytest.mark.parametrize("name", ["es", "with space"])
def test_scons_runs_the_recipes_own_construct(tmp_path: Path, name: str) -> None:
    recipe = FakeRecipe(tmp_path, CONF)
    scons(recipe, tmp_path / name / "tools")
    [words] = recipe.commands
    assert words[:5] == [sys.executable, "-m", "SCons", "-Q", "-f"]
    assert words[5:] == [str(tmp_path / name / "SConstruct"), "-C", recipe.build_folder]
