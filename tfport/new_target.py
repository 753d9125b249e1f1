"""A target file made from a board's own description."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tfport.deploy import write_whole
from tfport.errors import NoTargetFits, TargetExists, TargetFileError
from tfport.machine import Machine
from tfport.report import Reporter
from tfport.target import TOOLCHAINS, Cpu, Limits, Target, dump_target, load_target

# What can be tuned for, by the emulator's model that lacks what such a core lacks.
_EMULATED = {"cortex-a8": "cortex-a8", "cortex-a9": "cortex-a9", "cortex-a15": "cortex-a15"}
# The cores that XNNPACK's recipe knows; for others, the nearest one that has no more.
_TUNED = (
    *("cortex-a5", "cortex-a7", "cortex-a8", "cortex-a9", "cortex-a12", "cortex-a15", "cortex-a17"),
    *("cortex-a32", "cortex-a35", "cortex-a53", "cortex-a55", "cortex-a57", "cortex-a72", "cortex-a73"),
)
# glibc -> the libstdc++ that distributions of its time came with.
_GLIBCXX = (
    *(((2, 19), "3.4.19"), ((2, 23), "3.4.21"), ((2, 24), "3.4.22"), ((2, 27), "3.4.24")),
    *(((2, 28), "3.4.25"), ((2, 31), "3.4.28"), ((2, 35), "3.4.30")),
)


def make_target(
    name: str, machine: Machine, clock_mhz: int, ram_mb: int, reporter: Reporter
) -> dict[str, Any]:
    """The verb: a new file in toolchains/."""
    target = new_target(name, machine, clock_mhz=clock_mhz, ram_mb=ram_mb)
    path = TOOLCHAINS / f"{name}.toml"
    reporter.say(f"{path}: {target.description}")
    reporter.say(f"flags: {' '.join(target.compile_flags)}")
    if target.limits is not None:
        known = "the board's" if machine.libc else "assumed, since --ldd-version was not given"
        reporter.say(f"glibc {target.limits.glibc}: {known}; glibcxx {target.limits.glibcxx}: its companion")
    reporter.say(f"clock_mhz = {clock_mhz}, ram_mb = {ram_mb}: given, not read; correct them in the file")
    reporter.say(f"Build with: python3 build.py --target {name}")
    return {"file": str(path), "target": asdict(target)}


def new_target(
    name: str, machine: Machine, *, clock_mhz: int, ram_mb: int, folder: Path = TOOLCHAINS
) -> Target:
    """Write ``folder``/NAME.toml for Linux on ``machine``, and read it back.

    Raises ``TargetExists``, ``TargetFileError`` for a name that is none, and ``NoTargetFits`` for a board for
    which there can be no target.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise TargetFileError(
            f"{name!r} is no name for a target", "A name has small letters, digits and hyphens."
        )
    path = folder / f"{name}.toml"
    if path.exists():
        raise TargetExists(f"{path} exists", "", "Choose another name, or remove the file first.")
    refuse(machine)
    write_whole(path, dump_target(target_for(name, machine, clock_mhz=clock_mhz, ram_mb=ram_mb)))
    return load_target(name, folder)


def target_for(name: str, machine: Machine, *, clock_mhz: int, ram_mb: int) -> Target:
    """The target that uses all of ``machine`` that the port can use."""
    base = load_target("zuluko" if machine.has_vfpv4 and machine.divides else "zuluko-vfpv3")
    core = machine.core if machine.core in _TUNED else base.cpu.core
    cpu = Cpu(
        core=core,
        arch="armv7ve" if machine.divides else "armv7-a",
        fpu="neon-vfpv4" if machine.has_vfpv4 else "neon-vfpv3",
        float_abi="hard",
        instruction_set="thumb",
        cores=machine.cores,
        clock_mhz=clock_mhz,
        ram_mb=ram_mb,
    )
    # The emulated core must not have more than the board, or wrong code would pass the smoke test.
    emulated = _EMULATED.get(core, "cortex-a7" if machine.has_vfpv4 else "cortex-a9")
    return replace(
        base,
        name=name,
        description=f"{machine.cores} x {machine.core}, Linux, {cpu.fpu}",
        cpu=cpu,
        emulator=replace(base.emulator, cpu=emulated),
        limits=_limits(machine) or base.limits,
    )


def refuse(machine: Machine) -> None:
    """Raise ``NoTargetFits`` with every reason why no target can be made for ``machine``."""
    reasons = []
    if not machine.bits:
        reasons.append("It is no ARM.")
    elif not machine.runs_aarch32:
        reasons.append(f"{machine.core} executes 64-bit code only; this port is for 32-bit ARM.")
    elif machine.arm < 7:
        reasons.append(f"It is ARMv{machine.arm}; this port begins with ARMv7-A.")
    elif "neon" not in machine.features:
        reasons.append("Its FPU has no NEON, which XNNPACK and the other kernels are written for.")
    if machine.libc not in (None, "glibc"):
        reasons.append(f"Its C library is {machine.libc}; the library is compiled against glibc.")
    if reasons:
        raise NoTargetFits(
            f"There can be no target for this board ({machine.description})",
            "\n".join(reasons),
            "Were both texts taken on the board itself?",
        )


def _limits(machine: Machine) -> Limits | None:
    if machine.libc is None:
        return None
    version = machine.libc_version
    known = [glibcxx for glibc, glibcxx in _GLIBCXX if glibc <= version]
    return Limits(glibc=".".join(map(str, version)), glibcxx=known[-1] if known else "3.4.18")
