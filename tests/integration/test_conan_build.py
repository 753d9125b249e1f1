"""Real Conan on two tiny recipes: order, events, package folder, failure, options, nothing left to do."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tfport.conan import Conan, RecipeEvent
from tfport.errors import BuildFailed
from tfport.recipe import Recipe

PROFILE = """
[settings]
os=Linux
arch=armv7hf
compiler=gcc
compiler.version=12
compiler.libcxx=libstdc++11
compiler.cppstd=gnu17
build_type=Release
[conf]
user.test:word=none
tools.info.package_id:confs=["user.test:word"]
"""
BASE = """
    from conan import ConanFile
    from conan.tools.files import save

    class Base(ConanFile):
        name = "tiny-base"
        settings = "os", "arch"

        def package(self):
            import os
            save(self, os.path.join(self.package_folder, "base.txt"), os.environ.get("CFLAGS", "unset"))
"""
TOP = """
    import os
    from conan import ConanFile
    from conan.errors import ConanException
    from conan.tools.files import save

    class Top(ConanFile):
        name = "tiny-top"
        settings = "os", "arch"
        options = {"ops": ["ANY"]}
        default_options = {"ops": "all"}
        requires = "tiny-base/1.0"

        def build(self):
            if self.options.ops == "fail":
                self.output.info("x.c:1:1: error: this cannot be")
                raise ConanException("compiler stopped")

        def package(self):
            save(self, os.path.join(self.package_folder, "ops.txt"), str(self.options.ops))
"""


@pytest.fixture
def recipes(tmp_path: Path) -> list[Recipe]:
    made = []
    for name, text in (("tiny-base", BASE), ("tiny-top", TOP)):
        folder = tmp_path / "recipes" / name / "all"
        folder.mkdir(parents=True)
        (folder / "conanfile.py").write_text(textwrap.dedent(text))
        made.append(Recipe(name, "1.0", folder))
    return made


@pytest.fixture
def events() -> list[RecipeEvent]:
    return []


@pytest.fixture
def conan(
    tmp_path: Path, recipes: list[Recipe], events: list[RecipeEvent], monkeypatch: pytest.MonkeyPatch
) -> Conan:
    monkeypatch.setenv("CFLAGS", "-march=native")
    made = Conan(tmp_path / "home", tmp_path / "sources", tmp_path / "logs", on_event=events.append)
    made.export(recipes)
    return made


def states(events: list[RecipeEvent]) -> list[tuple[str, str, int, int]]:
    return [(event.reference, event.state, event.index, event.total) for event in events]


def test_builds_in_order_then_finds_everything_built(conan: Conan, events: list[RecipeEvent]) -> None:
    package = conan.install("tiny-top/1.0", PROFILE)
    assert (package / "ops.txt").read_text() == "all"
    assert states(events) == [
        ("tiny-base/1.0", "started", 1, 2),
        ("tiny-base/1.0", "built", 1, 2),
        ("tiny-top/1.0", "started", 2, 2),
        ("tiny-top/1.0", "built", 2, 2),
    ]
    assert "Building from source" in (conan.logs / "tiny-base.log").read_text()
    events.clear()
    assert conan.install("tiny-top/1.0", PROFILE) == package
    assert {event.state for event in events} <= {"started", "cached"}
    assert "Building from source" in (conan.logs / "tiny-base.log").read_text()


def test_options_make_another_package(conan: Conan) -> None:
    one = conan.install("tiny-top/1.0", PROFILE)
    two = conan.install("tiny-top/1.0", PROFILE, ["tiny-top/*:ops=ADD,CONV_2D"])
    assert one != two and (two / "ops.txt").read_text() == "ADD,CONV_2D"


def test_flags_of_the_users_shell_stay_out(conan: Conan) -> None:
    base = conan.install("tiny-base/1.0", PROFILE)
    assert (base / "base.txt").read_text() == ""


def test_a_failure_names_the_recipe_its_cause_and_its_log(conan: Conan) -> None:
    with pytest.raises(BuildFailed) as caught:
        conan.install("tiny-top/1.0", PROFILE, ["tiny-top/*:ops=fail"])
    error = caught.value
    assert error.what == "tiny-top/1.0 could not be built"
    assert "error: this cannot be" in error.why
    assert str(conan.logs / "tiny-top.log") in error.hint
    assert (conan.install("tiny-top/1.0", PROFILE) / "ops.txt").is_file(), "the next run goes on"


def test_an_unknown_recipe_is_conans_to_refuse(conan: Conan) -> None:
    with pytest.raises(BuildFailed, match="Conan refused"):
        conan.install("tiny-none/1.0", PROFILE)
