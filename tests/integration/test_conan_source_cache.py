"""The cache is the one that real Conan reads: its folders, its marks, its notes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from tfport.sources import SourceCache, SourceRef

pytest.importorskip("conan")

URL = "debian:forky/demo/1.0-1/demo_1.0.orig.tar.gz"
RECIPE = """\
from conan import ConanFile
from conan.tools.files import get, load

class Demo(ConanFile):
    name = "demo"
    version = "1.0"

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        self.output.info("content: " + load(self, "hello.txt"))
"""


def _archive(path: Path) -> str:
    data = b"from the cache"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("demo-1.0/hello.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Demo:
    """A recipe in a folder of its own, a cache, and a Conan home that knows of no remote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "demo.tar.gz"
        self.sha256 = _archive(self.archive)
        self.cache = SourceCache(folder / "sources")
        home = folder / "home"
        home.mkdir()
        (home / "remotes.json").write_text('{"remotes": []}')
        (home / "global.conf").write_text(
            f"core.sources:download_cache={folder / 'sources'}\ntools.files.download:retry=0\n"
        )

    def ref(self, url: str = URL) -> SourceRef:
        return SourceRef(url, self.sha256)

    def put(self) -> None:
        with self.cache.lock(self.sha256):
            self.cache.copy_in(self.ref(), self.archive)

    def source(self, url: str = URL) -> subprocess.CompletedProcess[str]:
        recipe = self.folder / "recipe"
        recipe.mkdir(exist_ok=True)
        (recipe / "conanfile.py").write_text(RECIPE)
        (recipe / "conandata.yml").write_text(
            textwrap.dedent(f"""\
                sources:
                  '1.0':
                    sha256: {self.sha256}
                    url: {url}
            """)
        )
        return subprocess.run(
            [sys.executable, "-c", "from conan.cli.cli import main; main(['source', '.'])"],
            cwd=recipe,
            env={**os.environ, "CONAN_HOME": str(self.folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def demo(tmp_path: Path) -> _Demo:
    return _Demo(tmp_path)


def test_conan_takes_a_debian_url_from_the_cache(demo: _Demo) -> None:
    demo.put()
    done = demo.source()
    assert done.returncode == 0, done.stderr
    assert "content: from the cache" in done.stderr
    assert "retrieved from local download cache" in done.stderr


def test_a_pin_with_a_new_debian_revision_is_still_served(demo: _Demo) -> None:
    demo.put()
    assert demo.source().returncode == 0
    noted = json.loads((demo.cache.root / "s" / f"{demo.sha256}.json").read_text())
    assert noted["references"] == {"demo/1.0": [URL]}
    newer = URL.replace("1.0-1", "1.0-2")
    assert demo.cache.get(demo.ref(newer)) is not None
    done = demo.source(newer)
    assert done.returncode == 0, done.stderr


def test_what_conan_failed_to_download_is_filled_in_afterwards(demo: _Demo) -> None:
    assert demo.source().returncode != 0, "no one serves this url"
    assert demo.cache.get(demo.ref()) is None
    demo.put()
    done = demo.source()
    assert done.returncode == 0, done.stderr


def test_conan_and_we_wait_for_each_other(demo: _Demo) -> None:
    # Conan takes its lock with fasteners; held by us, Conan has to wait.
    demo.put()
    code = f"""
        import sys, fasteners
        lock = fasteners.InterProcessLock({str(demo.cache.root / "locks" / demo.sha256)!r})
        sys.exit(0 if lock.acquire(blocking=False) else 7)
    """
    program = [sys.executable, "-c", textwrap.dedent(code)]
    with demo.cache.lock(demo.sha256):
        assert subprocess.run(program, check=False).returncode == 7
    assert subprocess.run(program, check=False).returncode == 0
