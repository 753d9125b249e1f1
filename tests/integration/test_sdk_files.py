"""The SDK's CMake package, pkg-config file and headers, used from a folder that it was moved to."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import jinja2
import pytest

from tests.integration.cross import (
    CASE,
    ROOT,
    ZULUKO,
    Sdk,
    compile_file,
    emulate,
    link_program,
    needs_compiler,
    needs_emulator,
)
from tfport.command import run

pytestmark = [needs_compiler, needs_emulator]

PLACES = {
    "TensorFlowLiteConfig.cmake": "lib/cmake/TensorFlowLite",
    "TensorFlowLiteConfigVersion.cmake": "lib/cmake/TensorFlowLite",
    "tensorflow-lite.pc": "lib/pkgconfig",
}


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SDK that was made in one folder and moved to another with a space in its name."""
    made = Sdk(tmp_path_factory.mktemp("made"))
    made.link()
    templates = ROOT / "toolchains" / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), undefined=jinja2.StrictUndefined, autoescape=False
    )
    for name, place in PLACES.items():
        folder = made.folder / "sdk" / place
        folder.mkdir(parents=True, exist_ok=True)
        values = {"version": "2.14.1", "target": "zuluko", "bare": False}
        text = environment.get_template(name + ".jinja").render(values)
        (folder / name).write_text(text)
    target = tmp_path_factory.mktemp("moved") / "an sdk"
    shutil.move(made.folder / "sdk", target)
    return target


def configure(moved: Path, tmp_path: Path, languages: str, wanted: str = "2.14", **cache: str) -> Path:
    """Configure and build a project of one program; returns the program."""
    source = tmp_path / "project"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.16)\nproject(user {languages})\n"
        f"find_package(TensorFlowLite {wanted} REQUIRED)\nadd_executable(user user.{languages.lower()})\n"
        "target_link_libraries(user PRIVATE TensorFlowLite::TensorFlowLite)\n"
        'message(STATUS "made for ${TensorFlowLite_TARGET}")\n'
    )
    shutil.copy(CASE / "plain.c", source / "user.c")
    (source / "user.cxx").write_text(
        '#include <cstdio>\n#include "tensorflow/lite/interpreter.h"\n'
        "int main() { tfport_flatbuffers::Verifier v; tflite::Interpreter i(nullptr);\n"
        '  std::printf("%d\\n", i.Verify(&v)); }\n'
    )
    compilers = {"C": ZULUKO.compiler.program("gcc"), "CXX": ZULUKO.compiler.program("g++")}
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "armv7-a",
        f"CMAKE_{languages}_COMPILER": compilers[languages],
        "CMAKE_PREFIX_PATH": str(moved),
        **cache,
    }
    words = [f"-D{key}={value}" for key, value in settings.items()]
    run(["cmake", "-S", source, "-B", tmp_path / "build", *words])
    run(["cmake", "--build", tmp_path / "build"])
    return tmp_path / "build" / "user"


@pytest.mark.parametrize(("languages", "answer"), [("C", "2008"), ("CXX", "23")])
@pytest.mark.parametrize("linking", ["", "-static"])
def test_find_package(moved: Path, tmp_path: Path, languages: str, answer: str, linking: str) -> None:
    assert emulate(configure(moved, tmp_path, languages, CMAKE_EXE_LINKER_FLAGS=linking)) == answer


@pytest.mark.parametrize("wanted", ["2.15", "3.0", "1.9"])
def test_another_version_is_not_found(moved: Path, tmp_path: Path, wanted: str) -> None:
    with pytest.raises(Exception, match="cmake returned 1") as caught:
        configure(moved, tmp_path, "C", wanted)
    assert "2.14.1" in caught.value.stderr  # type: ignore[attr-defined]


def test_a_64_bit_compiler_is_told_why_not(moved: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cmake returned 1") as caught:
        configure(moved, tmp_path, "C", wanted="", CMAKE_C_COMPILER="gcc", CMAKE_SYSTEM_NAME="Linux")
    told = " ".join(caught.value.stderr.split())  # type: ignore[attr-defined]
    assert "built for zuluko, a 32-bit ARM target. Use its cross compiler." in told


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="no pkg-config on this machine")
def test_pkg_config(moved: Path, tmp_path: Path) -> None:
    environment = {"PKG_CONFIG_PATH": str(moved / "lib" / "pkgconfig"), "PKG_CONFIG_LIBDIR": ""}
    assert run(["pkg-config", "--modversion", "tensorflow-lite"], env=environment).stdout.strip() == "2.14.1"
    told = run(["pkg-config", "--cflags", "--libs", "tensorflow-lite"], env=environment).stdout
    link_program(tmp_path / "user", [CASE / "plain.c", *shlex.split(told)])
    assert emulate(tmp_path / "user") == "2008"


def test_no_file_names_the_folder_it_was_made_in(moved: Path) -> None:
    for name, place in PLACES.items():
        assert str(moved.parent.parent) not in (moved / place / name).read_text()


def test_other_flatbuffers_and_ours_in_one_source_file(moved: Path, tmp_path: Path) -> None:
    source = tmp_path / "both.cc"
    for first, second in (("flatbuffers/flatbuffers.h", "tensorflow/lite/interpreter.h"), ("", "")):
        names = (first, second) if first else ("tensorflow/lite/interpreter.h", "flatbuffers/flatbuffers.h")
        source.write_text(
            "".join(f'#include "{name}"\n' for name in names)
            + "static_assert(FLATBUFFERS_VERSION_MAJOR == 2 && TFPORT_FLATBUFFERS_VERSION_MAJOR == 23);\n"
            "static_assert(sizeof(flatbuffers::Verifier) != sizeof(tfport_flatbuffers::Verifier));\n"
        )
        compile_file(
            source, tmp_path / "both.o", f"-I{CASE / 'theirs'}", f"-I{moved / 'include'}", "-std=c++17"
        )
