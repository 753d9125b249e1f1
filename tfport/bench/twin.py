"""A twin of an SDK's tfport-run that still has its symbols.

The SDK's own program is stripped. Its library has an unstripped twin (``lib/debug``) with the same code;
the same runner linked with that executes the same kernels, under names.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Optional

from elftools.elf.elffile import ELFFile

from tfport import command
from tfport.errors import CommandFailed
from tfport.target import ROOT, Target

RUNNER = ROOT / "runtime" / "runner"
_RUNTIMES = {"lite": "lite", "tensorflow": "core", "acl": "acl"}
_TIME_LIMIT = 1800.0
_one_at_a_time = threading.Lock()  # several rows ask for the same twin


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
    with _one_at_a_time:
        if not made.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".twin-") as work:
                if not _link(sdk, debug, target, runtime, Path(work), log):
                    return None
                made.parent.mkdir(exist_ok=True)
                (Path(work) / "build" / "tfport-run").replace(made)
    return made


def _link(sdk: Path, debug: Path, target: Target, runtime: str, work: Path, log: Path) -> bool:
    """Build the runner in ``work/build`` against a mirror of the SDK that has the unstripped library."""
    mirror = work / "sdk"
    (mirror / "lib").mkdir(parents=True)
    for entry in sdk.iterdir():
        if entry.name.startswith("include"):
            (mirror / entry.name).symlink_to(entry.resolve())
    shutil.copytree(sdk / "lib" / "cmake", mirror / "lib" / "cmake")
    (mirror / "lib" / debug.name.replace(".debug.a", ".a")).symlink_to(debug.resolve())
    flags = " ".join(target.compile_flags)
    configure = [
        *("cmake", "-G", "Ninja", "-S", str(RUNNER), "-B", str(work / "build")),
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=arm",
        f"-DCMAKE_CXX_COMPILER={target.compiler.program('g++')}",
        f"-DCMAKE_CXX_FLAGS={flags}",
        f"-DCMAKE_PREFIX_PATH={mirror}",
        "-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH",
        f"-DTFPORT_RUNTIME={_RUNTIMES[runtime]}",
    ]
    try:
        command.run(configure, log=log.with_suffix(".configure.log"), timeout=_TIME_LIMIT)
        command.run(["cmake", "--build", work / "build", "-j", "2"], log=log, timeout=_TIME_LIMIT)
    except CommandFailed:
        return False
    return True


def same_code(program: Path, twin: Path) -> bool:
    """Whether two programs have the same code at the same addresses, so that one's symbols fit the other."""
    return _code(program) == _code(twin)


def _code(program: Path) -> tuple[int, bytes]:
    with program.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        return (section["sh_addr"], section.data()) if section is not None else (0, b"")
