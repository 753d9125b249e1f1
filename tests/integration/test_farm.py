"""Real distcc, ccache and Conan: both hosts compile, objects come out of a shared cache, a host may die."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cross import TOOLS, ZULUKO
from tests.integration.farm import FILES, Distccd, Redis, needs_ccache, needs_distcc, tiny_library
from tfport.command import run
from tfport.conan import Conan, render_profile
from tfport.errors import FarmCompilerDiffers, FarmInvalid
from tfport.launcher import Launcher, choose, probed

pytestmark = needs_distcc
COMPILER = ZULUKO.compiler.program("gcc")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own farm and cache."""
    for name in [name for name in os.environ if name.startswith(("CCACHE_", "DISTCC_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "distcc").mkdir()
    monkeypatch.setenv("DISTCC_DIR", str(tmp_path / "distcc"))
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache"))


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Distccd, Distccd]]:
    pair = Distccd(tmp_path / "one.log"), Distccd(tmp_path / "two.log")
    monkeypatch.setenv("DISTCC_HOSTS", f"{pair[0].spec} {pair[1].spec}")
    yield pair
    for host in pair:
        host.die()


def built(folder: Path, launcher: Launcher) -> str:
    """Build the library in a clone of its own; returns the digest of its code."""
    recipe = tiny_library(folder / "recipes" / "tiny-farmed" / "all")
    home = folder / "conan"
    conan = Conan(home, folder / "sources", folder / "logs")
    conan.export([recipe])
    package = conan.install("tiny-farmed/1.0", render_profile(ZULUKO, 4, home / "p", launcher))
    code = folder / "code.a"
    # Debug information names the build folder, which Conan names anew in every cache.
    run([TOOLS.objcopy, "-D", "--strip-debug", package / "lib" / "libfarmed.a", code])
    return hashlib.sha256(code.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What this machine makes of the library by itself."""
    return built(tmp_path_factory.mktemp("here"), Launcher())


def statistics() -> dict[str, int]:
    words = ["ccache", "--print-stats"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: int(value) for name, value in (line.split("\t") for line in lines)}


def test_both_hosts_compile_and_make_the_same_code(
    hosts: tuple[Distccd, Distccd], here: str, tmp_path: Path
) -> None:
    said: list[str] = []
    launcher = probed(choose("distcc"), COMPILER, said.append)
    assert launcher.jobs == 4 and not said
    before = [len(host.compiled()) for host in hosts]
    assert built(tmp_path / "one", launcher) == here
    shares = [len(host.compiled()) - start for host, start in zip(hosts, before)]
    assert min(shares) > 0 and sum(shares) >= FILES, shares


@needs_ccache
def test_a_second_clone_compiles_nothing(
    hosts: tuple[Distccd, Distccd],
    here: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Debian starts a Redis that is installed, so the tests ask for none, and take one that is there.
    redis = Redis(tmp_path / "redis.log") if shutil.which("redis-server") else None
    try:
        place = f"redis://127.0.0.1:{redis.port}" if redis else f"file://{tmp_path}/shared"
        monkeypatch.setenv("CCACHE_REMOTE_STORAGE", place)
        launcher = choose("ccache+distcc")
        assert place in launcher.description
        assert built(tmp_path / "one", launcher) == here
        compiled = [host.compiled() for host in hosts]
        assert sum(len(names) for names in compiled) >= FILES
        monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache of two"))
        for name in ("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"):  # another user's
            monkeypatch.setenv(name, "de_DE.UTF-8")
        assert built(tmp_path / "two", launcher) == here
        assert [host.compiled() for host in hosts] == compiled
        found = statistics()
        assert found["remote_storage_hit"] >= FILES and found["cache_miss"] == 0, found
        if redis:  # a cache that dies costs a compile, no more
            redis.die()
            monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "ccache of three"))
            assert built(tmp_path / "three", launcher) == here
    finally:
        if redis:
            redis.die()


def test_a_host_that_dies_in_the_middle_costs_no_build(
    hosts: tuple[Distccd, Distccd], here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTCC_BACKOFF_PERIOD", "0")  # with which distcc itself aborts
    launcher = choose("distcc")
    stays, dies = hosts

    def kill() -> None:
        limit = time.monotonic() + 60
        while not dies.begun() and time.monotonic() < limit:
            time.sleep(0.01)
        dies.die()

    killer = threading.Thread(target=kill)
    killer.start()
    assert built(tmp_path / "one", launcher) == here
    killer.join()
    assert dies.begun() and not dies.answers(), "it has died after its first job came"
    assert len(dies.compiled()) < FILES and stays.compiled()


def test_a_dead_host_is_left_out_and_said(
    hosts: tuple[Distccd, Distccd], monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, dies = hosts
    dies.die()
    said: list[str] = []
    launcher = probed(choose("distcc"), COMPILER, said.append)
    assert launcher.jobs == 2 and launcher.hosts[0] == stays.spec and dies.spec not in launcher.hosts
    [line] = said
    assert dies.spec in line and "refused" in line
    stays.die()
    assert probed(choose("distcc"), COMPILER, said.append) == Launcher()
    assert "on this machine" in said[-1]


def test_a_host_with_another_compiler_is_refused(
    hosts: tuple[Distccd, Distccd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin" / COMPILER
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\nexec {shutil.which(COMPILER)} "$@" -fident -O0\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    with pytest.raises(FarmCompilerDiffers, match=hosts[0].spec):
        probed(choose("distcc"), COMPILER, print)


@pytest.mark.parametrize(
    ("given", "slots"),
    [
        ("a", 4),
        ("a/8 b/16,lzo", 24),
        ("localhost/2 me@a/3:/usr/bin/distccd [::1]:3632/5,lzo", 10),
        ("a/6 --localslots=9 --localslots_cpp=9", 6),
    ],
)
def test_slots_are_summed_as_distcc_does(given: str, slots: int) -> None:
    assert choose("distcc", {"DISTCC_HOSTS": given}).jobs == slots


@pytest.mark.parametrize("given", ["a:b/3", "a/x", ",lzo"])
def test_hosts_that_distcc_cannot_read(given: str) -> None:
    with pytest.raises(FarmInvalid, match="cannot read"):
        choose("distcc", {"DISTCC_HOSTS": given})
