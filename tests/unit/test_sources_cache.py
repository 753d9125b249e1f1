from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from tfport.errors import ChecksumMismatch, DiskFull
from tfport.sources import SourceCache, SourceRef
from tfport.sources.cache import Stopped, full_disk_named

DATA = b"the pinned bytes" * 1000
REF = SourceRef("pypi:a/1/a-1.tar.gz", hashlib.sha256(DATA).hexdigest())


def _filled(root: Path) -> SourceCache:
    cache = SourceCache(root)
    cache.part(REF.sha256).parent.mkdir(parents=True)
    cache.part(REF.sha256).write_bytes(DATA)
    cache.adopt(REF)
    return cache


def test_adopted_file_lies_where_conan_looks(tmp_path: Path) -> None:
    cache = _filled(tmp_path)
    assert (tmp_path / "s" / REF.sha256).read_bytes() == DATA
    assert cache.get(REF) == tmp_path / "s" / REF.sha256
    assert not cache.part(REF.sha256).exists()


def test_wrong_bytes_are_refused_and_removed(tmp_path: Path) -> None:
    cache = SourceCache(tmp_path)
    source = tmp_path / "damaged"
    source.write_bytes(DATA[:-1])
    with pytest.raises(ChecksumMismatch) as caught:
        cache.copy_in(REF, source)
    assert REF.sha256 in caught.value.what
    assert hashlib.sha256(DATA[:-1]).hexdigest() in caught.value.what
    assert cache.get(REF) is None
    assert not cache.part(REF.sha256).exists()
    assert source.exists()


def test_cached_file_that_changed_is_not_used(tmp_path: Path) -> None:
    cache = _filled(tmp_path)
    path = cache.path(REF.sha256)
    path.write_bytes(DATA[:-1] + b"!")
    os.utime(path, (1, 1))
    assert cache.get(REF) is None
    assert not path.exists()


def test_unchanged_file_is_hashed_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = _filled(tmp_path)
    monkeypatch.setattr("tfport.sources.cache.sha256_of", lambda path: pytest.fail("hashed again"))
    assert cache.get(REF) is not None


def test_file_without_a_note_is_hashed(tmp_path: Path) -> None:
    # A folder that Conan or a person filled has no notes of ours.
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / REF.sha256).write_bytes(DATA)
    assert SourceCache(tmp_path).get(REF) is not None
    (tmp_path / "s" / REF.sha256).write_bytes(b"other")
    assert SourceCache(tmp_path).get(REF) is None


def test_file_that_conan_left_half_written_is_not_used(tmp_path: Path) -> None:
    cache = _filled(tmp_path)
    dirty = Path(f"{cache.path(REF.sha256)}.dirty")
    dirty.touch()
    assert cache.get(REF) is None
    assert not dirty.exists()


def test_urls_that_conan_noted_for_another_pin_are_forgotten(tmp_path: Path) -> None:
    cache = _filled(tmp_path)
    summary = Path(f"{cache.path(REF.sha256)}.json")
    summary.write_text(json.dumps({"references": {"a/1": [REF.url]}, "timestamp": 1}))
    cache.get(REF)
    assert summary.exists()
    cache.get(SourceRef("pypi:b/1/a-1.tar.gz", REF.sha256))
    assert not summary.exists()


def test_lock_holds_between_threads_and_can_be_called_off(tmp_path: Path) -> None:
    cache, stop = SourceCache(tmp_path), threading.Event()
    with cache.lock(REF.sha256):
        stop.set()
        caught: list[BaseException] = []

        def wait() -> None:
            try:
                with cache.lock(REF.sha256, stop):
                    pass
            except Stopped as error:
                caught.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(5)
    assert len(caught) == 1


def _hold(root: Path, held: multiprocessing.synchronize.Event) -> None:
    with SourceCache(root).lock(REF.sha256):
        held.set()
        time.sleep(0.5)


def test_lock_holds_between_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, held))
    process.start()
    assert held.wait(10)
    started = time.monotonic()
    with SourceCache(tmp_path).lock(REF.sha256):
        waited = time.monotonic() - started
    process.join()
    assert waited > 0.2


def test_full_disk_is_named(tmp_path: Path) -> None:
    # /dev/full answers every write with "no space left".
    with pytest.raises(DiskFull, match=str(tmp_path)), full_disk_named(tmp_path):
        Path("/dev/full").write_bytes(b"x")


def test_other_failures_of_the_disk_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), full_disk_named(tmp_path):
        (tmp_path / "none").read_bytes()
