"""Programs of a consumer: they use only the SDK's headers and archive, and run on the target's CPU."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stand_ins import RESULT, assembly, hidden_names
from tests.e2e.support import ESPRESSO, EXAMPLE, GC, HERE, PROGRAMS, SYSTEM_LIBS, Sdk, classified, tags_of
from tfport import command
from tfport.model import read_tflite

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of graph_models.py."""
    folder = tmp_path_factory.mktemp("graphs")
    command.run([sys.executable, HERE / "graph_models.py", folder], timeout=300)
    return folder


@pytest.fixture(scope="session", params=["all ops", "cut"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    name = "sdk_all" if request.param == "all ops" else "sdk_squeezenet"
    ready: Sdk = request.getfixturevalue(name)
    return ready


@pytest.fixture(scope="session")
def moved(sdk_all: Sdk, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The SDK at another place, under a name that it was not built with."""
    folder = tmp_path_factory.mktemp("elsewhere") / "firmware-libs"
    shutil.copytree(sdk_all.folder, folder)
    return dataclasses.replace(sdk_all, folder=folder)


def test_the_example_is_short_and_uses_the_public_api_only() -> None:
    code = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(code) <= 26
    includes = [line.split()[1] for line in code if line.startswith("#include")]
    assert includes == ["<stdio.h>", "<tensorflow/lite/c/c_api.h>"]


@pytest.mark.parametrize("collect", [GC, ()], ids=["gc-sections", "plain"])
@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_c_program(
    sdk: Sdk,
    squeezenet: Path,
    coffee: Path,
    espresso: float,
    tmp_path: Path,
    how: str,
    collect: tuple[str, ...],
) -> None:
    flags = (*collect, *(["-static"] if how == "static" else []))
    program = sdk.c_program(EXAMPLE, tmp_path / "classify", *flags)
    top, score = classified(sdk.run(program, squeezenet, coffee))
    assert top == ESPRESSO and abs(score - espresso) <= 1e-4
    needed = tags_of(program).get("DT_NEEDED", [])
    system = {"ld-linux-armhf.so.3", "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}
    assert set(needed) <= system
    assert bool(needed) == (how == "dynamic")


def test_gc_sections_takes_away_what_is_not_used(sdk_all: Sdk, tmp_path: Path) -> None:
    """A program that only asks for the version holds none of the kernels."""
    source = tmp_path / "version.c"
    source.write_text(
        "#include <tensorflow/lite/c/c_api.h>\n#include <stdio.h>\n"
        "int main(void) { return puts(TfLiteVersion()) < 0; }\n"
    )
    plain = sdk_all.c_program(source, tmp_path / "plain", "-s")
    small = sdk_all.c_program(source, tmp_path / "small", "-s", *GC)
    assert sdk_all.run(small).stdout.strip() == "2.14.1"
    assert small.stat().st_size < plain.stat().st_size / 2


def test_shared_object_without_text_relocations(
    sdk_all: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path
) -> None:
    library = tmp_path / "libclassify.so"
    flags = ("-shared", "-fPIC", "-Wl,-z,text", "-Wl,-z,defs", "-Dmain=classify")
    sdk_all.c_program(EXAMPLE, library, *flags)
    tags = tags_of(library)
    assert "DT_TEXTREL" not in tags and not int(tags.get("DT_FLAGS", ["0"])[0]) & 4
    load = sdk_all.c_program(PROGRAMS / "load.c", tmp_path / "load", "-D_GNU_SOURCE", "-ldl")
    assert classified(sdk_all.run(load, library, squeezenet, coffee))[0] == ESPRESSO


def test_cmake(moved: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path) -> None:
    compiler = moved.target.compiler
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(firmware C)\n"
        "find_package(TensorFlowLite 2.14 REQUIRED)\n"
        f"add_executable(classify {EXAMPLE})\n"
        "target_link_libraries(classify PRIVATE TensorFlowLite::TensorFlowLite)\n"
    )
    words = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={moved.folder}"]
    words += ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=armv7-a", "-DCMAKE_BUILD_TYPE=Release"]
    command.run([*words, f"-DCMAKE_C_COMPILER={compiler.program('gcc')}"], timeout=120)
    command.run(["cmake", "--build", tmp_path / "b"], timeout=120)
    assert classified(moved.run(tmp_path / "b" / "classify", squeezenet, coffee))[0] == ESPRESSO


def test_cmake_on_the_host_says_what_is_wrong(moved: Sdk, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(firmware C)\nfind_package(TensorFlowLite REQUIRED)\n"
    )
    words = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={moved.folder}"]
    done = command.run(words, timeout=120, check=False)
    assert done.returncode != 0 and "zuluko" in done.stderr


def test_pkg_config(moved: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path) -> None:
    words = ["pkg-config", "--cflags", "--libs", "tensorflow-lite"]
    folder = str(moved.folder / "lib" / "pkgconfig")
    flags = command.run(words, env={"PKG_CONFIG_LIBDIR": folder, "PKG_CONFIG_PATH": ""}).stdout.split()
    gcc = moved.target.compiler.program("gcc")
    command.run([gcc, EXAMPLE, "-o", tmp_path / "classify", *flags], timeout=120)
    assert classified(moved.run(tmp_path / "classify", squeezenet, coffee))[0] == ESPRESSO


def test_no_file_of_the_sdk_names_the_place_where_it_was_built(sdk_all: Sdk) -> None:
    text = [p for p in sdk_all.folder.rglob("*") if p.suffix in (".cmake", ".pc", ".h", ".c")]
    assert len(text) > 50
    for path in text:
        assert str(sdk_all.folder).encode() not in path.read_bytes(), path


@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_cxx_program(sdk_all: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path, how: str) -> None:
    flags = ["-static"] if how == "static" else []
    program = sdk_all.cxx_program(PROGRAMS / "classify.cc", tmp_path / "classify", *flags)
    done = sdk_all.run(program, squeezenet, coffee)
    assert done.stdout.startswith("subgraphs 1\n")
    assert classified(done)[0] == ESPRESSO


def test_custom_op_of_the_user(sdk_all: Sdk, graphs: Path, tmp_path: Path) -> None:
    model = graphs / "cumprod.tflite"
    assert [(op.name, op.custom) for op in read_tflite(model).ops] == [("Cumprod", True)]
    program = sdk_all.c_program(PROGRAMS / "cumprod.c", tmp_path / "cumprod")
    done = sdk_all.run(program, model)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2", "6", "24", "120"]), done.stderr
    bare = sdk_all.run(program, model, "--bare")
    assert bare.returncode in (3, 4) and "Cumprod" in bare.stderr


def test_control_flow_and_variables(sdk_all: Sdk, graphs: Path, tmp_path: Path) -> None:
    model = graphs / "control.tflite"
    used = {op.name for op in read_tflite(model).ops}
    assert {"IF", "WHILE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"} <= used
    program = sdk_all.c_program(PROGRAMS / "signature.c", tmp_path / "signature")
    done = sdk_all.run(program, model)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["2", "branch 15 105", "count 9 3"]


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
@pytest.mark.parametrize("kind", ["functions", "comdat"])
def test_libraries_of_the_same_names(
    sdk_all: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path, kind: str, order: str
) -> None:
    """A consumer has its own abseil, FlatBuffers, XNNPACK and pthreadpool; each side keeps its own."""
    (twin,) = (sdk_all.folder / "lib" / "debug").glob("*.a")
    names = hidden_names(twin)
    assert len(names["xnnpack"]) > 300 and len(names["pthreadpool"]) > 20, {
        k: len(v) for k, v in names.items()
    }
    source = tmp_path / "theirs.s"
    source.write_text(assembly(set().union(*names.values()), comdat=kind == "comdat"))
    sdk_all.gcc("-c", "-march=armv7-a", source, "-o", tmp_path / "theirs.o")
    command.run(
        [sdk_all.target.compiler.program("ar"), "rcs", tmp_path / "libtheirs.a", tmp_path / "theirs.o"]
    )
    sdk_all.gcc("-c", "-Dmain=classify", EXAMPLE, "-o", tmp_path / "classify.o")
    archives = [str(tmp_path / "libtheirs.a"), "-ltensorflow-lite"]
    if order == "ours first":
        archives.reverse()
    program = tmp_path / "neighbours"
    own = [PROGRAMS / "neighbours.c", tmp_path / "classify.o"]
    sdk_all.gcc(*own, "-o", program, *archives, *SYSTEM_LIBS)
    done = sdk_all.run(program, squeezenet, coffee)
    assert done.returncode == 0, done.stderr
    answer, own_answer = done.stdout.splitlines()
    assert int(answer.split()[0]) == ESPRESSO
    assert own_answer == f"own {2 * RESULT} 2 2"


def test_another_flatbuffers_in_the_same_source_file(
    sdk_all: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path
) -> None:
    """The program's own flatbuffers header, of another version, beside the SDK's."""
    headers = tmp_path / "theirs" / "flatbuffers"
    headers.mkdir(parents=True)
    (headers / "flatbuffers.h").write_text(
        "#pragma once\n#define FLATBUFFERS_H_\n#define FLATBUFFERS_BASE_H_\n"
        "#define FLATBUFFERS_VERSION_MAJOR 1\n#define FLATBUFFERS_VERSION_MINOR 12\n"
        "#define FLATBUFFERS_VERSION_REVISION 0\n"
        "namespace flatbuffers { struct Verifier { static int Answer() { return 12; } };\n"
        "template <typename T> struct Vector { T value; }; }\n"
    )
    own = tmp_path / "both.cc"
    text = (PROGRAMS / "classify.cc").read_text(encoding="utf-8")
    text = text.replace("int main(", "int Classify(")
    main = (
        "int main(int c, char** v) { return flatbuffers::Verifier::Answer() == 12 ? Classify(c, v) : 99; }\n"
    )
    theirs = "#include <flatbuffers/flatbuffers.h>\n"
    for parts in ((theirs, text), (text, theirs)):
        own.write_text("".join(parts) + main)
        program = sdk_all.cxx_program(own, tmp_path / "both", f"-I{headers.parent}")
        assert classified(sdk_all.run(program, squeezenet, coffee))[0] == ESPRESSO


def test_the_archive_needs_nothing_else_of_ours(sdk_all: Sdk) -> None:
    assert [p.name for p in (sdk_all.folder / "lib").glob("*.a")] == ["libtensorflow-lite.a"]
    nm = sdk_all.target.compiler.program("nm")
    done = subprocess.run([nm, "-u", sdk_all.archive], capture_output=True, text=True, check=True)
    undefined = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith(" ")}
    assert undefined and not {
        n for n in undefined if n.startswith(("__atomic_", "xnn_", "TfLite", "_ZN6tflite"))
    }
