"""What a packed file consists of: the names of its own files, and the sums over all the others."""

from __future__ import annotations

from pathlib import Path

from tfport.errors import PackDamaged
from tfport.sums import SUMS, parse_sums, sums_of

SBOM, VEX, MANIFEST = "sbom.cdx.json", "vex.cdx.json", "manifest.json"
LICENCES = Path("share") / "licenses"
SUFFIXES = (".tar.zst", ".tar.gz")


def sums_beside(folder: Path, name: str) -> Path:
    """The sums over the two archives of one pack; its signature lies beside it with ``.sig``."""
    return folder / f"{name}.{SUMS}"


def read_sums(path: Path) -> dict[str, str]:
    """What a file of sums says. Raises ``PackDamaged``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackDamaged(f"{path.name} cannot be read: {error}") from None
    try:
        return parse_sums(text)
    except ValueError as error:
        raise PackDamaged(f"{path.name} is {error}", "It was changed or cut short.") from None


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
