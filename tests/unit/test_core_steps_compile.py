"""Steps as they are handed to SCons: units, commands, what each waits for."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.trees import grow
from tfport.core.steps.compile import NO_KERNELS, Compiler, write


class FakeEnvironment:
    """Keeps what an SCons environment is told; a step's node is the path of its target."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.steps: list[tuple[list[str], list[str], list[Any]]] = []
        self.needs: dict[str, list[str]] = {}

    def Replace(self, **variables: Any) -> None:  # noqa: N802 - SCons spells it so
        self.variables.update(variables)

    def SetOption(self, name: str, value: Any) -> None:  # noqa: N802
        self.options[name] = value

    def Command(self, targets: list[str], sources: Any, actions: list[Any]) -> list[str]:  # noqa: N802
        self.steps.append((targets, self.Flatten(sources), actions))
        return targets

    def Depends(self, nodes: Sequence[str], needs: Any) -> None:  # noqa: N802
        self.needs[nodes[0]] = self.Flatten(needs)

    def Flatten(self, nodes: Any) -> list[str]:  # noqa: N802
        if isinstance(nodes, str):
            return [nodes]
        return [flat for node in nodes for flat in self.Flatten(node)]

    def run(self, number: int, tmp_path: Path) -> list[list[str]]:
        """Do what SCons does when a step is due; the words that the programs were started with."""
        log = tmp_path / "commands"
        log.write_text("")
        for action in self.steps[number][2]:
            assert not action(target=[], source=[], env={"ENV": {**self.variables["ENV"], "LOG": str(log)}})
        return [command.splitlines() for command in log.read_text().split("\n\n") if command]


@pytest.fixture
def environment() -> FakeEnvironment:
    return FakeEnvironment()


