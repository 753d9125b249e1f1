"""The disk that holds the caches is full: a named error, nothing half-written, and the next run goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.small_tree import SmallTree
from tests.e2e.support import Sdk
from tfport.errors import DiskFull

pytestmark = pytest.mark.e2e


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def tree(sdk_squeezenet: Sdk, disk: Path, tmp_path: Path) -> Iterator[SmallTree]:
    """Its object of 32 MB is what the compiler needs room for."""
    (tmp_path / "results").mkdir()
    output = tmp_path / "results" / "sdk"
    made = SmallTree(tmp_path / "tree", disk, output, sdk_squeezenet.folder, object_bytes=32 << 20)
    yield made
    made.server.stop()


def resize(disk: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)


def used(disk: Path) -> int:
    done = subprocess.run(["du", "-sk", str(disk)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def refused(tree: SmallTree) -> str:
    """Run the main job, which must end with the disk's error; returns what it said."""
    code, said = tree.run()
    assert code == DiskFull.exit_code, said
    assert "no space is left" in said.lower() and "Traceback" not in said
    assert not tree.output.exists() and tree.leftovers == []
    return said


def test_every_stage_goes_on_when_there_is_room_again(tree: SmallTree, disk: Path) -> None:
    assert str(disk) in refused(tree)  # in the middle of the download
    assert tree.part.exists() and not tree.cached.exists()
    resize(disk, 2 * used(disk) + 40)  # the source has room and little besides it
    refused(tree)
    # Some of it where Conan sets up its home, which it must not take for whole the next time.
    for kilobytes in (4, 12, 20, 28, 36, 44):
        resize(disk, used(disk) + kilobytes)
        refused(tree)
    assert tree.cached.exists() and tree.server.ranges[-1].startswith("bytes=")
    resize(disk, 16_000)
    refused(tree)  # the compiler
    resize(disk, 200_000)
    asked = len(tree.server.ranges)
    code, said = tree.run()
    assert code == 0, said
    assert (tree.output / "lib" / "libtensorflow-lite.a").is_file() and tree.leftovers == []
    assert len(tree.server.ranges) == asked, "what was there was fetched again"
