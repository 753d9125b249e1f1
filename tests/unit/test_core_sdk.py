"""The core SDK in the making: manifest, both rounds of compiling, the link, the tree that is deployed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fake_core_sdk import OTHER, SELECTION, FakeRecipe, core_sdks, linked
from tfport.core.sdk_core import CXX_HEADERS, ROOTS, CoreSdk, sdk_of
from tfport.core.selection import SelectionError
from tfport.link import LinkError
from tfport.target import ROOT


@pytest.fixture
def make_sdk(tmp_path: Path) -> Callable[..., CoreSdk]:
    return core_sdks(tmp_path)


def manifest(sdk: CoreSdk) -> dict[str, Any]:
    return dict(json.loads((sdk.generated / "ops.json").read_text(encoding="utf-8")))


def test_the_manifest_lists_ops_with_their_kernels(make_sdk: Callable[..., CoreSdk]) -> None:
    sdk = make_sdk(SELECTION + ";Const:OtherOp")
    sdk.generate()
    assert manifest(sdk) == {
        "tfport_manifest": 1,
        "runtime": "tensorflow",
        "version": "2.14.1",
        "target": "zuluko",
        "ops": {
            "AddV2": ["BinaryOp<CPUDevice, functor::add<float>>"],
            "Const": ["ConstantOp", "OtherOp"],
            "PartitionedCall": [],
        },
    }


def test_all_ops_are_those_that_the_package_serves(make_sdk: Callable[..., CoreSdk]) -> None:
    sdk = make_sdk("all")
    sdk.generate()
    assert manifest(sdk)["ops"] == {"Add": [], "Sub": []}


def test_the_archive_carries_the_same_manifest(make_sdk: Callable[..., CoreSdk]) -> None:
    sdk = make_sdk()
    sdk.generate()
    text = (sdk.generated / "manifest.c").read_text(encoding="utf-8")
    start, end = 'const char tfport_core_manifest[] = "', '";\n'
    assert text.startswith(start) and text.endswith(end)
    literal = text[len(start) : -len(end)]
    assert json.loads(literal.replace('\\"', '"').replace("\\\\", "\\")) == manifest(sdk)


def test_a_bad_selection_is_refused(make_sdk: Callable[..., CoreSdk]) -> None:
    with pytest.raises(SelectionError):
        make_sdk("Const:").generate()


def archives_of(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "libraries").iterdir())


def test_what_is_linked_whole_and_what_as_needed(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    sdk = make_sdk()
    result = sdk.link(archives_of(tmp_path))
    assert result.kept == ("TF_NewSession", "TfPortCoreTarget", "_ZN10tensorflow7SessionD1Ev", OTHER)
    words = sdk.run.commands[0]  # type: ignore[attr-defined]
    start, end = words.index("--whole-archive"), words.index("--no-whole-archive")
    build, libraries = tmp_path / "build", tmp_path / "libraries"
    assert words[start + 1 : end] == [
        str(build / "CMakeFiles/tfport_core.dir/runtime/info.cc.o"),
        str(build / "libkernels.a"),
        str(libraries / "libtensorflow.a"),
    ]
    group = words[words.index("--start-group") + 1 : words.index("--end-group")]
    # The part of protobuf that has descriptors stays out.
    assert set(group) == {
        str(libraries / "libprotobuf-lite.a"),
        str(libraries / "libre2.a"),
        str(build / "libtfport_compat.a"),
    }
    assert (sdk.sdk / "lib" / "libtensorflow-core.a").is_file()
    assert (sdk.sdk / "lib" / "debug" / "libtensorflow-core.debug.a").is_file()


def test_a_cut_archive_keeps_what_public_entries_reach(
    make_sdk: Callable[..., CoreSdk], tmp_path: Path
) -> None:
    sdk = make_sdk()
    sdk.link(archives_of(tmp_path))
    tools: Any = sdk.run
    assert "--gc-sections" in tools.commands[1]
    for name in ("TF_NewSession", "TfPortCoreTarget", "_ZN10tensorflow7SessionD1Ev"):
        assert f'"{name}"' in tools.entries
    assert "malloc" not in tools.entries and "OpKernel" not in tools.entries


def test_a_library_of_all_ops_is_cut_so_too(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    sdk = make_sdk("all")
    sdk.link(archives_of(tmp_path))
    assert any("--gc-sections" in words for words in sdk.run.commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("TF_LoadSessionFromSavedModel", True),
        ("TSL_SetStatus", True),
        ("_ZN10tensorflow10NewSessionERKNS_14SessionOptionsE", True),
        ("_ZNK10tensorflow6Tensor11TotalBytesEv", True),
        ("_ZN3tsl3Env7DefaultEv", True),
        ("_ZN10tensorflow13SessionLoggerC1Ev", False),
        ("_ZN10tensorflow8OpKernelD2Ev", False),
        ("_ZN4absl6StatusD1Ev", False),
    ],
)
def test_entries_of_the_archive(name: str, kept: bool) -> None:
    assert bool(re.fullmatch("|".join(f"(?:{pattern})" for pattern in ROOTS), name)) is kept


MISSING = "_ZN10tensorflow7functor4FillEv"


def test_one_round_is_enough_when_nothing_is_missing(
    make_sdk: Callable[..., CoreSdk], tmp_path: Path
) -> None:
    weak = "_ZTHN10tensorflow4data5model4Node11work_start_E"
    recipe, sdk = FakeRecipe(tmp_path), make_sdk(SELECTION, linked("_ZNSt6vectorC1Ev", weak))
    sdk.generate()
    sdk.make(recipe)
    [config] = recipe.rounds
    assert (config["ops"], config["more"]) == (SELECTION, False)
    assert Path(config["source"]).readlink() == tmp_path / "tensorflow/include"
    assert config["index"] == str(tmp_path / "tensorflow/res/index.json")
    assert config["tools"] == str(tmp_path / "house/tools")
    assert {"-DSELECTIVE_REGISTRATION", "-DEIGEN_USE_THREADS=", "-DIS_SLIM_BUILD"} <= set(config["flags"])
    assert (sdk.sdk / "include/tensorflow/c/c_api.h").is_file()


def test_what_the_link_misses_is_compiled_in_a_second_round(
    make_sdk: Callable[..., CoreSdk], tmp_path: Path
) -> None:
    recipe, sdk = FakeRecipe(tmp_path), make_sdk(SELECTION, linked(MISSING), linked())
    sdk.generate()
    sdk.make(recipe)
    assert [config["more"] for config in recipe.rounds] == [False, True]
    assert (sdk.sdk / "include/tensorflow/c/c_api.h").is_file()


def test_what_no_source_defines_is_an_error(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    recipe, sdk = FakeRecipe(tmp_path), make_sdk(SELECTION, linked(MISSING))
    sdk.generate()
    with pytest.raises(LinkError, match=f"1 symbols of TensorFlow are missing: {MISSING}"):
        sdk.make(recipe)
    assert len(recipe.rounds) == 2
    assert not (sdk.sdk / "include").exists(), "what does not link is not deployed"


def deployed(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> CoreSdk:
    sdk = make_sdk()
    sdk.generate()
    sdk.deploy([tmp_path / "tensorflow/include", tmp_path / "protobuf"])
    return sdk


def test_the_c_api_and_the_c_plus_plus_api_have_folders_of_their_own(
    make_sdk: Callable[..., CoreSdk], tmp_path: Path
) -> None:
    sdk = deployed(make_sdk, tmp_path)

    def below(folder: str) -> set[str]:
        top = sdk.sdk / folder
        return {path.relative_to(top).as_posix() for path in top.rglob("*.h")}

    plain = {"tensorflow/c/c_api.h", "tensorflow/c/tf_status.h", "tfport/core.h"}
    assert below("include") == plain
    messages = {"tensorflow/core/a.pb.h", "tfport_google/protobuf/port.h"}
    assert below("include-cxx") == plain | set(CXX_HEADERS) | messages


def test_protobuf_is_deployed_under_our_name(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    include = deployed(make_sdk, tmp_path).sdk / "include-cxx"
    text = (include / "tensorflow/core/a.pb.h").read_text(encoding="utf-8")
    assert text == "#include <tfport_google/protobuf/port.h>\nnamespace tfport_google { class A; }\n"
    version = (include / "tfport_google/protobuf/port.h").read_text(encoding="utf-8")
    assert version == "#define TFPORT_GOOGLE_PROTOBUF_VERSION 1\n"


def test_what_else_is_deployed(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    sdk = deployed(make_sdk, tmp_path)
    share = sdk.sdk / "share" / "tfport"
    assert (share / "ops.json").read_text() == (sdk.generated / "ops.json").read_text()
    assert [path.name for path in (share / "examples").iterdir()] == ["classify_core.c"]
    config = (sdk.sdk / "lib/cmake/TensorFlowCore/TensorFlowCoreConfig.cmake").read_text()
    assert "# TensorFlow 2.14.1 for zuluko" in config
    assert "Version: 2.14.1\n" in (sdk.sdk / "lib/pkgconfig/tensorflow-core.pc").read_text()


def test_tfport_run_is_built_as_a_users_program(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    sdk = make_sdk()
    (sdk.build / "runner").mkdir()
    sdk.build_runner("/conan/toolchain.cmake", 2)
    configure, build, strip = sdk.run.commands  # type: ignore[attr-defined]
    assert str(sdk.sources / "runtime" / "runner") in configure
    assert f"-DTensorFlowCore_DIR={sdk.sdk / 'lib/cmake/TensorFlowCore'}" in configure
    assert "-DTFPORT_RUNTIME=core" in configure
    assert build[-1] == "-j2"
    assert strip == ["arm-strip", str(sdk.sdk / "bin/tfport-run")]


def test_an_sdk_is_what_its_recipe_says(make_sdk: Callable[..., CoreSdk], tmp_path: Path) -> None:
    recipe = FakeRecipe(tmp_path)
    made = sdk_of(recipe)
    assert replace(made, run=print) == replace(make_sdk(), run=print)
    made.run(["arm-ld", "a b"])
    assert recipe.commands == ["arm-ld 'a b'"]


def test_the_recipe_exports_all_that_it_imports(tmp_path: Path) -> None:
    """As the recipe's exports lie: side by side, without the rest of tfport."""
    names = ["headers", "link", "sdk_files", "core/sdk_core", "core/selection", "core/symbols"]
    steps = sorted((ROOT / "tfport/core/steps").glob("*.py"))
    for path in (*(ROOT / "tfport" / f"{name}.py" for name in names), *steps):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code = (
        f"import sys; sys.modules['tfport'] = None; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import sdk_core, sources; print(sdk_core.CoreSdk.__name__, sources.Portable.__name__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["CoreSdk", "Portable"], done.stderr
