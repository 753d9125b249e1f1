"""Pinned sources of a recipe, as far as a test wants them, with the recipe's patches."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tfport.patch import load_patch
from tfport.recipe import PatchRef, Recipe
from tfport.sources import SourceCache


def find_archive(recipe: Recipe) -> Path | None:
    """The recipe's own archive (what it takes besides is data), if it is in the cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport"
    cache = SourceCache(Path(os.environ.get("TFPORT_HOME") or default) / "sources")
    ref = recipe.sources[0]
    with cache.lock(ref.sha256):
        return cache.get(ref)


def archive_of(recipe: Recipe) -> Path:
    """The recipe's own archive; the test is skipped if it is not in the cache."""
    archive = find_archive(recipe)
    if archive is None:
        pytest.skip(f"{recipe.sources[0].filename} is not in the cache: run 'build.py fetch'")
    return archive


def touched(recipe: Recipe) -> set[str]:
    """Paths below the sources' root that exist before the first patch and that a patch changes."""
    names = set()
    for patch in recipe.patches:
        base = PurePosixPath(patch.base_path)
        names |= {str(base / change.old) for change in load_patch(patch.path).changes if change.old}
    return names


def unpack(archive: Path, wanted: Callable[[str], bool], folder: Path) -> None:
    """Unpack the wanted files; the top folder of the archive, where it has one, is left out as Conan does."""
    with tarfile.open(archive) as file:
        for info in file:
            path = PurePosixPath(info.name)
            for name in {str(path), str(PurePosixPath(*path.parts[1:]))} if info.isreg() else ():
                if not wanted(name):
                    continue
                stream = file.extractfile(info)
                assert stream is not None
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(stream.read())


def apply(patch: PatchRef, folder: Path) -> str:
    """Apply a patch to the sources in ``folder``, with no fuzz; returns what git says of offsets."""
    for change in load_patch(patch.path).changes:
        (folder / patch.base_path / (change.new or change.old)).parent.mkdir(parents=True, exist_ok=True)
    # git takes no fuzz; it tells of offsets only when it is asked to be verbose.
    done = subprocess.run(
        ["git", "apply", "--verbose", "--whitespace=nowarn", str(patch.path)],
        cwd=folder / patch.base_path,
        env={**os.environ, "GIT_DIR": str(folder / "no-repository"), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{patch.path.name}: {done.stderr}"
    return done.stderr
