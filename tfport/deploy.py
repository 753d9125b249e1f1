"""The SDK folder: a whole copy of Conan's package, and a stamp that tells when nothing is left to do.

A folder is copied beside its place and renamed, so that nobody ever sees half an SDK. The stamp holds a
digest of every input of the build and the sha256 of every file of the copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from tfport.errors import NotAnSdk
from tfport.sources.cache import full_disk_named

MANIFEST = Path("share") / "tfport" / "ops.json"
REPORT = "report.json"
_LARGER_OUTPUT = "Free some space there, or give --output a folder on a larger disk; then run it again."
_IGNORED = ("__pycache__", "tests", "test_package")


@dataclass(frozen=True)
class Stamp:
    """What an SDK was made of: digest of the inputs, sha256 of its files, and facts to report again."""

    inputs: str
    files: dict[str, str]
    facts: dict[str, Any]


def digest_inputs(folders: Iterable[Path], texts: Iterable[str]) -> str:
    """One sha256 over every file below ``folders`` (names and bytes, not times) and over ``texts``."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not set(_IGNORED) & set(inside.parts):
                total.update(f"{folder.name}/{inside}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    for text in texts:
        total.update(f"{len(text)}\0{text}".encode())
    return total.hexdigest()


def hash_files(sdk: Path) -> dict[str, str]:
    """sha256 of every file of an SDK, by path inside it, the report left out."""
    found = {}
    for path in sorted(sdk.rglob("*")):
        if path.is_file() and path != sdk / REPORT:
            found[str(path.relative_to(sdk))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def read_stamp(path: Path) -> Optional[Stamp]:
    """The stamp, or None when there is none that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Stamp(str(data["inputs"]), dict(data["files"]), dict(data["facts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(path: Path, stamp: Stamp) -> None:
    """Keep a stamp."""
    write_whole(path, json.dumps(asdict(stamp), indent=1))


def is_current(stamp: Optional[Stamp], inputs: str, sdk: Path) -> bool:
    """Whether ``sdk`` is, byte by byte, what a build from these inputs made."""
    return stamp is not None and stamp.inputs == inputs and sdk.is_dir() and hash_files(sdk) == stamp.files


def deploy(package: Path, sdk: Path, payload: Optional[Mapping[str, Path]] = None) -> None:
    """Replace ``sdk`` by a copy of ``package``, with the folders of ``payload`` at their places in it.

    Raises ``NotAnSdk`` if ``sdk`` holds something else.
    """
    refuse_foreign(sdk)
    sdk.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (sdk.with_name(f".{sdk.name}.{part}") for part in ("new", "old"))
    for rest in (fresh, old):
        shutil.rmtree(rest, ignore_errors=True)
    ignore = shutil.ignore_patterns("conaninfo.txt", "conanmanifest.txt")
    try:
        with full_disk_named(sdk.parent, _LARGER_OUTPUT):
            shutil.copytree(package, fresh, symlinks=True, ignore=ignore)
            for place, source in (payload or {}).items():
                shutil.copytree(source, fresh / place)
            for path in fresh.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    _sync(path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if sdk.exists():
        sdk.rename(old)
    fresh.rename(sdk)
    _sync(sdk.parent)
    shutil.rmtree(old, ignore_errors=True)


def refuse_foreign(sdk: Path) -> None:
    """Raise ``NotAnSdk`` when ``sdk`` is a file, or a folder with something in it that is not an SDK."""
    if sdk.exists() and not (sdk / MANIFEST).is_file() and (not sdk.is_dir() or any(sdk.iterdir())):
        raise NotAnSdk(
            f"{sdk} exists and is not an SDK",
            "Building would replace all that is in it.",
            "Give --output a folder that does not exist yet.",
        )


def write_whole(path: Path, text: str) -> None:
    """Write a text beside its place and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with full_disk_named(path.parent, _LARGER_OUTPUT):
            part.write_text(text, encoding="utf-8")
            _sync(part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
