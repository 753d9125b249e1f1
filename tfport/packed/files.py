"""What a packed file consists of: the names of its own files, and the sums over all the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tfport.errors import PackDamaged
from tfport.sources.cache import sha256_of

SBOM, VEX, MANIFEST, SUMS = "sbom.cdx.json", "vex.cdx.json", "manifest.json", "SHA256SUMS"
LICENCES = Path("share") / "licenses"
SUFFIXES = (".tar.zst", ".tar.gz")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")


def sums_beside(folder: Path, name: str) -> Path:
    """The sums over the two archives of one pack; its signature lies beside it with ``.sig``."""
    return folder / f"{name}.{SUMS}"


def sums_of(folder: Path) -> dict[str, str]:
    """sha256 of every file below ``folder`` by path in it, the sums themselves left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(files)}


def sums_text(sums: Mapping[str, str]) -> str:
    """In the form of ``sha256sum``."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))


def read_sums(path: Path) -> dict[str, str]:
    """What a file of sums says. Raises ``PackDamaged``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PackDamaged(f"{path.name} cannot be read: {error}") from None
    matches = [_LINE.fullmatch(line) for line in lines]
    if not matches or not all(matches):
        raise PackDamaged(f"{path.name} is not in the form of sha256sum", "It was changed or cut short.")
    return {match[2]: match[1] for match in matches if match is not None}


def check_sums(folder: Path) -> None:
    """Hold all files below ``folder`` against its ``SHA256SUMS``. Raises ``PackDamaged`` with every fault."""
    told, found = read_sums(folder / SUMS), sums_of(folder)
    faults = [f"{name}: not there" for name in sorted(told.keys() - found.keys())]
    faults += [f"{name}: {SUMS} does not list it" for name in sorted(found.keys() - told.keys())]
    faults += [
        f"{name}: other bytes than {SUMS} says"
        for name in sorted(told.keys() & found.keys())
        if told[name] != found[name]
    ]
    if faults:
        raise PackDamaged(
            f"{len(faults)} files differ from {SUMS}",
            "\n".join(faults[:40]),
            "Take the packed file from its source again.",
        )
