from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tfport.environment import (
    Need,
    apt_line,
    check_compiler,
    compile_jobs,
    needs,
    provide,
    tfport_home,
    unmet,
)
from tfport.errors import InstallFailed, PackagesMissing
from tfport.target import Target, load_target

GB = 10**9


@pytest.fixture
def target() -> Target:
    return load_target("zuluko")


@pytest.fixture
def fake_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, text: str = "exit 0") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_needs_follow_the_target(target: Target) -> None:
    emulator = dataclasses.replace(target.emulator, program="qemu-other", packages=("qemu-x",))
    found = needs(dataclasses.replace(target, emulator=emulator))
    assert Need("qemu-other", ("qemu-x",), "run programs for zuluko") in found
    assert "arm-linux-gnueabihf-g++" in [need.what for need in found]


def test_missing_packages_stop_with_the_exact_line(
    target: Target, fake_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    program(fake_path, "cmake")
    with pytest.raises(PackagesMissing) as caught:
        provide(needs(target), install=False, log=tmp_path / "log", say=print)
    assert caught.value.hint.endswith(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends build-essential ninja-build "
        "gcc-arm-linux-gnueabihf g++-arm-linux-gnueabihf qemu-user"
    )
    assert "qemu-arm: run programs for zuluko" in caught.value.why


def test_nothing_missing_says_nothing(fake_path: Path, tmp_path: Path) -> None:
    program(fake_path, "cmake")
    said: list[str] = []
    provide(
        [Need("cmake", ("cmake",), "x"), Need("/", ("base",), "y")],
        install=False,
        log=tmp_path,
        say=said.append,
    )
    assert said == []


def test_install_runs_apt_and_looks_again(
    fake_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    calls = tmp_path / "calls"
    creates = f'case "$1" in install) echo "#!" > {fake_path}/ninja; /bin/chmod +x {fake_path}/ninja;; esac'
    program(fake_path, "apt-get", f'echo "$@ $DEBIAN_FRONTEND" >> {calls}\n{creates}')
    provide([Need("ninja", ("ninja-build",), "x")], install=True, log=tmp_path / "apt", say=print)
    assert calls.read_text().splitlines() == [
        "update noninteractive",
        "install -y --no-install-recommends ninja-build noninteractive",
    ]
    with pytest.raises(InstallFailed, match="still missing: mould"):
        provide([Need("mould", ("mould",), "x")], install=True, log=tmp_path / "apt", say=print)


def test_failed_install_shows_what_apt_said(
    fake_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    program(fake_path, "apt-get", "echo 'E: Unable to locate package ninja-build' >&2; exit 100")
    with pytest.raises(InstallFailed) as caught:
        provide([Need("ninja", ("ninja-build",), "x")], install=True, log=tmp_path / "apt", say=print)
    assert "E: Unable to locate" in caught.value.why and "apt-get install" in caught.value.hint


def test_another_major_version_of_the_compiler_is_refused(target: Target, fake_path: Path) -> None:
    program(fake_path, "arm-linux-gnueabihf-gcc", "echo 12.2.0")
    assert check_compiler(target) == "12.2.0"
    program(fake_path, "arm-linux-gnueabihf-gcc", "echo 14.1.0")
    with pytest.raises(PackagesMissing, match=r"version 14\.1\.0; zuluko is built with 12"):
        check_compiler(target)


def test_apt_line_names_a_package_once() -> None:
    assert apt_line(["b", "a", "b"]).endswith(" b a")


def test_unmet_looks_for_files_too(tmp_path: Path) -> None:
    there, gone = Need(str(tmp_path), (), ""), Need(str(tmp_path / "gone"), (), "")
    assert unmet([there, gone]) == [gone]


@pytest.mark.parametrize(
    ("memory", "cores", "jobs"), [(8 * GB, 2, 2), (4 * GB, 8, 2), (1 * GB, 4, 1), (64 * GB, 16, 16)]
)
def test_jobs_by_cores_and_memory(memory: int, cores: int, jobs: int) -> None:
    assert compile_jobs(memory, cores) == jobs


def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "a"))
    assert tfport_home() == tmp_path / "a"
    monkeypatch.delenv("TFPORT_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tfport_home() == tmp_path / "tfport"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tfport_home() == tmp_path / ".cache" / "tfport"
