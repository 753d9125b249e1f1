from __future__ import annotations

from pathlib import Path

import pytest

from tfport import launcher as module
from tfport.conan import render_profile
from tfport.errors import FarmInvalid
from tfport.launcher import Launcher, choose, launcher_needs
from tfport.plan import Request, make_plan
from tfport.target import load_target

from .test_conan import profile

HOSTS = {"DISTCC_HOSTS": "build1/8,lzo build2:4000/16"}


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of two cores with ccache, and a distcc that counts 24 slots."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("ccache", ""), ("distcc", "echo 24")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(module, "compile_jobs", lambda: 2)
    return folder


def test_ccache_is_the_default_where_it_is_installed(programs: Path) -> None:
    assert choose(None, {}) == Launcher("ccache", str(programs / "ccache"))
    assert choose("none", {}) == Launcher() and Launcher().variables == {}
    (programs / "ccache").unlink()
    assert choose(None, {}) == Launcher()


def test_hosts_bring_their_slots_and_never_more_compilers_here_than_fit(programs: Path) -> None:
    made = choose("distcc", HOSTS)
    assert made.program == str(programs / "distcc") and made.jobs == 24
    assert made.environment == {"DISTCC_HOSTS": f"{HOSTS['DISTCC_HOSTS']} --localslots=2"}
    assert made.description == ", through distcc on build1/8,lzo, build2:4000/16"
    assert choose("distcc", {"DISTCC_HOSTS": "a --localslots=7"}).hosts == ("a", "--localslots=7")


def test_both_ask_the_cache_first(programs: Path) -> None:
    made = choose(
        "ccache+distcc", {**HOSTS, "CCACHE_REMOTE_STORAGE": "redis://u:secret@cache:6379|timeout=1"}
    )
    assert made.program == str(programs / "ccache") and made.environment["CCACHE_PREFIX"] == "distcc"
    assert "redis://cache:6379" in made.description and "secret" not in made.description


@pytest.mark.parametrize(("given", "used"), [("0", "60"), ("30", None), (None, None)])
def test_a_backoff_of_nothing_is_not_passed_on(given: str | None, used: str | None) -> None:
    environment = {**HOSTS, **({"DISTCC_BACKOFF_PERIOD": given} if given else {})}
    assert choose("distcc", environment).environment.get("DISTCC_BACKOFF_PERIOD") == used


@pytest.mark.parametrize("environment", [{}, {"DISTCC_HOSTS": "  "}])
def test_distcc_without_hosts_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(FarmInvalid, match="DISTCC_HOSTS"):
        choose("distcc", environment)


def test_the_profile_passes_all_of_it_to_every_recipe_and_into_no_identity() -> None:
    made = choose("ccache+distcc", HOSTS)
    text = profile(render_profile(load_target("zuluko"), 24, Path("/p"), made))
    assert dict(made.environment).items() <= dict(text["buildenv"]).items()
    assert made.program and made.program in text["conf"]["tools.cmake.cmaketoolchain:extra_variables"]
    assert "DISTCC" not in str(dict(text["conf"]))


def test_native_tools_come_out_of_the_cache_and_from_no_host() -> None:
    native = choose("ccache+distcc", HOSTS).build_profile(Path("/p"))
    assert "COMPILER_LAUNCHER" in native and "CCACHE_BASEDIR=/p" in native and "distcc" not in native
    assert choose("distcc", HOSTS).build_profile(Path("/p")) == ""


def test_needs_are_by_choice() -> None:
    assert [need.what for need in launcher_needs("ccache+distcc")] == ["ccache", "distcc"]
    assert launcher_needs("none") == launcher_needs(None) == []


def test_the_plan_compiles_everywhere_and_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTCC_HOSTS", HOSTS["DISTCC_HOSTS"])
    made = make_plan(Request("zuluko", launcher="distcc"))
    assert made.jobs == 24 and made.local_jobs < 24
    assert dict(made.rows())["compile jobs"].startswith("24, through distcc on build1/8")
    assert make_plan(Request("zuluko", launcher="distcc", jobs=5)).jobs == 5
    plain = make_plan(Request("zuluko", launcher="none"))
    assert plain.digest("12.2.0") == made.digest("12.2.0"), "the same SDK, whoever compiles"
