"""Every component brings at least one licence text, in a folder of its name, and nothing else does."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tfport.errors import LicenceMissing, SbomMismatch
from tfport.packed.components import OWN
from tfport.packed.files import LICENCES
from tfport.packed.toolchain import DebianLibrary
from tfport.target import ROOT


def add_licences(folder: Path, libraries: Iterable[DebianLibrary]) -> None:
    """Copy our own licence and those of the compiler's libraries to those that the SDK brings."""
    texts = {OWN: (ROOT / "LICENSE",), **{each.component.name: each.licences for each in libraries}}
    for name, files in texts.items():
        place = folder / LICENCES / name
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, place / file.name)


def check_licences(folder: Path, names: Iterable[str]) -> int:
    """The number of texts below ``folder``.

    Raises ``LicenceMissing`` with every component without a text, and ``SbomMismatch`` for the licence of
    something that is no component.
    """
    wanted = set(names)
    there = {path.name for path in (folder / LICENCES).glob("*") if path.is_dir()}
    texts = {
        name: [path for path in (folder / LICENCES / name).rglob("*") if _is_text(path)] for name in there
    }
    lacking = sorted(name for name in wanted if not texts.get(name))
    if lacking:
        raise LicenceMissing(
            f"No licence text is there of {', '.join(lacking)}",
            f"Each component needs one in {LICENCES}/NAME: most licences ask that it travels along.",
            "Build the SDK again; if that does not help, its recipe packages no licence.",
        )
    if there - wanted:
        raise SbomMismatch(
            f"There are licences of what is not listed: {', '.join(sorted(there - wanted))}",
            "The list of components does not tell all that is linked in.",
            "Do not rely on this SBOM.",
        )
    return sum(len(found) for found in texts.values())


def _is_text(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
