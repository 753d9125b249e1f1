"""The SConstructs of the core recipes, as Conan exports them, on a small TensorFlow with a fake toolchain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.unit.trees import grow
from tfport.core.selection import header
from tfport.recipe import load_recipe
from tfport.target import ROOT

pytest.importorskip("conan")
pytest.importorskip("SCons")

FAKE = Path(__file__).with_name("fake_toolchain.py")
KERNELS, FRAMEWORK, OPS = (f"tensorflow/core/{name}/" for name in ("kernels", "framework", "ops"))
MESSAGES = ("attr_value", "resource_handle", "tensor", "tensor_shape", "types")
GENERATOR = ("gen_proto_text_functions", "gen_proto_text_functions_lib")


def group(name: str, *labels: str) -> str:
    """A BUILD file of one target: other targets, or all sources of its folder."""
    sources = repr(list(labels)) if labels else 'glob(["*.cc"])'
    return f'filegroup(name = "{name}", srcs = {sources})\n'


def includes(*names: str) -> str:
    return "".join(f'#include "{name}"\n' for name in names)


def kernel(op: str, *headers: str) -> str:
    return includes(*headers) + f'REGISTER_KERNEL_BUILDER(Name("{op}").Device(DEVICE_CPU), {op}Op);\n'


TREE = {
    "tensorflow/core/BUILD": group("mobile_srcs", f"//{FRAMEWORK[:-1]}:all", "//tensorflow/tsl/platform:all"),
    f"{FRAMEWORK}BUILD": group("all"),
    **{f"{FRAMEWORK}{name}.proto": "" for name in MESSAGES},
    f"{FRAMEWORK}node.proto": f'import "{FRAMEWORK}types.proto";\nimport "google/protobuf/any.proto";\n',
    f"{FRAMEWORK}tensor.cc": includes(
        *(f"{FRAMEWORK}{name}.pb_text.h" for name in MESSAGES), f"{FRAMEWORK}tensor.h"
    ),
    f"{FRAMEWORK}tensor.h": includes(*(f"{FRAMEWORK}{name}.pb.h" for name in (*MESSAGES, "node"))),
    f"{FRAMEWORK}op.cc": includes(f"{FRAMEWORK}registration/options.h"),
    "tensorflow/tsl/platform/BUILD": group("all"),
    "tensorflow/tsl/platform/env.cc": includes(f"{FRAMEWORK}types.pb.h"),
    "tensorflow/cc/saved_model/loader.cc": includes(f"{FRAMEWORK}tensor.h"),
    **{f"tensorflow/tools/proto_text/{name}.cc": "" for name in GENERATOR},
    "tensorflow/tools/proto_text/placeholder.txt": "",
    f"{OPS}BUILD": group("portable_op_registrations_and_gradients"),
    f"{OPS}math_ops.cc": 'REGISTER_OP("Add")\nREGISTER_OP("Conv2D")\n',
    f"{OPS}no_op.cc": 'REGISTER_OP("NoOp")\n',
    f"{KERNELS}BUILD": group("portable_all_ops"),
    f"{KERNELS}no_op.cc": kernel("NoOp"),
    f"{KERNELS}add_op.cc": kernel("Add", f"{KERNELS}fill.h", f"{FRAMEWORK}tensor.h"),
    f"{KERNELS}fill.h": includes(f"{KERNELS}shape.h"),
    f"{KERNELS}fill.cc": includes(f"{KERNELS}fill.h"),
    f"{KERNELS}shape.h": "",
    f"{KERNELS}shape.cc": kernel("Shape", f"{KERNELS}shape.h"),
    f"{KERNELS}conv_ops_float.cc": kernel("Conv2D"),
    f"{KERNELS}conv_ops_double.cc": kernel("Conv2D"),
    **{f"{KERNELS}{name}.cc": "" for name in ("deep_conv2d", "string_lower_op", "string_upper_op")},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What Conan keeps of each core recipe to build it from."""
    home = tmp_path_factory.mktemp("home")

    def conan(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "conans.conan", *words],
            env={**os.environ, "CONAN_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    folders = {}
    for name in ("tensorflow", "tfport-core"):
        recipe = load_recipe(ROOT, name)
        conan("export", str(recipe.folder), "--name", name, "--version", recipe.version)
        folders[name] = Path(conan("cache", "path", recipe.reference, "--folder", "export_source"))
    return folders


class Build:
    """One recipe's build folder."""

    def __init__(self, construct: Path, folder: Path, tree: Path, **more: Any) -> None:
        self.construct, self.folder, self.tree = construct, folder, tree
        self.log = folder.parent / f"{folder.name}.log"
        self.config = {
            "tools": str(construct.parent / "tools"),
            "source": str(tree),
            **{
                kind: [sys.executable, "-S", str(FAKE), kind] for kind in ("cxx", "ar", "objcopy", "emulator")
            },
            "flags": ["-O2", '-DNAME="a b"'],
            "include": [str(folder.parent / "google")],
            "libraries": [],
            "environment": {},
            "jobs": 1,
            **more,
        }

    def run(self, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Start SCons as the recipe does."""
        grow(self.folder, {"build.json": json.dumps({**self.config, **changes})})
        self.log.write_text("")
        words = [sys.executable, "-m", "SCons", "-Q", "-f", str(self.construct), "-C", str(self.folder)]
        env = {**os.environ, "FAKE_LOG": str(self.log), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    def commands(self, kind: str = "") -> list[list[str]]:
        """The words, after the kind, of the programs that the last run started."""
        commands = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [words[1:] for words in commands if kind in ("", words[0])]

    def compiled(self) -> list[str]:
        """Names of the units that the last run compiled, in that order."""
        return [Path(words[words.index("-c") + 1]).stem for words in self.commands("cxx") if "-c" in words]

    def unit(self, name: str) -> list[str]:
        """The words that one unit was compiled with."""
        target = str(self.folder / "objects" / f"{name}.o")
        (words,) = (words for words in self.commands("cxx") if words[-1] == target)
        return words


@pytest.fixture
def tensorflow(exported: dict[str, Path], tmp_path: Path) -> Build:
    work = tmp_path / "it's a build (1)"  # as a user's home may be
    protos = grow(work / "google", {"google/protobuf/any.proto": ""})
    protoc = work / "protoc"
    protoc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{FAKE}" protoc "$@"\n')
    protoc.chmod(0o755)
    return Build(
        exported["tensorflow"] / "SConstruct",
        work / "tensorflow",
        grow(work / "tree", TREE),
        protoc=str(protoc),
        protos=[str(protos)],
    )


@pytest.fixture
def core(exported: dict[str, Path], tmp_path: Path) -> Build:
    """With what the package tensorflow holds: sources, and headers of what was generated."""
    work = tmp_path / "core"
    headers = {f"{FRAMEWORK}{name}.pb.h": "" for name in (*MESSAGES, "node")}
    framework = ["tensorflow/tsl/platform/env.cc", f"{FRAMEWORK}tensor.cc"]
    grow(work, {"index.json": json.dumps({"framework": framework, "ops": []})})
    return Build(
        exported["tfport-core"] / "SConstruct",
        work / "build",
        grow(work / "include", {**TREE, **headers}),
        index=str(work / "index.json"),
        ops="Add:AddOp",
        more=False,
    )


def test_the_runtime_is_compiled_in_its_order(tensorflow: Build) -> None:
    """The fake compiler refuses an include that is not there yet."""
    done = tensorflow.run()
    assert done.returncode == 0, done.stdout + done.stderr
    index = json.loads((tensorflow.folder / "index.json").read_text())
    assert index["ops"] == ["Add", "Conv2D", "NoOp"]
    held = Counter((tensorflow.folder / "libtensorflow.a").read_text().split())
    assert {name for name in held if name.endswith(".cc") and ".pb" not in name} == set(index["framework"])
    generated = {f"{FRAMEWORK}{name}.{end}" for name in MESSAGES for end in ("pb.cc", "pb_text.cc")}
    assert generated | {f"{FRAMEWORK}node.pb.cc", "google/protobuf/any.pb.cc"} <= set(held)
    said = done.stdout.splitlines()
    assert said.index("generating messages") < said.index("generating text forms")
    assert "compiling tensorflow_core_0" in said


def test_there_is_nothing_to_do_twice(tensorflow: Build) -> None:
    tensorflow.run()
    assert tensorflow.run().returncode == 0
    assert tensorflow.commands() == []


def test_messages_are_for_the_lite_runtime(tensorflow: Build) -> None:
    tensorflow.run()
    [words] = tensorflow.commands("protoc")
    assert words[0] == f"--cpp_out=lite:{tensorflow.folder / 'gen'}"
    assert words[1:3] == [f"-I{tensorflow.tree}", f"-I{tensorflow.config['protos'][0]}"]
    names = sorted(f"{FRAMEWORK}{name}.proto" for name in (*MESSAGES, "node"))
    assert words[3:] == [*names, "google/protobuf/any.proto"]
    [stripped] = tensorflow.commands("objcopy")
    assert "--remove-section=.init_array*" in stripped and stripped[-1].endswith("/messages_0.o")


def test_no_kernel_is_registered_with_the_framework(tensorflow: Build) -> None:
    tensorflow.run()
    none = tensorflow.folder / "none"
    assert "SHOULD_REGISTER_OP_KERNEL(kernel) false" in (none / "ops_to_register.h").read_text()
    for name in ("tensorflow_core_0", "tensorflow_tsl_0"):
        words = tensorflow.unit(name)
        assert {"-DSELECTIVE_REGISTRATION", f"-I{none}", "-Os", '-DNAME="a b"'} <= set(words)


def test_a_changed_source_compiles_its_unit_alone(tensorflow: Build) -> None:
    tensorflow.run()
    grow(tensorflow.tree, {f"{FRAMEWORK}op.cc": TREE[f"{FRAMEWORK}op.cc"] + "// changed\n"})
    assert tensorflow.run().returncode == 0
    assert tensorflow.compiled() == ["tensorflow_core_0"]


def test_other_flags_compile_everything(tensorflow: Build) -> None:
    tensorflow.run()
    before = tensorflow.compiled()
    assert tensorflow.run(flags=["-O3"]).returncode == 0
    assert tensorflow.compiled() == before
    assert all("-O3" in words for words in tensorflow.commands("cxx"))


def test_a_failure_leaves_no_archive(tensorflow: Build) -> None:
    grow(tensorflow.tree, {f"{FRAMEWORK}op.cc": "#error\n"})
    done = tensorflow.run()
    assert done.returncode != 0
    assert f"{FRAMEWORK}op.cc: error" in done.stderr
    assert not (tensorflow.folder / "libtensorflow.a").exists()
    grow(tensorflow.tree, {f"{FRAMEWORK}op.cc": ""})
    assert tensorflow.run().returncode == 0
    assert "tensorflow_tsl_0" not in tensorflow.compiled(), "what was made stays made"


def kernels_in(build: Build) -> set[str]:
    held = (build.folder / "libkernels.a").read_text().split()
    return {name for name in held if name.endswith(".cc")}


def test_a_selection_compiles_what_it_needs(core: Build) -> None:
    done = core.run()
    assert done.returncode == 0, done.stdout + done.stderr
    always = {f"{KERNELS}no_op.cc", f"{OPS}no_op.cc", f"{OPS}math_ops.cc"}
    assert kernels_in(core) == always | {f"{KERNELS}add_op.cc", f"{KERNELS}fill.cc"}
    assert (core.folder / "gen/ops_to_register.h").read_text() == header("Add:AddOp")
    # What defines the shapes of all ops of mathematics takes longest, so it comes first.
    assert core.compiled()[0] == "tensorflow_core_ops_math_ops"
    for words in core.commands("cxx"):
        assert words[words.index("-include") + 1].endswith("/contractions.h")


def test_a_second_round_compiles_what_may_be_needed_too(core: Build) -> None:
    core.run()
    assert f"{KERNELS}shape.cc" not in kernels_in(core)
    assert core.run(more=True).returncode == 0
    assert f"{KERNELS}shape.cc" in kernels_in(core)
    assert "tensorflow_core_ops_math_ops" not in core.compiled()


def test_types_that_nobody_selected_are_not_compiled(core: Build) -> None:
    core.run(ops="Conv2D:Conv2DOp<CPUDevice, float>")
    assert f"{KERNELS}conv_ops_float.cc" in kernels_in(core)
    assert f"{KERNELS}conv_ops_double.cc" not in kernels_in(core)


def test_all_compiles_all(core: Build) -> None:
    assert core.run(ops="all").returncode == 0
    everything = {name for name in TREE if name.startswith((KERNELS, OPS)) and name.endswith(".cc")}
    assert kernels_in(core) == everything
    registered = (core.folder / "gen/ops_to_register.h").read_text()
    assert "#define SHOULD_REGISTER_OP_KERNEL(clz) true" in registered


@pytest.mark.parametrize(("name", "module"), [("tensorflow", "build_config"), ("tfport-core", "sdk_core")])
def test_a_recipe_brings_what_it_imports(exported: dict[str, Path], name: str, module: str) -> None:
    tools = str(exported[name] / "tools")
    code = f"import sys; sys.modules['tfport'] = None; sys.path.insert(0, {tools!r}); import {module}"
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