@pytest.fixture
def compiler(tmp_path: Path, environment: FakeEnvironment) -> Compiler:
    programs = {}
    for name in ("ccache", "arm-ar", "arm-objcopy"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('#!/bin/sh\n{ printf "%s\\n" "${0##*/}" "$@"; echo; } >>"$LOG"\n')
        path.chmod(0o755)
        programs[name] = str(path)
    config = {
        "source": str(grow(tmp_path / "tree", {"tensorflow/a.cc": "", "tensorflow/b.cc": ""})),
        "cxx": [programs["ccache"], "arm-g++"],
        "ar": [programs["arm-ar"]],
        "objcopy": [programs["arm-objcopy"]],
        "flags": ["-O2", "-DX=1"],
        "include": ["/absl/include", "/eigen"],
        "environment": {"CCACHE_BASEDIR": "/home", "CCACHE_NOHASHDIR": None},
        "jobs": 3,
    }
    grow(tmp_path / "build", {"build.json": json.dumps(config)})
    return Compiler(environment, tmp_path / "build")


def test_the_environment_is_that_of_the_user_and_of_the_recipe(
    compiler: Compiler, environment: FakeEnvironment
) -> None:
    assert environment.options == {"num_jobs": 3}
    given = environment.variables["ENV"]
    assert given["PATH"] == os.environ["PATH"] and given["CCACHE_BASEDIR"] == "/home"
    assert "CCACHE_NOHASHDIR" not in given


def test_a_unit_includes_its_files(compiler: Compiler, environment: FakeEnvironment, tmp_path: Path) -> None:
    made = compiler.compiled("core_0", ["tensorflow/a.cc", "tensorflow/made.pb.cc"], after=["x.pb.h"])
    build, tree = compiler.folder, compiler.source
    unit, target = build / "units" / "core_0.cc", build / "objects" / "core_0.o"
    assert unit.read_text() == '#include "tensorflow/a.cc"\n#include "tensorflow/made.pb.cc"\n'
    [(targets, sources, _)] = environment.steps
    assert made == targets == [str(target)]
    # What is generated is no source yet: it comes with what the unit waits for.
    assert sources == [str(unit), str(tree / "tensorflow/a.cc")]
    assert environment.needs == {str(target): ["x.pb.h"]}
    [words] = environment.run(0, tmp_path)
    assert words[:4] == ["ccache", "arm-g++", "-O2", "-DX=1"]
    assert words[4:8] == [f"-I{build / 'gen'}", f"-I{tree}", "-I/absl/include", "-I/eigen"]
    assert words[8:] == ["-c", str(unit), "-o", str(target)]


def test_flags_of_one_unit_come_after_those_of_all(
    compiler: Compiler, environment: FakeEnvironment, tmp_path: Path
) -> None:
    compiler.compiled("core_0", ["tensorflow/a.cc"], flags=("-Os", "-DY"))
    [words] = environment.run(0, tmp_path)
    assert words.index("-O2") < words.index("-Os") < words.index("-DY") < words.index("-c")


def test_words_get_to_a_program_as_they_are(
    compiler: Compiler, environment: FakeEnvironment, tmp_path: Path
) -> None:
    words = ['-DTEXT="a b"', "$HOME", "(x);", "it's", "*"]
    compiler.step([tmp_path / "out"], [], [compiler.config["ar"][0], *words])
    assert environment.run(0, tmp_path) == [["arm-ar", *words]]


def test_a_command_that_fails_is_told_to_scons(compiler: Compiler, environment: FakeEnvironment) -> None:
    compiler.step([Path("out")], [], ["false"])
    assert environment.steps[0][2][1](target=[], source=[], env={"ENV": dict(os.environ)}) == 1


def test_messages_lose_their_initialisers(
    compiler: Compiler, environment: FakeEnvironment, tmp_path: Path
) -> None:
    made = compiler.messages("messages_0", ["tensorflow/a.pb.cc"], ["a.pb.h"], ("-Os",))
    whole, stripped = (str(compiler.folder / "objects" / f"messages_0{end}.o") for end in ("_whole", ""))
    (compiled, _, _), (targets, sources, _) = environment.steps
    assert compiled == [whole] == sources and environment.needs[whole] == ["a.pb.h"]
    assert made == targets == [stripped]
    sections = [f"--remove-section={name}" for name in (".init_array*", ".rel.init_array*")]
    assert environment.run(1, tmp_path) == [["arm-objcopy", "--wildcard", *sections, whole, stripped]]


def test_an_archive_starts_from_nothing(
    compiler: Compiler, environment: FakeEnvironment, tmp_path: Path
) -> None:
    made = compiler.archive("libx.a", [["a.o"], [["b.o"], "c.o"]])
    target = compiler.folder / "libx.a"
    [(targets, sources, _)] = environment.steps
    assert made == targets == [str(target)] and sources == ["a.o", "b.o", "c.o"]
    target.write_text("with another b.o")
    assert environment.run(0, tmp_path) == [["arm-ar", "rcsD", str(target), "a.o", "b.o", "c.o"]]
    assert not target.exists(), "ar was to make it anew"


def test_a_step_says_what_it_does(
    compiler: Compiler, environment: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler.compiled("core_0", ["tensorflow/a.cc"])
    compiler.archive("libx.a", ["a.o"])
    for _, _, actions in environment.steps:
        assert actions[0](target=[], source=[], env=None) is None, "None is success"
    assert capsys.readouterr().out == "compiling core_0\n"


def test_commands_are_not_echoed(environment: FakeEnvironment, compiler: Compiler) -> None:
    assert environment.variables["PRINT_CMD_LINE_FUNC"]("arm-g++ ...", [], [], None) is None


def test_a_file_stays_as_old_as_it_is_unless_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "unit.cc"
    write(path, "one")
    os.utime(path, (1, 1))
    write(path, "one")
    assert path.stat().st_mtime == 1
    write(path, "two")
    assert path.read_text() == "two" and path.stat().st_mtime > 1


def test_the_framework_registers_no_kernel() -> None:
    assert NO_KERNELS.splitlines() == [
        "#define SHOULD_REGISTER_OP(op) false",
        "#define SHOULD_REGISTER_OP_KERNEL(kernel) false",
        "#define SHOULD_REGISTER_OP_GRADIENT false",
    ]
