"""A recipe of TensorFlow's own dependencies, compiled on a farm and then out of its cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.support import home
from tests.integration.farm import Distccd, needs_ccache, needs_distcc
from tfport.conan import Conan, render_profile
from tfport.launcher import choose, probed
from tfport.recipe import load_recipe
from tfport.sources import SourceCache, fetch
from tfport.target import ROOT, Target

pytestmark = [pytest.mark.e2e, needs_ccache, *needs_distcc]


def test_cpuinfo_is_compiled_on_both_hosts_once(
    zuluko: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("CCACHE_", "DISTCC_"))]:
        monkeypatch.delenv(name)
    recipe = load_recipe(ROOT, "cpuinfo")
    fetch(recipe.sources, SourceCache(home() / "sources"))
    hosts = Distccd(tmp_path / "one.log"), Distccd(tmp_path / "two.log")
    try:
        (tmp_path / "distcc").mkdir()
        monkeypatch.setenv("DISTCC_DIR", str(tmp_path / "distcc"))
        monkeypatch.setenv("DISTCC_HOSTS", " ".join(host.spec for host in hosts))
        monkeypatch.setenv("CCACHE_REMOTE_STORAGE", f"file://{tmp_path}/shared")
        launcher = probed(choose("ccache+distcc"), zuluko.compiler.program("gcc"), pytest.fail)
        shares = []
        for clone in ("one", "two"):
            monkeypatch.setenv("CCACHE_DIR", str(tmp_path / clone / "ccache"))
            conan = Conan(tmp_path / clone / "conan", home() / "sources", tmp_path / clone / "logs")
            conan.build_profile = launcher.build_profile(conan.home / "p")
            conan.export([recipe])
            profile = render_profile(zuluko, launcher.jobs, conan.home / "p", launcher)
            assert list((conan.install(recipe.reference, profile) / "lib").glob("*.a"))
            shares.append([len(host.compiled()) for host in hosts])
    finally:
        for host in hosts:
            host.die()
    assert min(shares[0]) > 2 and sum(shares[0]) > 10, shares
    assert shares[1] == shares[0], "the second clone finds every object"
