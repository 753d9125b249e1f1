"""The parts of tfport-run that need no runtime, compiled for the target and run under QEMU."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tfport.inputs import seeded_input

RUNNER = Path(__file__).parents[2] / "runtime" / "runner"
PARTS = ("core_model", "graph_file", "json", "npy", "options", "seeded", "session_options", "tensor", "wire")
COMPILER = shutil.which("arm-linux-gnueabihf-g++")
EMULATOR = shutil.which("qemu-arm")

needs_target = pytest.mark.skipif(
    COMPILER is None or EMULATOR is None, reason="the cross compiler or QEMU is not installed"
)

DTYPES = [
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "complex64",
    "complex128",
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The argument vector that runs tests/*.cc on the target's CPU."""
    binary = tmp_path_factory.mktemp("runner") / "units"
    parts = [*(RUNNER / f"{name}.cc" for name in PARTS), *sorted((RUNNER / "tests").glob("*.cc"))]
    argv = [str(COMPILER), "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", str(binary)]
    argv += ["-Wno-psabi", "-march=armv7ve", "-mfpu=neon-vfpv4", "-mfloat-abi=hard", "-mthumb"]
    # As CMakeLists.txt has it; reads past the end of a string_view abort.
    argv += ["-D_FILE_OFFSET_BITS=64", "-D_GLIBCXX_ASSERTIONS"]
    subprocess.run([*argv, *map(str, parts)], check=True)
    return [str(EMULATOR), "-cpu", "cortex-a7", str(binary)]


@needs_target
def test_own_checks(program: list[str]) -> None:
    done = subprocess.run(program, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@needs_target
@pytest.mark.parametrize("dtype", DTYPES)
def test_seeded_pattern_is_the_same_in_python(program: list[str], tmp_path: Path, dtype: str) -> None:
    for seed, index in ((0, 0), (7, 3), (2**64 - 1, 1)):
        path = tmp_path / "pattern.npy"
        subprocess.run([*program, "seeded", dtype, str(seed), str(index), "500", str(path)], check=True)
        ours = seeded_input(seed, index, (500,), dtype)
        theirs = np.load(path)
        assert theirs.dtype == ours.dtype
        assert theirs.tobytes() == ours.tobytes()


@needs_target
def test_seeded_strings_are_the_same_in_python(program: list[str], tmp_path: Path) -> None:
    path = tmp_path / "strings"
    subprocess.run([*program, "seeded", "string", "5", "2", "20", str(path)], check=True)
    assert path.read_bytes() == b"".join(seeded_input(5, 2, (4, 5), "string").reshape(-1).tolist())


@needs_target
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_npy_survives_a_round_trip(
    program: list[str], tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    array = seeded_input(1, 0, shape, dtype)
    np.save(tmp_path / "from.npy", array)
    subprocess.run([*program, "copy", str(tmp_path / "from.npy"), str(tmp_path / "to.npy")], check=True)
    back = np.load(tmp_path / "to.npy")
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@needs_target
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_format_versions(program: list[str], tmp_path: Path, version: tuple[int, int]) -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    with (tmp_path / "from.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=version)  # type: ignore[no-untyped-call]
    subprocess.run([*program, "copy", str(tmp_path / "from.npy"), str(tmp_path / "to.npy")], check=True)
    assert np.array_equal(np.load(tmp_path / "to.npy"), array)


@needs_target
@pytest.mark.parametrize("keep", [0, 5, 9, 60, 128, 150])
def test_truncated_npy_is_refused(program: list[str], tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "whole.npy", np.zeros(100, np.float32))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:keep])
    argv = [*program, "copy", str(tmp_path / "cut.npy"), str(tmp_path / "to.npy")]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() in ("this is not a .npy file", "the file is truncated")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["cut.npy", "whole.npy"]


def test_seeded_values_are_in_range() -> None:
    for dtype in ("float16", "float32", "float64"):
        values = seeded_input(0, 0, (4096,), dtype)
        assert -1.0 <= values.min() < -0.99 and 0.99 < values.max() < 1.0
    assert set(seeded_input(0, 0, (100,), "int32").tolist()) == {0, 1}
    with pytest.raises(ValueError, match="resource"):
        seeded_input(0, 0, (1,), "resource")
