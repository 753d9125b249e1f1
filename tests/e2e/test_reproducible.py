"""Two builds that share nothing but the sources: other folder, home, user, clock, language; empty caches.

One is compiled through ccache, the other by the plain compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.clone import clone
from tests.e2e.difference import first_difference
from tests.e2e.support import home
from tfport.sources import sha256_of

pytestmark = [pytest.mark.e2e, pytest.mark.full]

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_START = "import sys; sys.path.insert(0, {!r}); from tfport.cli import main; sys.exit(main(sys.argv[1:]))"


def build_and_pack(folder: Path, model: Path, launcher: str, env: dict[str, str], *around: str) -> Path:
    """The SDK of a clone in ``folder``, cut to ``model``; its packed files lie beside it in packages/."""
    build = ["--target", "zuluko", "--model", str(model), "--no-reference", "--compiler-launcher", launcher]
    tree, caches = clone(folder / "clone"), folder / "caches"
    for part in ("sources", "files"):
        if (home() / part).is_dir():
            shutil.copytree(home() / part, caches / part, copy_function=os.link)
    sdk = folder / "sdk"
    words = [*around, sys.executable, "-I", "-B", "-c", _START.format(str(tree))]
    own = {"TFPORT_HOME": str(caches), "CCACHE_DIR": str(folder / "ccache")}
    for arguments, without in (
        ((*build, "--output", str(sdk)), ""),
        # Packed files have the time that is asked for; an SDK has none.
        (("pack", "--sdk", str(sdk), "--output", str(folder / "packages")), "SOURCE_DATE_EPOCH"),
    ):
        given = {name: value for name, value in env.items() if name != without}
        done = subprocess.run(
            [*words, *arguments],
            capture_output=True,
            text=True,
            timeout=5400,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **own, **given},
            cwd=folder,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return sdk


def other_user() -> list[str]:
    """Words that run a program with another user id; none where the kernel does not let us."""
    words = ["unshare", "--user", "--map-user=1234", "--map-group=1234"]
    allowed = (
        shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0
    )
    return words if allowed else []


def with_another_clock(folder: Path) -> Path:
    """A folder for PATH in which every tool of the cross compiler is 400 days ahead.

    Python itself keeps its clock: in its threads time.monotonic() fails under libfaketime.
    """
    folder.mkdir()
    for tool in Path("/usr/bin").glob("arm-linux-gnueabihf-*"):
        script = f'#!/bin/sh\nLD_PRELOAD={_FAKETIME} FAKETIME=+400d exec {tool} "$@"\n'
        (folder / tool.name).write_text(script)
        (folder / tool.name).chmod(0o755)
    return folder


def test_two_builds_are_the_same_bytes(models: Path, tmp_path: Path) -> None:
    model = min(models.glob("*.tflite"), key=lambda path: path.name)
    shutil.copyfile(model, tmp_path / "small.tflite")
    one = build_and_pack(tmp_path / "one", tmp_path / "small.tflite", "ccache", {})
    env = {"HOME": str(tmp_path / "someone"), "LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"}
    env |= {"SOURCE_DATE_EPOCH": "86400", "CFLAGS": "-march=native"}
    if _FAKETIME.is_file():  # else the clock differs by as long as the first build took
        env["PATH"] = f"{with_another_clock(tmp_path / 'clock')}{os.pathsep}{os.environ['PATH']}"
    other = tmp_path / "a" / "longer" / "two"
    two = build_and_pack(other, tmp_path / "small.tflite", "none", env, *other_user())
    assert first_difference(one, two, ignore=frozenset({"report.json"})) == ""
    packed = [sorted((sdk.parent / "packages").iterdir()) for sdk in (one, two)]
    sums = [{path.name: sha256_of(path) for path in folder} for folder in packed]
    assert sums[0] and sums[0] == sums[1]
