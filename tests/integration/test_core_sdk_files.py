"""The files around libtensorflow-core.a, and what of ours is in it, with a stand-in for TensorFlow."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest

from tests.integration.cross import (
    HOUSE,
    ROOT,
    TOOLS,
    ZULUKO,
    compile_file,
    emulate,
    link_program,
    needs_compiler,
    needs_emulator,
)
from tfport.command import run
from tfport.link import link_archive

pytestmark = [needs_compiler, needs_emulator]

PLACES = {
    "TensorFlowCoreConfig.cmake": "lib/cmake/TensorFlowCore",
    "TensorFlowCoreConfigVersion.cmake": "lib/cmake/TensorFlowCore",
    "tensorflow-core.pc": "lib/pkgconfig",
}
OLDEST = ("-march=armv7-a", "-mfpu=vfpv3-d16")  # what cpu.c and guard.c must run on
REQUIRED = ("-DTFPORT_REQUIRE_NEON", "-DTFPORT_REQUIRE_VFPV4", "-DTFPORT_REQUIRE_IDIV")
OURS = ("-DTFPORT_CHECK_CPU=TfPortCoreCheckCpu", '-DTFPORT_TARGET="zuluko"')
FEATURES = ("VFPv4", "hardware divide")  # what a Cortex-A9 lacks

# TensorFlow registers its ops like this; a Cortex-A9 has no such instruction.
REGISTRATION = """
static float Fused(float a) { asm volatile("vfma.f32 %0, %0, %0" : "+t"(a)); return a; }
static float registered = Fused(3.0f);
extern "C" const char* TF_Version(void) { return registered == 12.0f ? "2.14.1" : "not registered"; }
"""
USER = """
#include <stdio.h>
#include <tfport/core.h>
int main(void) {
  TfPortCoreSetXnnpack(0);
  printf("%s %s %s %ld %zu\\n", TfPortCoreVersion(), TfPortCoreTarget(), TfPortCoreOpsManifest(),
         TfPortCoreXnnpackOps(), TfPortCoreKernelNames(NULL, 0) + TfPortCorePackedWeightsBytes());
}
"""
ANSWER = "2.14.1 zuluko {} 0 0"


@dataclass(frozen=True)
class Moved:
    """An SDK that was made in one folder and moved to another with a space in its name."""

    folder: Path
    made_in: Path


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Moved:
    made = tmp_path_factory.mktemp("made")
    include = made / "sdk" / "include"
    shutil.copytree(ROOT / "runtime" / "core" / "include", include)
    (include / "tensorflow" / "c").mkdir(parents=True)
    (include / "tensorflow" / "c" / "c_api.h").write_text('extern "C" const char* TF_Version(void);\n')
    (made / "registration.cc").write_text(REGISTRATION)

    def built(source: Path, *flags: str) -> Path:
        return compile_file(source, made / f"{source.name}.o", *HOUSE, f"-I{include}", *OURS, *flags)

    core = ROOT / "runtime" / "core"
    link_archive(
        run=run,
        tools=TOOLS,
        # The registrations first, as a linker may well put them.
        roots=[
            built(made / "registration.cc"),
            built(core / "info.cc"),
            built(core / "guard.c", *OLDEST),
            built(ROOT / "runtime" / "common" / "cpu.c", *OLDEST, *REQUIRED),
        ],
        output=made / "sdk" / "lib" / "libtensorflow-core.a",
        debug_output=made / "debug.a",
        keep=[r"TF_\w+", r"TfPortCore\w+"],
    )
    templates = jinja2.FileSystemLoader(ROOT / "toolchains" / "templates")
    environment = jinja2.Environment(loader=templates, undefined=jinja2.StrictUndefined, autoescape=False)
    for name, place in PLACES.items():
        folder = made / "sdk" / place
        folder.mkdir(parents=True, exist_ok=True)
        text = environment.get_template(name + ".jinja").render(version="2.14.1", target="zuluko")
        (folder / name).write_text(text)
    target = tmp_path_factory.mktemp("moved") / "an sdk"
    shutil.move(made / "sdk", target)
    return Moved(target, made)


def configure(moved: Moved, folder: Path, languages: str, wanted: str = "2.14", **cache: str) -> Path:
    """Configure and build a project of one program; returns the program."""
    folder.mkdir(exist_ok=True)
    (folder / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.16)\nproject(user {languages})\n"
        f"find_package(TensorFlowCore {wanted} REQUIRED)\nadd_executable(user user.{languages.lower()})\n"
        "target_link_libraries(user PRIVATE TensorFlowCore::TensorFlowCore)\n"
    )
    (folder / f"user.{languages.lower()}").write_text(USER)
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "armv7-a",
        f"CMAKE_{languages}_COMPILER": ZULUKO.compiler.program("gcc" if languages == "C" else "g++"),
        "CMAKE_PREFIX_PATH": str(moved.folder),
        **cache,
    }
    run(["cmake", "-S", folder, "-B", folder / "build", *(f"-D{k}={v}" for k, v in settings.items())])
    run(["cmake", "--build", folder / "build"])
    return folder / "build" / "user"


@pytest.mark.parametrize("languages", ["C", "CXX"])
@pytest.mark.parametrize("linking", ["", "-static", "-static -Wl,--gc-sections"])
def test_find_package(moved: Moved, tmp_path: Path, languages: str, linking: str) -> None:
    program = configure(moved, tmp_path / "project", languages, CMAKE_EXE_LINKER_FLAGS=linking)
    assert emulate(program) == ANSWER


@pytest.mark.parametrize("wanted", ["2.15", "3.0", "1.9"])
def test_another_version_is_not_found(moved: Moved, tmp_path: Path, wanted: str) -> None:
    with pytest.raises(Exception, match="cmake returned 1") as caught:
        configure(moved, tmp_path / "project", "C", wanted)
    assert "2.14.1" in caught.value.stderr  # type: ignore[attr-defined]


def test_a_64_bit_compiler_is_told_why_not(moved: Moved, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cmake returned 1") as caught:
        configure(moved, tmp_path / "project", "C", wanted="", CMAKE_C_COMPILER="gcc")
    told = " ".join(caught.value.stderr.split())  # type: ignore[attr-defined]
    assert "built for zuluko, a 32-bit ARM target. Use its cross compiler." in told


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="no pkg-config on this machine")
def test_pkg_config(moved: Moved, tmp_path: Path) -> None:
    environment = {"PKG_CONFIG_PATH": str(moved.folder / "lib" / "pkgconfig"), "PKG_CONFIG_LIBDIR": ""}
    assert run(["pkg-config", "--modversion", "tensorflow-core"], env=environment).stdout.strip() == "2.14.1"
    told = run(["pkg-config", "--cflags", "--libs", "tensorflow-core"], env=environment).stdout
    (tmp_path / "user.c").write_text(USER)
    program = link_program(tmp_path / "user", [tmp_path / "user.c", "-static", *shlex.split(told)])
    assert emulate(program) == ANSWER


def test_no_file_names_the_folder_it_was_made_in(moved: Moved) -> None:
    for name, place in PLACES.items():
        assert str(moved.made_in) not in (moved.folder / place / name).read_text()


@pytest.mark.parametrize("linking", ["", "-static"])
def test_a_program_ends_with_a_sentence_on_a_lesser_cpu(moved: Moved, tmp_path: Path, linking: str) -> None:
    program = configure(moved, tmp_path / "project", "C", CMAKE_EXE_LINKER_FLAGS=linking)
    emulator = dataclasses.replace(ZULUKO.emulator, cpu="cortex-a9")
    words = [*dataclasses.replace(ZULUKO, emulator=emulator).emulator_command, program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (7, ""), done
    assert all(feature in done.stderr for feature in FEATURES) and "NEON" not in done.stderr
