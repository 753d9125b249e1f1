from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tfport.conan_hook import pre_generate, prefixes


class FakeEnvironment(dict[str, list[str]]):
    def append(self, name: str, values: list[str]) -> None:
        self.setdefault(name, []).extend(values)

    def define(self, name: str, value: str) -> None:
        self[name] = [value]


def ref(name: str) -> Any:
    return SimpleNamespace(name=name, version="1.0")


def recipe(home: str, number: str, *, downloaded: bool = False, compiler: str = "gcc") -> Any:
    """A recipe in the middle of its build, with one dependency that was built there or downloaded."""
    base = f"{home}/dep{number}/p" if downloaded else f"{home}/b/dep{number}/p"
    return SimpleNamespace(
        ref=ref("top"),
        name="top",
        version="1.0",
        source_folder=f"{home}/b/top{number}/b/src",
        build_folder=f"{home}/b/top{number}/b/build/Release",
        dependencies={
            "dep": SimpleNamespace(ref=ref("dep"), package_folder=base),
            "header only, skipped": SimpleNamespace(ref=ref("none"), package_folder=None),
        },
        buildenv=FakeEnvironment(),
        settings=SimpleNamespace(get_safe={"compiler": compiler}.get),
    )


def mapped(path: str, pairs: list[tuple[str, str]]) -> str:
    """What GCC makes of a path: the last option that fits is used."""
    for old, new in reversed(pairs):
        if path.startswith(old):
            return new + path[len(old) :]
    return path


def test_a_file_has_the_same_name_wherever_it_is_compiled() -> None:
    one, two = recipe("/home/a/p", "123"), recipe("/b/p", "9", downloaded=True)
    pairs, others = prefixes(one), prefixes(two)
    for inside, name in (
        ("/b/top{}/b/src/a.cc", "top/1.0/src/a.cc"),
        ("/b/top{}/b/build/Release", "top/1.0/build/Release"),
        ("/b/top{}/b/build/Release/gen/a.cc", "./gen/a.cc"),
    ):
        assert mapped("/home/a/p" + inside.format("123"), pairs) == name
        assert mapped("/b/p" + inside.format("9"), others) == name
    assert mapped("/home/a/p/b/dep123/p/include/a.h", pairs) == "dep/1.0/include/a.h"
    assert mapped("/b/p/dep9/p/include/a.h", others) == "dep/1.0/include/a.h"
    assert mapped("/usr/include/a.h", others) == "/usr/include/a.h"


def test_ccache_gives_paths_from_the_build_folder_and_they_mean_the_same() -> None:
    pairs = prefixes(recipe("/home/a/p", "123"))
    assert mapped("../../src/a.cc", pairs) == "top/1.0/src/a.cc"
    assert mapped("../../../../dep123/p/include/a.h", pairs) == "dep/1.0/include/a.h"
    for given in ("gen/a.cc", "./gen/a.cc"):
        assert mapped(given, pairs) == "./gen/a.cc"


def test_a_folder_of_the_build_may_be_where_the_compiler_runs() -> None:
    pairs = prefixes(recipe("/home/a/p", "123"))
    for absolute, relative in (
        ("/home/a/p/b/top123/b/runtime/main.cc", "../../../runtime/main.cc"),
        ("/home/a/p/b/top123/b/build/Release/sdk/include/a.h", "../sdk/include/a.h"),
        ("/home/a/p/b/dep123/p/include/a.h", "../../../../../dep123/p/include/a.h"),
    ):
        assert mapped(relative, pairs) == mapped(absolute, pairs)


def test_the_compiler_makes_one_object_of_a_file_with_a_folder_and_without(tmp_path: Path) -> None:
    made = recipe(str(tmp_path), "1")
    build = Path(made.build_folder)
    (build / "gen").mkdir(parents=True)
    (build / "gen" / "a.h").write_text("static int f(int x) { return x + 1; }\n")
    (build / "gen" / "a.c").write_text('#include "gen/a.h"\nint g(int x) { return f(x) * f(x + 1); }\n')
    pre_generate(made)
    objects = []
    for folder in (".", str(build)):
        words = ["gcc", "-g1", "-O0", f"-I{folder}", "-c", os.path.normpath(f"{folder}/gen/a.c"), "-o", "a.o"]
        subprocess.run([*words, *made.buildenv["CFLAGS"]], cwd=build, check=True)
        objects.append((build / "a.o").read_bytes())
    assert objects[0] == objects[1]


def test_a_system_header_has_one_name_whatever_leads_to_it(tmp_path: Path) -> None:
    made = recipe(str(tmp_path), "1")
    build, package = Path(made.build_folder), Path(made.dependencies["dep"].package_folder)
    build.mkdir(parents=True)
    for name, text in (
        ("public/a.h", '#include "../internal/b.h"\n'),
        ("internal/b.h", "static int f(int x) { return x + 1; }\n"),
    ):
        (package / "include" / name).parent.mkdir(parents=True)
        (package / "include" / name).write_text(text)
    (build / "a.c").write_text("#include <public/a.h>\nint g(int x) { return f(x) * f(x + 1); }\n")
    pre_generate(made)
    objects = []
    for folder in (str(package), os.path.relpath(package, build)):
        words = ["gcc", "-g1", "-O0", "-isystem", f"{folder}/include", "-c", "a.c", "-o", "a.o"]
        subprocess.run([*words, *made.buildenv["CFLAGS"]], cwd=build, check=True)
        objects.append((build / "a.o").read_bytes())
    assert objects[0] == objects[1]


def test_only_gcc_is_told_not_to_shorten_names() -> None:
    flag = "-fno-canonical-system-headers"
    for compiler in ("gcc", "clang"):
        made = recipe("/p", "1", compiler=compiler)
        pre_generate(made)
        assert (flag in made.buildenv["CFLAGS"]) == (compiler == "gcc")


def test_a_home_behind_a_link_has_two_spellings(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    pairs = prefixes(recipe(str(tmp_path / "home"), "1"))
    for home in ("home", "disk"):
        assert mapped(f"{tmp_path}/{home}/b/dep1/p/include/a.h", pairs) == "dep/1.0/include/a.h"
        assert mapped(f"{tmp_path}/{home}/b/top1/b/src/a.cc", pairs) == "top/1.0/src/a.cc"
        assert mapped(f"{tmp_path}/{home}/b/top1/b/build/Release/a.cc", pairs) == "./a.cc"


def test_every_compiler_of_the_build_gets_the_flags() -> None:
    made = recipe("/p", "1")
    pre_generate(made)
    assert set(made.buildenv) == {"CFLAGS", "CXXFLAGS", "ASMFLAGS", "CCACHE_NAMESPACE"}
    assert "-ffile-prefix-map=/p/b/top1/b=top/1.0" in made.buildenv["CFLAGS"]


def test_an_installation_is_no_build() -> None:
    made = recipe("/p", "1")
    made.ref = None
    assert prefixes(made) == []


def test_objects_of_one_recipe_are_not_taken_for_those_of_another() -> None:
    made = recipe("/p", "1")
    pre_generate(made)
    assert made.buildenv["CCACHE_NAMESPACE"] == ["top/1.0"]
