"""Downloads from a server on loopback that misbehaves in every way a mirror was seen to."""

from __future__ import annotations

import hashlib
import socket
import time

import pytest

from tests.integration.misbehaving import (
    DATA,
    QUICK,
    SHA,
    Handler,
    Recorder,
    Server,
    get,
    nothing_cached,
    ref_to,
)
from tfport.errors import (
    ChecksumMismatch,
    NoNetwork,
    SourceNotFound,
    SourceStalled,
    SourceTruncated,
)
from tfport.sources import Limits, SourceCache, SourceRef, fetch


def test_downloads_once_and_then_needs_no_network(server: Server, cache: SourceCache) -> None:
    recorder = Recorder()
    ref = ref_to(server)
    fetch([ref, ref], cache, recorder, limits=QUICK)
    (task,) = recorder.tasks
    assert (task.name, task.total, task.count, task.ended) == ("a.tar.gz", len(DATA), len(DATA), True)
    server.shutdown()
    server.server_close()
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert len(server.requests) == 1


def test_missing_file_lists_what_was_tried(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.head(404, 0)
    ref = SourceRef(f"{server.url}/a.tar.gz", SHA, mirrors=(f"{server.url}/b.tar.gz",))
    with pytest.raises(SourceNotFound) as caught:
        fetch([ref], cache, limits=QUICK)
    assert "404" in caught.value.why
    assert "b.tar.gz" in caught.value.why
    assert len(server.requests) == 2, "a plain 404 is not asked for again"


def test_second_mirror_is_tried(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if "good" in handler.path else handler.head(404, 0)
    ref = SourceRef(f"{server.url}/a.tar.gz", SHA, mirrors=(f"{server.url}/good",))
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA


def test_passing_trouble_is_sat_out(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if len(server.requests) > 2 else handler.head(503, 0)
    assert get(server, cache) == DATA


def test_stalling_server_is_given_up(server: Server, cache: SourceCache) -> None:
    server.answer = server.stall
    with pytest.raises(SourceStalled) as caught:
        get(server, cache)
    assert "a.tar.gz" in caught.value.what
    assert nothing_cached(cache)


def test_server_that_never_answers_is_given_up(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.hang_up() if server.released.wait(30) else None
    with pytest.raises(SourceStalled, match="stopped sending"):
        get(server, cache)


def test_dripping_server_is_given_up(server: Server, cache: SourceCache) -> None:
    def drip(handler: Handler) -> None:
        handler.head(200, len(DATA))
        while not server.released.wait(0.05):
            handler.wfile.write(b"x")

    server.answer = drip
    limits = Limits(connect=2, read=1, attempts=1, slow_bytes=1000, slow_seconds=0.5)
    started = time.monotonic()
    with pytest.raises(SourceStalled, match="stopped sending"):
        fetch([ref_to(server)], cache, limits=limits)
    assert time.monotonic() - started < 5


def test_stalled_download_resumes_where_it_stopped(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: server.stall(handler) if len(server.requests) == 1 else handler.whole()
    assert get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["", "bytes=1000-"]


def _promise_more(handler: Handler) -> None:
    handler.head(200, len(DATA) + 5000)
    handler.wfile.write(DATA[: len(DATA) // 2])
    handler.hang_up()


def test_truncating_server_is_named(server: Server, cache: SourceCache) -> None:
    server.answer = _promise_more
    with pytest.raises(SourceTruncated) as caught:
        get(server, cache)
    assert "broke off" in caught.value.what
    assert nothing_cached(cache)


def test_connection_that_dies_midway_is_resumed(server: Server, cache: SourceCache) -> None:
    def die_twice(handler: Handler) -> None:
        if len(server.requests) > 2:
            handler.whole()
        elif handler.headers.get("Range"):
            handler.head(206, 200_000, Content_Range=f"bytes 100000-{len(DATA) - 1}/{len(DATA)}")
            handler.wfile.write(DATA[100_000:150_000])
            handler.hang_up()
        else:
            handler.head(200, len(DATA))
            handler.wfile.write(DATA[:100_000])
            handler.hang_up()

    server.answer = die_twice
    assert get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["", "bytes=100000-", "bytes=150000-"]


def test_connection_that_dies_before_an_answer_is_tried_again(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.whole() if len(server.requests) > 1 else handler.hang_up()
    assert get(server, cache) == DATA


def test_chunked_answer_that_breaks_off_is_truncated(server: Server, cache: SourceCache) -> None:
    def chunked(handler: Handler) -> None:
        handler.head(200, None, Transfer_Encoding="chunked")
        handler.wfile.write(b"400\r\n" + DATA[:1024] + b"\r\n")
        handler.hang_up()

    server.answer = chunked
    with pytest.raises(SourceTruncated):
        get(server, cache)


def test_length_that_promises_too_little_is_a_wrong_file(server: Server, cache: SourceCache) -> None:
    def cut(handler: Handler) -> None:
        handler.head(200, len(DATA) - 1000)
        handler.wfile.write(DATA[:-1000])

    server.answer = cut
    with pytest.raises(ChecksumMismatch, match=f"{len(DATA) - 1000} bytes"):
        get(server, cache)


def test_changed_bytes_are_refused_and_not_kept(server: Server, cache: SourceCache) -> None:
    changed = DATA[:-1] + bytes([DATA[-1] ^ 1])
    server.answer = lambda handler: handler.whole(changed)
    with pytest.raises(ChecksumMismatch) as caught:
        get(server, cache)
    assert hashlib.sha256(changed).hexdigest() in caught.value.what
    assert SHA in caught.value.what
    assert caught.value.hint
    assert not list(cache.root.glob("parts/*"))
    assert nothing_cached(cache)
    server.answer = Handler.whole
    assert get(server, cache) == DATA


def test_part_of_another_file_is_begun_again(server: Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    assert get(server, cache) == DATA
    assert [asked for _, asked in server.requests] == ["bytes=1000-", ""]


def test_part_that_is_longer_than_the_file_is_begun_again(server: Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(DATA) + 5))
    assert get(server, cache) == DATA


def test_part_that_is_whole_is_taken_in_without_asking(server: Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    assert get(server, cache) == DATA
    assert server.requests == []


def test_server_without_ranges_starts_over(server: Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:1000])

    def whole_only(handler: Handler) -> None:
        handler.head(200, len(DATA))
        handler.wfile.write(DATA)

    server.answer = whole_only
    assert get(server, cache) == DATA


def test_server_that_sends_another_range_is_not_believed(server: Server, cache: SourceCache) -> None:
    part = cache.part(SHA)
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:1000])

    def off_by_one(handler: Handler) -> None:
        if handler.headers.get("Range"):
            handler.head(206, len(DATA) - 999, Content_Range=f"bytes 999-{len(DATA) - 1}/{len(DATA)}")
            handler.wfile.write(DATA[999:])
        else:
            handler.whole()

    server.answer = off_by_one
    assert get(server, cache) == DATA


def test_compressed_transfer_is_not_undone(server: Server, cache: SourceCache) -> None:
    # Some servers call a .tar.gz gzip-encoded; the pinned bytes are those of the .tar.gz.
    def encoded(handler: Handler) -> None:
        handler.head(200, len(DATA), Content_Encoding="gzip")
        handler.wfile.write(DATA)

    server.answer = encoded
    assert get(server, cache) == DATA


def test_one_bad_file_does_not_keep_the_others(server: Server, cache: SourceCache) -> None:
    server.answer = lambda handler: handler.head(404, 0) if "bad" in handler.path else handler.whole()
    bad = SourceRef(f"{server.url}/bad.tar.gz", "0" * 64)
    with pytest.raises(SourceNotFound, match=r"bad\.tar\.gz"):
        fetch([bad, ref_to(server)], cache, limits=QUICK)
    assert cache.get(ref_to(server)) is not None


def test_unreachable_server_is_no_network(cache: SourceCache) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    refs = [SourceRef(f"{url}/{name}.tar.gz", name * 64) for name in "abcdef"]
    started = time.monotonic()
    with pytest.raises(NoNetwork) as caught:
        fetch(refs, cache, limits=QUICK)
    assert all(ref.filename in caught.value.what for ref in refs)
    assert time.monotonic() - started < 5
