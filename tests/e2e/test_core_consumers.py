"""Programs of a consumer of TensorFlow core: only the SDK's headers and archive, on the target's CPU."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.core_shelf import DEFAULT, Prepared, feeds
from tests.e2e.stand_ins import CORE_FAMILIES, RESULT, assembly, hidden_names
from tests.e2e.support import ESPRESSO, GC, PROGRAMS, Sdk, classified, tags_of
from tfport import command
from tfport.catalogue import Shelf
from tfport.host import Host
from tfport.target import ROOT

pytestmark = pytest.mark.e2e
EXAMPLE = ROOT / "runtime" / "examples" / "classify_core.c"
THEIRS = PROGRAMS / "theirs"  # headers of the consumer's own protobuf and abseil
# The SDK cut to SqueezeNet alone, and the one that is cut to many models.
SDKS = ("core_sdk_squeezenet", pytest.param("core_sdk", marks=pytest.mark.full))
SYSTEM = {"ld-linux-armhf.so.3", "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}
LEAST = {"abseil": 100, "protobuf": 200, "xnnpack": 80, "pthreadpool": 20, "nsync": 10}


@pytest.fixture(scope="session", params=SDKS)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    ready: Sdk = request.getfixturevalue(request.param)
    return ready


@pytest.fixture(scope="session")
def moved(core_sdk_squeezenet: Sdk, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The SDK at another place, under a name that it was not built with."""
    folder = tmp_path_factory.mktemp("elsewhere") / "firmware-libs"
    shutil.copytree(core_sdk_squeezenet.folder, folder)
    return dataclasses.replace(core_sdk_squeezenet, folder=folder)


@pytest.fixture(scope="session")
def score(prepared: Prepared, core_host: Host, shelf: Shelf) -> float:
    """The score that host TensorFlow gives to coffee.png's class."""
    name = "squeezenet.pb"
    path = core_host.core_results(prepared(name)[name], DEFAULT, feeds(shelf)[name, DEFAULT])
    core_host.work()
    with np.load(path) as values:
        return float(values["out0"].reshape(-1)[ESPRESSO])


def model_of(sdk: Sdk) -> Path:
    return sdk.models / "squeezenet"


@pytest.mark.parametrize("collect", [GC, ()], ids=["gc-sections", "plain"])
@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_c_program(
    sdk: Sdk, coffee_core: Path, score: float, tmp_path: Path, how: str, collect: tuple[str, ...]
) -> None:
    """Kernels register themselves, so a link that lost them would find none."""
    flags = (*collect, *(["-static"] if how == "static" else []))
    program = sdk.c_program(EXAMPLE, tmp_path / "classify", *flags)
    top, got = classified(sdk.run(program, model_of(sdk), coffee_core))
    assert top == ESPRESSO and abs(got - score) <= 1e-4
    needed = tags_of(program).get("DT_NEEDED", [])
    assert set(needed) <= SYSTEM and bool(needed) == (how == "dynamic")


def test_the_example_of_the_sdk_is_the_one_that_is_tested(sdk: Sdk) -> None:
    shipped = sdk.folder / "share" / "tfport" / "examples" / EXAMPLE.name
    assert shipped.read_bytes() == EXAMPLE.read_bytes()


def test_cmake(moved: Sdk, coffee_core: Path, tmp_path: Path) -> None:
    compiler = moved.target.compiler
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(firmware C)\n"
        "find_package(TensorFlowCore 2.14 REQUIRED CONFIG)\n"
        f"add_executable(classify {EXAMPLE})\n"
        "target_link_libraries(classify PRIVATE TensorFlowCore::TensorFlowCore)\n"
    )
    words = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={moved.folder}"]
    words += ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=armv7-a", "-DCMAKE_BUILD_TYPE=Release"]
    command.run([*words, f"-DCMAKE_C_COMPILER={compiler.program('gcc')}"], timeout=120)
    command.run(["cmake", "--build", tmp_path / "b"], timeout=120)
    program = tmp_path / "b" / "classify"
    assert classified(moved.run(program, model_of(moved), coffee_core))[0] == ESPRESSO


