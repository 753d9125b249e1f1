"""A firmware project that has the packed file, a cross compiler and nothing else of ours, by each way in.

Each linker says which archive it opened (``--trace``): those bytes are the ones that SHA256SUMS of the packed
file names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.support import ESPRESSO, HERE, Sdk, classified, on_board, tfport
from tfport.packed import files
from tfport.sums import SUMS, sha256_of

pytestmark = pytest.mark.e2e

ARCHIVE = "lib/libtensorflow-lite.a"
TRACE = "-Wl,--trace"


@dataclass(frozen=True)
class Project:
    """A copy of the project in ``folder``, and the unpacked SDK."""

    folder: Path
    sdk: Path

    def run(self, *words: str | Path) -> str:
        """Run a program with what a stranger's machine has; what it said."""
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "CONAN_HOME": str(self.folder / "conan")}
        done = subprocess.run(
            list(map(str, words)), cwd=self.folder, env=env, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def conan(self, *words: str | Path) -> str:
        return self.run(sys.executable, "-m", "conans.conan", *words)


@pytest.fixture(scope="module")
def unpacked(sdk_squeezenet: Sdk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed file, unpacked where there is nothing else."""
    folder = tmp_path_factory.mktemp("packed")
    done = tfport("pack", "--sdk", sdk_squeezenet.folder, "--output", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    [pack] = (folder / "out").glob("*.tar.gz")
    (folder / "empty").mkdir()
    subprocess.run(["tar", "-xf", pack, "-C", folder / "empty"], check=True)
    [sdk] = (folder / "empty").iterdir()
    return sdk


def by_cmake(project: Project) -> tuple[Path, str]:
    words = ("-DCMAKE_TOOLCHAIN_FILE=arm.cmake", "-DCMAKE_BUILD_TYPE=Release")
    project.run("cmake", "-B", "b", *words, f"-DCMAKE_PREFIX_PATH={project.sdk}", f"-DCMAKE_C_FLAGS={TRACE}")
    return project.folder / "b" / "firmware", project.run("cmake", "--build", "b")


def by_make(project: Project) -> tuple[Path, str]:
    said = project.run("make", f"SDK={project.sdk}", f"LDFLAGS={TRACE}", "CFLAGS=-O2")
    return project.folder / "firmware", said


def by_conan(project: Project) -> tuple[Path, str]:
    project.conan("profile", "detect")
    project.conan("export-pkg", project.sdk, "-pr:h", "arm.profile")
    conf = f"tools.build:exelinkflags=['{TRACE}']"
    said = project.conan("build", ".", "-pr:h", "arm.profile", "-c:h", conf, "--no-remote")
    return project.folder / "build" / "Release" / "firmware", said


@pytest.mark.parametrize("way", [by_cmake, by_make, by_conan])
def test_each_way_in_links_the_packed_bytes(
    way: Callable[[Project], tuple[Path, str]],
    sdk_squeezenet: Sdk,
    unpacked: Path,
    squeezenet: Path,
    coffee: Path,
    espresso: float,
    tmp_path: Path,
) -> None:
    project = Project(tmp_path / "firmware", unpacked)
    shutil.copytree(HERE / "firmware", project.folder)
    shutil.copyfile(unpacked / "share" / "tfport" / "examples" / "classify.c", project.folder / "main.c")
    program, said = way(project)
    opened = set(re.findall(r"/\S*/libtensorflow-lite\.a", said))
    assert opened, said
    assert {sha256_of(Path(path)) for path in opened} == {files.read_sums(unpacked / SUMS)[ARCHIVE]}
    inside = {str(unpacked), str(project.folder)}
    assert all(any(path.startswith(place + os.sep) for place in inside) for path in opened), opened
    top, score = classified(on_board(sdk_squeezenet.target, [program, squeezenet, coffee]))
    assert top == ESPRESSO and abs(score - espresso) <= 1e-4


def test_conan_refuses_the_sdk_for_another_machine(unpacked: Path, tmp_path: Path) -> None:
    project = Project(tmp_path, unpacked)
    project.conan("profile", "detect")
    with pytest.raises(AssertionError, match="This SDK is for zuluko"):
        project.conan("export-pkg", unpacked)
