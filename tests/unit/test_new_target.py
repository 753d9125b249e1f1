from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit import boards
from tfport.command import run
from tfport.errors import NoTargetFits, TargetExists, TargetFileError
from tfport.fit import judge
from tfport.machine import read_machine
from tfport.new_target import new_target
from tfport.target import Target, dump_target, load_target

USABLE = ("CORTEX_A5", "CORTEX_A7", "CORTEX_A8", "CORTEX_A9", "CORTEX_A53_32", "CORTEX_A72_64", "KRAIT")


def made(folder: Path, cpuinfo: str, ldd: str | None = boards.DEBIAN_10) -> Target:
    return new_target("mine", read_machine(cpuinfo, ldd), clock_mhz=1200, ram_mb=256, folder=folder)


@pytest.mark.parametrize("name", USABLE)
def test_a_new_target_loads_and_fits_its_board(tmp_path: Path, name: str) -> None:
    target = made(tmp_path, boards.ALL[name])
    assert target == load_target("mine", tmp_path)
    assert dump_target(target) == (tmp_path / "mine.toml").read_text()
    assert (target.cpu.clock_mhz, target.cpu.ram_mb) == (1200, 256)
    (verdict,) = judge(read_machine(boards.ALL[name], boards.DEBIAN_10), [target])
    assert verdict.fits


@pytest.mark.parametrize(
    ("name", "arch", "fpu", "emulated"),
    [
        ("CORTEX_A7", "armv7ve", "neon-vfpv4", "cortex-a7"),
        ("CORTEX_A5", "armv7-a", "neon-vfpv4", "cortex-a7"),
        ("CORTEX_A8", "armv7-a", "neon-vfpv3", "cortex-a8"),
        ("CORTEX_A9", "armv7-a", "neon-vfpv3", "cortex-a9"),
        ("CORTEX_A53_32", "armv7ve", "neon-vfpv4", "cortex-a7"),
    ],
)
def test_what_follows_from_the_features(
    tmp_path: Path, name: str, arch: str, fpu: str, emulated: str
) -> None:
    target = made(tmp_path, boards.ALL[name])
    assert (target.cpu.arch, target.cpu.fpu, target.emulator.cpu) == (arch, fpu, emulated)


@pytest.mark.parametrize(
    ("ldd", "glibc", "glibcxx"),
    [
        (boards.DEBIAN_9, "2.24", "3.4.22"),
        (boards.DEBIAN_10, "2.28", "3.4.25"),
        (boards.UBUNTU_22, "2.35", "3.4.30"),
        (None, "2.28", "3.4.25"),
    ],
)
def test_limits_come_from_the_c_library(tmp_path: Path, ldd: str | None, glibc: str, glibcxx: str) -> None:
    limits = made(tmp_path, boards.CORTEX_A7, ldd).limits
    assert limits is not None and (limits.glibc, limits.glibcxx) == (glibc, glibcxx)


@pytest.mark.parametrize("name", ["PI_ZERO", "CORTEX_A9_D16", "CORTEX_A720_64", "X86"])
def test_boards_for_which_there_is_no_target(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoTargetFits):
        made(tmp_path, boards.ALL[name])
    assert not list(tmp_path.iterdir())


def test_another_c_library(tmp_path: Path) -> None:
    with pytest.raises(NoTargetFits) as caught:
        made(tmp_path, boards.CORTEX_A7, boards.MUSL)
    assert "musl" in caught.value.why


def test_an_existing_target_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    with pytest.raises(TargetExists):
        made(tmp_path, boards.CORTEX_A7)
    assert (tmp_path / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "../up", "Mine", "a b", "-x", "a/b"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(TargetFileError):
        new_target(name, read_machine(boards.CORTEX_A7), clock_mhz=1, ram_mb=1, folder=tmp_path)


@pytest.mark.parametrize("name", USABLE)
def test_the_compiler_takes_the_flags(tmp_path: Path, name: str) -> None:
    target = made(tmp_path, boards.ALL[name])
    if not shutil.which(target.compiler.program("gcc")):
        pytest.skip("no ARM cross compiler on this machine")
    done = run([target.compiler.program("gcc"), *target.compile_flags, "-dM", "-E", "-"], stdin=b"")
    assert ("#define __ARM_FEATURE_FMA 1\n" in done.stdout) == target.cpu.has_vfpv4