def test_cmake_on_the_host_says_what_is_wrong(moved: Sdk, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(firmware C)\nfind_package(TensorFlowCore REQUIRED)\n"
    )
    words = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={moved.folder}"]
    done = command.run(words, timeout=120, check=False)
    assert done.returncode != 0 and "zuluko" in done.stderr


def test_pkg_config(moved: Sdk, coffee_core: Path, tmp_path: Path) -> None:
    words = ["pkg-config", "--cflags", "--libs", "tensorflow-core"]
    folder = str(moved.folder / "lib" / "pkgconfig")
    flags = command.run(words, env={"PKG_CONFIG_LIBDIR": folder, "PKG_CONFIG_PATH": ""}).stdout.split()
    gcc = moved.target.compiler.program("gcc")
    command.run([gcc, EXAMPLE, "-o", tmp_path / "classify", *flags], timeout=120)
    assert classified(moved.run(tmp_path / "classify", model_of(moved), coffee_core))[0] == ESPRESSO


def test_shared_object_without_text_relocations(sdk: Sdk, coffee_core: Path, tmp_path: Path) -> None:
    library = tmp_path / "libclassify.so"
    flags = ("-shared", "-fPIC", "-Wl,-z,text", "-Wl,-z,defs", "-Dmain=classify")
    sdk.c_program(EXAMPLE, library, *flags)
    tags = tags_of(library)
    assert "DT_TEXTREL" not in tags and not int(tags.get("DT_FLAGS", ["0"])[0]) & 4
    load = tmp_path / "load"
    sdk.gcc("-D_GNU_SOURCE", PROGRAMS / "load.c", "-o", load, "-ldl")
    assert classified(sdk.run(load, library, model_of(sdk), coffee_core))[0] == ESPRESSO


@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_cxx_program(
    sdk: Sdk, core_paths: dict[str, Path], coffee_core: Path, score: float, tmp_path: Path, how: str
) -> None:
    """Session and LoadSavedModel, whose messages are protobuf's in a namespace of the SDK's own."""
    flags = (*GC, *(["-static"] if how == "static" else []))
    source, program = PROGRAMS / "classify_core.cc", tmp_path / "classify"
    sdk.cxx_program(source, program, *flags, headers="include-cxx")
    done = sdk.run(program, model_of(sdk), core_paths["squeezenet.pb"], coffee_core)
    top, got = classified(done)
    assert done.stdout.startswith("nodes ")
    assert top == ESPRESSO and abs(got - score) <= 1e-4


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
@pytest.mark.parametrize("kind", ["functions", "comdat"])
def test_libraries_of_the_same_names(
    core_sdk_squeezenet: Sdk, coffee_core: Path, tmp_path: Path, kind: str, order: str
) -> None:
    """A consumer has its own abseil, protobuf, XNNPACK and the rest; each side keeps its own."""
    sdk = core_sdk_squeezenet
    (twin,) = (sdk.folder / "lib" / "debug").glob("*.a")
    names = hidden_names(twin, CORE_FAMILIES)
    counts = {family: len(found) for family, found in names.items()}
    assert all(counts[family] >= least for family, least in LEAST.items()), counts
    source = tmp_path / "theirs.s"
    source.write_text(assembly(set().union(*names.values()), comdat=kind == "comdat"))
    sdk.gcc("-c", "-march=armv7-a", source, "-o", tmp_path / "theirs.o")
    archiver = sdk.target.compiler.program("ar")
    command.run([archiver, "rcs", tmp_path / "libtheirs.a", tmp_path / "theirs.o"])
    sdk.gcc("-c", "-Dmain=classify", EXAMPLE, "-o", tmp_path / "classify.o")
    archives = [str(tmp_path / "libtheirs.a"), sdk.libs[0]]
    if order == "ours first":
        archives.reverse()
    program = tmp_path / "neighbours"
    own = [PROGRAMS / "neighbours.c", tmp_path / "classify.o"]
    sdk.gcc(*own, "-o", program, *archives, *sdk.libs[1:])
    done = sdk.run(program, model_of(sdk), coffee_core)
    assert done.returncode == 0, done.stderr
    answer, own_answer = done.stdout.splitlines()
    assert int(answer.split()[0]) == ESPRESSO
    assert own_answer == f"own {2 * RESULT} 2 2"


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
def test_another_protobuf_and_abseil_beside_the_cxx_api(
    core_sdk_squeezenet: Sdk, core_paths: dict[str, Path], coffee_core: Path, tmp_path: Path, order: str
) -> None:
    """Classes of the same names with other contents, in a library of the program's own."""
    sdk = core_sdk_squeezenet
    text = (PROGRAMS / "classify_core.cc").read_text(encoding="utf-8")
    (tmp_path / "main.cc").write_text(
        text.replace("int main(", "static int Classify(")
        + 'extern "C" int OwnAnswer();\n'
        + "int main(int c, char** v) {\n"
        + "  const int before = OwnAnswer(), result = Classify(c, v);\n"
        + "  return before == 13 && OwnAnswer() == 13 ? result : 99;\n}\n"
    )
    flags = ("-c", "-std=c++17", "-O1")
    sdk.gcc(*flags, tmp_path / "main.cc", "-o", tmp_path / "main.o", cxx=True, headers="include-cxx")
    compiler = sdk.target.compiler
    words = [compiler.program("g++"), *flags, f"-I{THEIRS}", PROGRAMS / "own_protobuf.cc"]
    command.run([*words, "-o", tmp_path / "own.o"], timeout=120)
    command.run([compiler.program("ar"), "rcs", tmp_path / "libown.a", tmp_path / "own.o"])
    archives = [str(tmp_path / "libown.a"), sdk.libs[0]]
    if order == "ours first":
        archives.reverse()
    program = tmp_path / "both"
    sdk.gcc(tmp_path / "main.o", "-o", program, *archives, *sdk.libs[1:], cxx=True)
    done = sdk.run(program, model_of(sdk), core_paths["squeezenet.pb"], coffee_core)
    assert classified(done)[0] == ESPRESSO


