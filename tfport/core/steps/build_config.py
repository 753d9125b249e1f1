"""What the SConstruct of a recipe of TensorFlow's core is told: build.json, made from a Conan recipe.

Standard library only and no import from the rest of tfport: recipes export this file.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Of TensorFlow's own flags, and -O2 as for every other recipe. TensorFlow throws nothing; what the C++
# library throws through it ends the program.
_FLAGS = ("-std=gnu++17", "-O2", "-DNDEBUG", "-fno-exceptions", "-ftemplate-depth=900", "-w")
_CCACHE = ("CCACHE_BASEDIR", "CCACHE_NOHASHDIR", "CCACHE_NAMESPACE")
_LAUNCHER = "CMAKE_CXX_COMPILER_LAUNCHER"


def write_config(recipe: Any, tools: Path, source: Path, defines: Iterable[str], **more: Any) -> None:
    """Write ``build.json`` of ``recipe`` (a ConanFile with its folders set) for the SConstruct beside it.

    tools: the modules that the recipe exports (Conan runs several recipes in one process, so this one may be
    another's). source: TensorFlow's tree. defines: for every unit.
    """
    parts = components(recipe)
    headers = _linked(recipe)
    programs = recipe.conf.get("tools.build:compiler_executables", default={}, check_type=dict)
    variables = recipe.conf.get("tools.cmake.cmaketoolchain:extra_variables", default={}, check_type=dict)
    compiler = programs.get("cpp", "g++")
    environment = recipe.buildenv.vars(recipe)
    flags = [
        *recipe.conf.get("tools.build:cxxflags", default=[], check_type=list),
        *shlex.split(environment.get("CXXFLAGS") or ""),
        *_FLAGS,
        *(f"-D{name}" for name in defines),
        *(f"-D{name}" for part in parts for name in part.defines),
    ]
    config = {
        "tools": str(tools),
        "source": headers.get(str(source), str(source)),
        "cxx": [*filter(None, [variables.get(_LAUNCHER)]), compiler],
        "ar": [compiler[: -len("g++")] + "ar"],
        "objcopy": [compiler[: -len("g++")] + "objcopy"],
        "flags": list(dict.fromkeys(flags)),
        "include": list(headers.values()),
        "libraries": archives(parts),
        "emulator": shlex.split(recipe.conf.get("user.tfport:emulator", default="")),
        "environment": {name: environment.get(name) for name in _CCACHE},
        "jobs": int(recipe.conf.get("tools.build:jobs", default=os.cpu_count() or 1)),
        **more,
    }
    path = Path(recipe.build_folder) / "build.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def scons(recipe: Any, tools: Path) -> None:
    """Run the SConstruct beside ``tools`` in the recipe's build folder."""
    words = [sys.executable, "-m", "SCons", "-Q", "-f", str(tools.parent / "SConstruct")]
    recipe.run(shlex.join([*words, "-C", recipe.build_folder]))


def components(recipe: Any) -> list[Any]:
    """What each dependency says of itself: its ``includedirs``, ``libdirs``, ``libs``, ``defines``."""
    return [each.cpp_info.aggregated_components() for each in recipe.dependencies.host.values()]


def _linked(recipe: Any) -> dict[str, str]:
    """Each folder of headers of a dependency -> a link to it in the build folder, named after that.

    The folder's own path changes with the recipe's revision and gets into what the preprocessor writes, so a
    compiler cache would miss every object of an unchanged source.
    """
    links = Path(recipe.build_folder) / "deps"
    links.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = {}
    for each in recipe.dependencies.host.values():
        for number, folder in enumerate(each.cpp_info.aggregated_components().includedirs):
            if folder not in found:
                link = links / (f"{each.ref.name}-{number}" if number else each.ref.name)
                link.unlink(missing_ok=True)
                link.symlink_to(folder)
                found[folder] = str(link)
    return found


def archives(parts: Iterable[Any]) -> list[str]:
    """Paths of the static libraries of ``components``."""
    found = [Path(at, f"lib{lib}.a") for part in parts for lib in part.libs for at in part.libdirs]
    return [str(path) for path in found if path.is_file()]
