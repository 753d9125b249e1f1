"""The whole way of a machine with no network: a new clone, nothing cached, no interface, only a bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.clone import clone as copy_of_the_tree
from tests.e2e.support import tfport
from tests.integration.test_bundle import CUT_OFF, needs_namespaces
from tfport.errors import BundleIncomplete

pytestmark = [pytest.mark.e2e, pytest.mark.full, needs_namespaces]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usb") / "bundle"
    done = tfport("bundle", "--output", folder, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path / "clone")


def build(clone: Path, bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TFPORT_HOME": str(clone.parent / "caches"), "HOME": str(clone.parent)}
    return subprocess.run(
        [*CUT_OFF, sys.executable, str(clone / "build.py"), "--target", "zuluko", "--offline", *words],
        env={name: value for name, value in env.items() if not name.startswith("PIP_")},
        cwd=clone.parent,
        capture_output=True,
        text=True,
        timeout=5400,
        stdin=subprocess.DEVNULL,
    )


def test_the_main_job_with_no_network_interface(clone: Path, bundle: Path) -> None:
    done = build(clone, bundle, "--bundle", str(bundle))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert (clone / "dist" / "zuluko" / "lite" / "lib" / "libtensorflow-lite.a").is_file()
    again = build(clone, bundle)
    assert again.returncode == 0 and "is up to date" in again.stdout, "the caches have it all now"


def test_a_bundle_with_a_file_missing_stops_before_anything_starts(clone: Path, bundle: Path) -> None:
    damaged = clone.parent / "damaged"
    shutil.copytree(bundle, damaged, copy_function=os.link)
    lost = next((damaged / "s").iterdir())
    lost.unlink()
    done = build(clone, damaged, f"--bundle={damaged}")
    assert done.returncode == BundleIncomplete.exit_code
    assert f"missing: s/{lost.name}" in done.stdout + done.stderr
    assert not any((clone / name).exists() for name in (".venv", "dist", "build"))
    assert not (clone.parent / "caches").exists()
