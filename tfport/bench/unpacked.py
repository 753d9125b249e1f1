"""Folders of what peers publish: fetched and unpacked on first use, nothing installed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfport import command
from tfport.sources import SourceCache, SourceRef, fetch


@dataclass(frozen=True)
class Unpacker:
    """Keeps the folders below ``tools``.

    ``progress()`` is a context manager that gives what ``fetch`` reports to.
    """

    tools: Path
    cache: SourceCache
    progress: Callable[[], Any]
    offline: bool = False

    def debian(self, refs: Sequence[SourceRef], name: str) -> Path:
        """A root with Debian packages. Raises as ``fetch``."""
        return self._folder(refs, name, _unpack_debian)

    def wheel(self, ref: SourceRef, name: str) -> Path:
        """The folder of a wheel. Raises as ``fetch``."""
        return self._folder([ref], name, _unpack_wheel)

    def _folder(self, refs: Sequence[SourceRef], name: str, unpack: Callable[[Path, Path], None]) -> Path:
        """The folder with all that ``refs`` hold; its name tells what is in it."""
        digest = hashlib.sha256("".join(ref.sha256 for ref in refs).encode()).hexdigest()[:16]
        folder = self.tools / f"{name}-{digest}"
        if folder.is_dir():
            return folder
        with self.progress() as told:
            files = fetch(refs, self.cache, told, self.offline)
        self.tools.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=self.tools, prefix=f".{name}-"))
        try:
            for file in files:
                unpack(file, part)
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return folder


def _unpack_debian(file: Path, folder: Path) -> None:
    command.run(["dpkg-deb", "-x", file, folder], timeout=120)


def _unpack_wheel(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as wheel:
        wheel.extractall(folder)
