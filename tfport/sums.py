"""sha256 sums of files and folders, in the form of ``sha256sum``.

A bundle is read before any requirement is installed, so only the standard library is used here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for block in iter(lambda: handle.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def sums_of(folder: Path) -> dict[str, str]:
    """sha256 of every file below ``folder`` by path in it, the sums themselves left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(files)}


def sums_text(sums: Mapping[str, str]) -> str:
    """In the form of ``sha256sum``."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))


def parse_sums(text: str) -> dict[str, str]:
    """What a file of sums says, by name. Raises ``ValueError`` for another form, or none at all."""
    matches = [_LINE.fullmatch(line) for line in text.splitlines()]
    if not matches or not all(matches):
        raise ValueError("not in the form of sha256sum")
    return {match[2]: match[1] for match in matches if match is not None}
