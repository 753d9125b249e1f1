"""A bundle: one folder with all that a build takes from the network, with the sums of its files.

``bundle_make`` writes it. This module reads it, also before any requirement is installed: it imports the
standard library and modules that do the same.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from tfport.errors import BundleIncomplete
from tfport.sums import SUMS, parse_sums, sha256_of

WHEELS = "wheels"
LOCKS = "locks"
PYTHON = "python.txt"
_AGAIN = "Copy the bundle again, or make it anew with 'build.py bundle'."
_SHOWN = 10


def checked(folder: Path) -> Path:
    """The path of a bundle, every byte of which is as it was written. Raises ``BundleIncomplete``."""
    folder = folder.absolute()
    try:
        sums = parse_sums((folder / SUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BundleIncomplete(
            f"{folder} is no bundle",
            f"There is no readable {SUMS} in it.",
            "'build.py bundle --output DIR' makes one, on a machine with a network.",
        ) from None
    faults = []
    for name, sha256 in sums.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"missing: {name}")
        elif sha256_of(path) != sha256:
            faults.append(f"changed: {name}")
    if faults:
        rest = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise BundleIncomplete(
            f"{len(faults)} of {len(sums)} files of the bundle {folder} are missing or damaged",
            "\n".join([*faults[:_SHOWN], *rest]),
            _AGAIN,
        )
    return folder


def refuse_unfit(folder: Path, root: Path, names: Iterable[str]) -> None:
    """Raise ``BundleIncomplete`` where a bundle has not the wheels of the tree's lock files ``names``."""
    other = [
        name
        for name in names
        if not (folder / LOCKS / name).is_file()
        or (folder / LOCKS / name).read_bytes() != (root / name).read_bytes()
    ]
    if other:
        raise BundleIncomplete(
            f"The bundle {folder} was not made for the requirements of this tree",
            f"Other ones, or none, are in it: {', '.join(other)}",
            "Make it anew from this revision (without --no-reference, if that is needed).",
        )
    made = (folder / PYTHON).read_text(encoding="utf-8").strip()
    if made != this_python():
        raise BundleIncomplete(
            f"The bundle {folder} has wheels for Python {made}; this is {this_python()}",
            "Wheels with machine code fit one version of Python.",
            f"Make the bundle with Python {this_python().split()[0]}, or install {made.split()[0]} here.",
        )


def this_python() -> str:
    """Version and machine, which wheels are for."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {platform.machine()}"
