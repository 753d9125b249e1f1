"""A twin of an SDK's tfport-run that still has its symbols.

The SDK's own program is stripped. Its library has an unstripped twin (``lib/debug``) with the same code;
the same runner linked with that executes the same kernels, under names.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Optional

from elftools.elf.elffile import ELFFile

from tfport.bench.guest_build import built_once, cmake
from tfport.errors import CommandFailed
from tfport.target import ROOT, Target

RUNNER = ROOT / "runtime" / "runner"
_RUNTIMES = {"lite": "lite", "tensorflow": "core", "acl": "acl"}


def build_twin(sdk: Path, target: Target, runtime: str, folder: Path, log: Path) -> Optional[Path]:
    """The twin, built on first use below ``folder``.

    None where it cannot be had: without an unstripped library, for an image, or when it does not link.
    """
    debug = next(iter(sorted((sdk / "lib" / "debug").glob("*.debug.a"))), None)
    if debug is None or target.board is not None:
        return None
    sources = sorted(path for path in RUNNER.glob("*") if path.is_file())
    digest = hashlib.sha256(debug.read_bytes())
    for path in sources:
        digest.update(path.read_bytes())
    made = folder / f"twin-{digest.hexdigest()[:16]}" / "tfport-run"
    try:
        return built_once(made, lambda work: _link(sdk, debug, target, runtime, work, log))
    except CommandFailed:
        return None


def _link(sdk: Path, debug: Path, target: Target, runtime: str, work: Path, log: Path) -> None:
    """Build the runner in ``work/build`` against a mirror of the SDK that has the unstripped library."""
    mirror = work / "sdk"
    (mirror / "lib").mkdir(parents=True)
    for entry in sdk.iterdir():
        if entry.name.startswith("include"):
            (mirror / entry.name).symlink_to(entry.resolve())
    shutil.copytree(sdk / "lib" / "cmake", mirror / "lib" / "cmake")
    (mirror / "lib" / debug.name.replace(".debug.a", ".a")).symlink_to(debug.resolve())
    options = {
        "CMAKE_PREFIX_PATH": mirror,
        "CMAKE_FIND_ROOT_PATH_MODE_PACKAGE": "BOTH",
        "TFPORT_RUNTIME": _RUNTIMES[runtime],
    }
    cmake(target, RUNNER, work / "build", options, log)


def same_code(program: Path, twin: Path) -> bool:
    """Whether two programs have the same code at the same addresses, so that one's symbols fit the other."""
    return _code(program) == _code(twin)


def _code(program: Path) -> tuple[int, bytes]:
    with program.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        return (section["sh_addr"], section.data()) if section is not None else (0, b"")