def test_another_protobuf_and_abseil_in_the_same_source_file(
    core_sdk_squeezenet: Sdk, coffee_core: Path, tmp_path: Path
) -> None:
    """The headers of the C API bring none, so a C++ program may include its own beside them."""
    sdk = core_sdk_squeezenet
    own = (PROGRAMS / "own_protobuf.cc").read_text(encoding="utf-8")
    headers = "#include <tensorflow/c/c_api.h>\n#include <tfport/core.h>\n"
    main = (
        'extern "C" int classify(int argc, char** argv);\n'
        "int main(int c, char** v) {\n"
        "  if (TF_Version()[0] != '2' || TfPortCoreTarget()[0] != 'z') return 98;\n"
        "  return OwnAnswer() == 13 ? classify(c, v) : 99;\n}\n"
    )
    sdk.gcc("-c", "-Dmain=classify", EXAMPLE, "-o", tmp_path / "classify.o")
    for number, parts in enumerate(((headers, own), (own, headers))):
        source = tmp_path / f"both{number}.cc"
        source.write_text("".join(parts) + main)
        program = source.with_suffix("")
        sdk.cxx_program(source, program, str(tmp_path / "classify.o"), f"-I{THEIRS}")
        assert classified(sdk.run(program, model_of(sdk), coffee_core))[0] == ESPRESSO


def test_no_file_of_the_sdk_names_the_place_where_it_was_built(sdk: Sdk) -> None:
    text = [p for p in sdk.folder.rglob("*") if p.suffix in (".cmake", ".pc", ".h", ".c", ".inc")]
    assert len(text) > 50
    for path in text:
        assert str(sdk.folder).encode() not in path.read_bytes(), path


def test_the_archive_needs_nothing_else_of_ours(sdk: Sdk) -> None:
    assert [p.name for p in (sdk.folder / "lib").glob("*.a")] == ["libtensorflow-core.a"]
    nm = sdk.target.compiler.program("nm")
    done = subprocess.run([nm, "-u", sdk.archive], capture_output=True, text=True, check=True)
    undefined = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith(" ")}
    ours = ("__atomic_", "xnn_", "TF_", "TfPort", "_ZN10tensorflow", "_ZN3tsl", "_ZN4absl", "_ZN13tfport")
    assert undefined and not {name for name in undefined if name.startswith(ours)}
