"""What the tests of downloads share, and those of packed files."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.misbehaving import Server
from tests.integration.small_pack import finished_sdk, quiet
from tfport.packed.make import pack
from tfport.sources import SourceCache


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    served = Server()
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.released.set()
    served.shutdown()
    served.server_close()


@pytest.fixture
def cache(tmp_path: Path) -> SourceCache:
    return SourceCache(tmp_path / "sources")


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_sdk(tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys and, for each, a file of allowed signers."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        kind, public, *_ = (folder / f"{name}.pub").read_text().split()
        (folder / f"{name}.allowed").write_text(f'release@{name} namespaces="tfport" {kind} {public}\n')
    return folder


@pytest.fixture(scope="session")
def packed(sdk: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("packed")
    pack(sdk, output, keys / "ours", quiet()[0])
    return output


@pytest.fixture
def copy(packed: Path, tmp_path: Path) -> Path:
    """The packed files, to be damaged."""
    return Path(shutil.copytree(packed, tmp_path / "copy"))
