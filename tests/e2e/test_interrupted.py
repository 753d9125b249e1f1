"""Ctrl-C early in the main job: it ends at once, leaves nothing half-written, and the next run goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.small_tree import SmallTree
from tests.e2e.support import Sdk

pytestmark = pytest.mark.e2e
INTERRUPTED = 130


@pytest.fixture
def tree(sdk_squeezenet: Sdk, tmp_path: Path) -> Iterator[SmallTree]:
    (tmp_path / "results").mkdir()
    output = tmp_path / "results" / "sdk"
    made = SmallTree(tmp_path / "tree", tmp_path / "home", output, sdk_squeezenet.folder, stall_first=True)
    yield made
    made.server.stop()


def interrupt(tree: SmallTree, when: Callable[[], bool], delay: float = 0) -> None:
    """Start the main job and send Ctrl-C, as a terminal does, ``delay`` seconds after ``when`` holds."""
    process = tree.start()
    limit = time.monotonic() + 60
    while not when():
        assert process.poll() is None and time.monotonic() < limit, tree.said
        time.sleep(0.01)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == INTERRUPTED, tree.said
    assert "Traceback" not in tree.said and "Interrupted" in tree.said
    assert not tree.output.exists() and tree.leftovers == []


def test_the_next_run_goes_on(tree: SmallTree) -> None:
    interrupt(tree, lambda: tree.part.exists() and tree.part.stat().st_size > 500_000)
    assert not tree.cached.exists()
    # Conan's first moments, in which it sets up its home, then its work.
    for delay in (0.1, 0.3, 0.6, 1.0):
        interrupt(tree, lambda: "Building with Conan" in tree.said, delay)
    interrupt(tree, lambda: "tfport-lite/2.14.1: ..." in tree.said)
    code, said = tree.run()
    assert code == 0, said
    assert (tree.output / "lib" / "libtensorflow-lite.a").is_file() and tree.leftovers == []
    first, second = tree.server.ranges  # no third: what has arrived is kept
    assert not first and int(second[len("bytes=") : -1]) > 500_000
