from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tfport.errors import BundleIncomplete, NoNetwork
from tfport.sources import SourceCache, SourceRef, fetch, missing, write_bundle

FILES = {f"a-{n}.tar.gz": f"bytes {n}".encode() * 100 for n in range(3)}
REFS = [SourceRef(f"pypi:a/1/{name}", hashlib.sha256(data).hexdigest()) for name, data in FILES.items()]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    cache = SourceCache(tmp_path / "warm")
    for ref in REFS:
        source = tmp_path / ref.filename
        source.write_bytes(FILES[ref.filename])
        cache.copy_in(ref, source)
        source.unlink()
    write_bundle(REFS, cache, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_bundle_fills_a_cold_cache_without_a_network(tmp_path: Path, bundle: Path) -> None:
    cache = SourceCache(tmp_path / "cold")
    assert missing(REFS, cache) == REFS
    paths = fetch([*REFS, REFS[0]], cache, offline=True, bundle=bundle)
    assert [path.read_bytes() for path in paths] == [*FILES.values(), FILES["a-0.tar.gz"]]
    assert missing(REFS, cache) == []


def test_bundle_may_hold_files_by_their_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "by-hand"
    folder.mkdir()
    (folder / REFS[0].filename).write_bytes(FILES[REFS[0].filename])
    assert len(fetch(REFS[:1], SourceCache(tmp_path / "cold"), offline=True, bundle=folder)) == 1


def test_incomplete_bundle_names_every_missing_file(tmp_path: Path, bundle: Path) -> None:
    (bundle / "s" / REFS[0].sha256).unlink()
    (bundle / "s" / REFS[2].sha256).write_bytes(b"damaged")
    with pytest.raises(BundleIncomplete) as caught:
        fetch(REFS, SourceCache(tmp_path / "cold"), offline=True, bundle=bundle)
    assert "a-0.tar.gz, a-2.tar.gz" in caught.value.what
    assert "damaged" in caught.value.why


def test_bundle_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleIncomplete, match="no offline bundle"):
        fetch(REFS, SourceCache(tmp_path), offline=True, bundle=tmp_path / "none")


def test_bundle_is_written_only_from_a_whole_cache(tmp_path: Path) -> None:
    with pytest.raises(BundleIncomplete, match=r"a-0\.tar\.gz, a-1\.tar\.gz, a-2\.tar\.gz"):
        write_bundle(REFS, SourceCache(tmp_path / "cold"), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_second_bundle_mends_the_first(tmp_path: Path, bundle: Path) -> None:
    (bundle / "s" / REFS[1].sha256).write_bytes(b"damaged")
    write_bundle(REFS, SourceCache(tmp_path / "warm"), bundle)
    assert (bundle / "s" / REFS[1].sha256).read_bytes() == FILES["a-1.tar.gz"]


def test_offline_with_a_cold_cache_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoNetwork, match=r"a-0\.tar\.gz"):
        fetch(REFS, SourceCache(tmp_path), offline=True)
