"""What is missing: on this machine for a build, and on a board for each target."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Optional

from tfport.command import run
from tfport.environment import (
    Need,
    apt_line,
    check_compiler,
    compile_jobs,
    needs,
    provide,
    tfport_home,
    total_memory_bytes,
    unmet,
)
from tfport.errors import BoardUnreadable, CommandFailed, DiskFull, PackagesMissing, TfportError
from tfport.fit import judge, refuse_unfit
from tfport.machine import Machine, read_machine
from tfport.reference import installed_version
from tfport.report import Reporter
from tfport.target import ROOT, load_target, target_names

_DISK = 5e9  # bytes: what the caches of a build and its result take
_MEMORY = 1.5e9


def doctor(name: Optional[str], install: bool, reporter: Reporter) -> dict[str, Any]:
    """What the machine has and lacks for one target or all; raises ``PackagesMissing`` if anything lacks."""
    targets = [load_target(each) for each in ([name] if name else target_names())]
    wanted = list({need.what: need for target in targets for need in needs(target)}.values())
    if install:
        provide(wanted, install=True, log=ROOT / "build" / "logs" / "apt", say=reporter.say)
    lacking = unmet(wanted)
    rows = [
        (
            need.what,
            "missing" if need in lacking else _version(need) or "ok",
            " ".join(need.packages),
            need.purpose,
        )
        for need in wanted
    ]
    version = installed_version()
    virtual = "in .venv" if sys.prefix != sys.base_prefix else "no virtual environment"
    rows.append(("Python", f"{platform.python_version()}, {virtual}", "python3-venv", "the engine itself"))
    rows.append(("host TensorFlow", version or "with the first build", "", "reference and converter"))
    rows.append(
        ("ccache", "ok" if shutil.which("ccache") else "not there", "ccache", "optional: faster rebuilds")
    )
    memory = total_memory_bytes() / 1e9
    rows.append(("compile jobs", str(compile_jobs()), "", f"by cores and {memory:.0f} GB of memory"))
    free = shutil.disk_usage(_existing(tfport_home())).free / 1e9
    rows.append((str(tfport_home()), f"{free:.0f} GB free", "", "caches; a build takes about 5 GB"))
    reporter.table("This machine", ("what", "state", "packages", "for"), rows)
    if lacking:
        packages = list(dict.fromkeys(package for need in lacking for package in need.packages))
        raise PackagesMissing(
            f"This machine lacks Debian packages: {' '.join(packages)}", "", f"Run: {apt_line(packages)}"
        )
    problems = []
    for target in targets:
        try:
            check_compiler(target)
        except TfportError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    if free < _DISK / 1e9:
        raise DiskFull(
            f"{tfport_home()} has {free:.1f} GB free, a build takes about {_DISK / 1e9:.0f} GB",
            "",
            "Make room, or set TFPORT_HOME to a folder on a larger disk.",
        )
    if memory < _MEMORY / 1e9:
        reporter.say(f"With {memory:.1f} GB of memory the larger files of TensorFlow may not compile.")
    reporter.say("Everything that a build needs is here.")
    return {"missing": [], "tensorflow": version, "jobs": compile_jobs()}


def doctor_board(
    cpuinfo: Path, ldd: Optional[Path], name: Optional[str], reporter: Reporter
) -> dict[str, Any]:
    """The right target for a board, and what would go wrong with the others.

    Raises ``BoardUnreadable`` and ``NoTargetFits``.
    """
    machine = machine_of(cpuinfo, ldd)
    reporter.say(f"The board: {machine.description}")
    verdicts = judge(machine, [load_target(each) for each in ([name] if name else target_names())])
    best = next((each.target.name for each in verdicts if each.fits), None)
    rows = [
        (
            each.target.name,
            "the right one" if each.target.name == best else "runs" if each.fits else "no",
            "\n".join(each.obstacles or each.remarks),
        )
        for each in verdicts
    ]
    reporter.table("Targets on this board", ("target", "", "why"), rows)
    refuse_unfit(machine, verdicts)
    reporter.say(f"Build with: python3 build.py --target {best}")
    return {
        "board": machine.description,
        "target": best,
        "targets": {
            each.target.name: {"fits": each.fits, "why": [*each.obstacles, *each.remarks]}
            for each in verdicts
        },
    }


def machine_of(cpuinfo: Path, ldd: Optional[Path]) -> Machine:
    """The board that two files tell of. Raises ``BoardUnreadable``."""
    try:
        texts = [
            path.read_text(encoding="utf-8", errors="replace") if path else None for path in (cpuinfo, ldd)
        ]
    except OSError as error:
        raise BoardUnreadable(
            f"{error.filename} cannot be read ({error.strerror})",
            "",
            "On the board: cat /proc/cpuinfo > cpuinfo.txt; ldd --version > ldd.txt 2>&1",
        ) from None
    return read_machine(texts[0] or "", texts[1])


def _version(need: Need) -> str:
    """Of a program; empty for what is no program."""
    if need.what.startswith("/"):
        return ""
    try:
        words = run([need.what, "--version"], timeout=20).stdout.splitlines()
    except CommandFailed:
        return ""
    found = re.search(r"(?:^|version |\) )(\d+(?:\.\d+)+)", words[0]) if words else None
    return found[1] if found else ""


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
