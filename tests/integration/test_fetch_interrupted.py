"""Downloads that end too early on this side: a full disk, Ctrl-C, kill, and three at once."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.integration.misbehaving import (
    DATA,
    SHA,
    Handler,
    Server,
    get,
    nothing_cached,
    ref_to,
)
from tfport.errors import (
    DiskFull,
)
from tfport.sources import SourceCache

ROOT = Path(__file__).resolve().parents[2]


class _FullFile(io.FileIO):
    """A file on a disk that has room for 100,000 bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_no_temporary_file_is_taken_for_whole_when_the_disk_is_full(
    server: Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *mode: _FullFile(path, "a+") if path.suffix == ".part" else opened(path, *mode),
    )
    with pytest.raises(DiskFull) as caught:
        get(server, cache)
    assert str(cache.root) in caught.value.what
    assert "TFPORT_HOME" in caught.value.hint
    assert nothing_cached(cache)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_named_and_the_next_run_continues(server: Server, small_disk: Path) -> None:
    cache = SourceCache(small_disk)
    with pytest.raises(DiskFull):
        get(server, cache)
    assert nothing_cached(cache)
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    assert get(server, cache) == DATA
    assert server.requests[-1][1].startswith("bytes="), "what had arrived was not used"


def _program(server: Server, cache: SourceCache) -> list[str]:
    code = f"""
        from pathlib import Path
        from tfport.sources import Limits, SourceCache, SourceRef, fetch
        ref = SourceRef({ref_to(server).url!r}, {SHA!r})
        fetch([ref], SourceCache(Path({str(cache.root)!r})), limits=Limits(read=20))
    """
    return [sys.executable, "-c", textwrap.dedent(code)]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def _part_size(cache: SourceCache) -> int:
    part = cache.part(SHA)
    return part.stat().st_size if part.exists() else 0


def test_ctrl_c_ends_at_once_and_the_next_run_continues(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: server.stall(handler) if len(server.requests) == 1 else handler.whole()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(_program(server, cache), env=environment, stderr=subprocess.PIPE, cwd=ROOT)
    _wait_for(lambda: len(server.requests) == 1)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    process.communicate(timeout=10)
    assert time.monotonic() - started < 5
    assert process.returncode != 0
    assert nothing_cached(cache)
    assert get(server, cache) == DATA


def test_killed_download_is_continued(server: Server, cache: SourceCache) -> None:
    def half(handler: Handler) -> None:
        if len(server.requests) > 1:
            handler.whole()
            return
        handler.head(200, len(DATA))
        handler.wfile.write(DATA[:200_000])
        handler.wfile.flush()
        server.released.wait(30)

    server.answer = half
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(_program(server, cache), env=environment, cwd=ROOT)
    _wait_for(lambda: _part_size(cache) >= 100_000)
    process.kill()
    process.wait(10)
    assert nothing_cached(cache)
    assert get(server, cache) == DATA
    assert server.requests[-1][1].startswith("bytes=1") or server.requests[-1][1].startswith("bytes=2")


def test_two_fetches_at_once_download_once(server: Server, cache: SourceCache) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        handler.whole()

    server.answer = slow
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen(_program(server, cache), env=environment, cwd=ROOT) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert cache.path(SHA).read_bytes() == DATA
    assert len(server.requests) == 1
