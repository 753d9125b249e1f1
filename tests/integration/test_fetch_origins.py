"""Files of Debian and of a package index, through mirrors on loopback."""

from __future__ import annotations

import pytest

from tests.integration.misbehaving import (
    DATA,
    QUICK,
    SHA,
    Handler,
    Server,
)
from tfport.errors import (
    SourceNotFound,
)
from tfport.sources import SourceCache, SourceRef, debian, fetch, pypi
from tfport.sources.debian import Mirror
from tfport.sources.pypi import Pip


def test_debian_pool_of_a_mirror(server: Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror(f"{server.url}/debian/"),))
    ref = SourceRef("debian:forky/fp16/0.0~git1-1/fp16_0.0~git1.orig.tar.xz", SHA)
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert server.requests == [("/debian/pool/main/f/fp16/fp16_0.0~git1.orig.tar.xz", "")]


def test_index_of_a_mirror_is_asked_when_the_pool_path_fails(
    server: Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mirror has no index either: apt says so, and all that was tried is listed.
    server.answer = lambda handler: handler.head(404, 0)
    monkeypatch.setattr(debian, "mirrors", lambda: (Mirror(f"{server.url}/debian/"),))
    ref = SourceRef("debian:forky/fp16/0.0~git1-1/fp16_0.0~git1.orig.tar.xz", SHA)
    with pytest.raises(SourceNotFound) as caught:
        fetch([ref], cache, limits=QUICK)
    assert "404" in caught.value.why
    assert "the index of Debian forky does not list fp16 0.0~git1-1" in caught.value.why
    assert (
        any("/dists/forky/" in path for path, _ in server.requests)
        or "not on this machine" in caught.value.why
    )


def test_package_index(server: Server, cache: SourceCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def index(handler: Handler) -> None:
        if handler.path == "/simple/ml-dtypes/":
            page = f'<a href="../../files/ml_dtypes-0.2.0.tar.gz#sha256={SHA}">x</a>'.encode()
            handler.head(200, len(page), Content_Type="text/html")
            handler.wfile.write(page)
        else:
            handler.whole()

    server.answer = index
    monkeypatch.setattr(pypi, "pip_configuration", lambda: Pip((f"{server.url}/simple",)))
    ref = SourceRef("pypi:ml-dtypes/0.2.0/ml_dtypes-0.2.0.tar.gz", SHA)
    (path,) = fetch([ref], cache, limits=QUICK)
    assert path.read_bytes() == DATA
    assert [path for path, _ in server.requests] == ["/simple/ml-dtypes/", "/files/ml_dtypes-0.2.0.tar.gz"]
