"""TensorFlow's own unit tests, linked with the objects that are shipped and run on the target's CPU.

upstream/tests.toml lists the files, and says of every other one why it is not among them. The build lies in
the user's cache and is continued: the first one takes some twenty minutes on two cores.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.support import HERE, conan_lock, exported, home, profile_of
from tests.e2e.upstream.listed import TESTS, Listed, Test
from tfport.command import run
from tfport.emulator import Emulator
from tfport.recipe import load_recipes
from tfport.sources import SourceCache, fetch
from tfport.target import ROOT, Target

pytestmark = [pytest.mark.e2e, pytest.mark.full]
LISTED = Listed.read(TESTS)
FOLDER = home() / "tests" / "upstream"
ASKED_FOR = ("conv_ops", "matmul_op", "direct_session", "executor", "function", "tensor")
SECONDS = 900  # for one file; the slowest takes a fifth of it on an idle core


@pytest.fixture(scope="session")
def archive() -> Path:
    """What of TensorFlow's source archive its package lacks: tests, messages, definitions of the API."""
    (source,) = next(recipe for recipe in load_recipes(ROOT) if recipe.name == "tensorflow").sources
    (packed,) = fetch([source], SourceCache(home() / "sources"))
    folder = FOLDER / source.sha256[:12]
    if not folder.is_dir():
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}")
        with tarfile.open(packed) as tar:
            for member in tar:
                _, _, path = member.name.partition("/")
                if member.isfile() and _is_wanted(path):
                    member.name = path
                    tar.extract(member, fresh)
        fresh.rename(folder)
    return folder


def _is_wanted(path: str) -> bool:
    return path.endswith(("_test.cc", ".proto")) or path.startswith("tensorflow/core/api_def/base_api/")


@pytest.fixture(scope="session")
def wheel() -> Path:
    """Where host TensorFlow is installed."""
    code = "import importlib.util as u; print(u.find_spec('tensorflow').submodule_search_locations[0])"
    return Path(run([sys.executable, "-c", code]).stdout.strip())


@pytest.fixture(scope="session")
def built(archive: Path, wheel: Path, zuluko: Target) -> Path:
    """The build folder, with a program for each file in programs/."""
    conan = exported(FOLDER / "logs")
    words = ["build", HERE / "upstream", f"--output-folder={FOLDER}", "--build=missing", "--no-remote"]
    words += ["--profile:build=default", f"--profile:host={conan.write_profile(profile_of(zuluko))}"]
    words += [f"--conf=user.tfport:archive={archive}", f"--conf=user.tfport:wheel={wheel}"]
    env = {"CONAN_HOME": str(conan.home), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with conan_lock():
        run([sys.executable, "-m", "conans.conan", *words], cwd=FOLDER, env=env, log=FOLDER / "build.log")
    return FOLDER / "build"


def test_every_file_is_listed_or_has_a_reason(archive: Path) -> None:
    found = {path.relative_to(archive).as_posix() for path in archive.rglob("*_test.cc")}
    listed = {test.path for test in LISTED.tests}
    assert listed <= found and len(listed) >= 25
    assert {f"{name}_test.cc" for name in ASKED_FOR} <= {path.rpartition("/")[2] for path in listed}
    assert not [path for path in found - listed if not LISTED.why_left_out(path)]


@pytest.mark.parametrize("test", LISTED.tests, ids=[test.name for test in LISTED.tests])
def test_file_passes_on_the_board(test: Test, built: Path, zuluko: Target, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    words = [built / "programs" / test.name, f"--gtest_output=json:{result}"]
    words += [f"--gtest_filter=-{':'.join(test.unrun)}"] if test.unrun else []
    env = {"TEST_TMPDIR": str(tmp_path), "TEST_SRCDIR": str(tmp_path), "TEST_WORKSPACE": "."}
    env["TFPORT_DESCRIPTORS"] = str(built / "descriptors")
    emulator = Emulator.for_target(zuluko)
    done = emulator.run(words, cwd=tmp_path, env=env, timeout=SECONDS, check=False)
    said = (done.stdout + done.stderr)[-4000:]
    assert result.is_file(), said
    told = json.loads(result.read_text(encoding="utf-8"))
    cases = [case for suite in told["testsuites"] for case in suite["testsuite"]]
    ran = [case for case in cases if case["status"] == "RUN" and case["result"] == "COMPLETED"]
    print(f"{test.path}: {len(ran)} tests, {done.seconds:.1f} s")
    assert done.returncode == 0 and told["failures"] == told["errors"] == 0, said
    assert ran, "a file of which no test ran shows nothing"
