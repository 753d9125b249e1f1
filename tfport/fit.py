"""Which target is right for a board, and what would go wrong there with each of the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfport.errors import NoTargetFits
from tfport.limits import number
from tfport.machine import Machine
from tfport.target import Target


@dataclass(frozen=True)
class Verdict:
    """A target on a board: what stops it, and what is worth knowing although it runs."""

    target: Target
    obstacles: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether its programs run on the board."""
        return not self.obstacles


def judge(machine: Machine, targets: Iterable[Target]) -> list[Verdict]:
    """A verdict on each target, the right one first."""
    verdicts = [Verdict(target, tuple(_obstacles(machine, target)), ()) for target in targets]
    verdicts = [
        Verdict(each.target, each.obstacles, tuple(_remarks(machine, each.target)) if each.fits else ())
        for each in verdicts
    ]
    return sorted(verdicts, key=lambda each: (not each.fits, *_preference(machine, each.target)))


def refuse_unfit(machine: Machine, verdicts: Iterable[Verdict]) -> None:
    """Raise ``NoTargetFits`` if none of the targets runs on the board."""
    verdicts = list(verdicts)
    if any(each.fits for each in verdicts):
        return
    lines = [f"{each.target.name}: {each.obstacles[0]}" for each in verdicts]
    hint = "If it is an ARMv7-A with NEON and glibc, build.py new-target writes a target for it."
    raise NoTargetFits(
        f"No target fits this board ({machine.description})",
        "\n".join(lines),
        hint if machine.bits else "Were both texts taken on the board itself?",
    )


def _preference(machine: Machine, target: Target) -> tuple[object, ...]:
    """Smaller is better: fused multiply-add, then division, then the very core."""
    cpu = target.cpu
    return (not cpu.has_vfpv4, cpu.arch != "armv7ve", cpu.core != machine.core, target.name)


def _obstacles(machine: Machine, target: Target) -> list[str]:
    cpu, found = target.cpu, []
    if not machine.bits:
        return ["the machine is no ARM: exec format error"]
    if not machine.runs_aarch32:
        return [f"{machine.core} executes 64-bit code only: exec format error"]
    if target.board is not None:
        found.append("it replaces the operating system, and this board runs Linux")
    if machine.arm < 7:
        found.append(f"{machine.core} is ARMv{machine.arm}, this is code for ARMv7: SIGILL")
    if "neon" not in machine.features:
        found.append(f"the FPU has no NEON{_registers(machine)}, which every kernel uses: SIGILL")
    elif cpu.has_vfpv4 and not machine.has_vfpv4:
        found.append("the FPU has no VFPv4, so no fused multiply-add: SIGILL in the first convolution")
    if cpu.arch == "armv7ve" and not machine.divides:
        found.append("the core has no integer division (idiva, idivt): SIGILL")
    if target.limits is None or machine.libc is None:
        return found
    if machine.libc != "glibc":
        found.append(f"the C library is {machine.libc}, the library is for glibc: it does not link or start")
    elif machine.libc_version < number(target.limits.glibc):
        has, wanted = ".".join(map(str, machine.libc_version)), target.limits.glibc
        found.append(
            f"the board has glibc {has}, programs may need {wanted}: version `GLIBC_{wanted}' not found"
        )
    return found


def _registers(machine: Machine) -> str:
    small = "vfpv3d16" in machine.features or "vfpd32" not in machine.features
    return " and 16 registers only (vfpv3-d16)" if small and "vfpv3" in machine.features else ""


def _remarks(machine: Machine, target: Target) -> list[str]:
    cpu, found = target.cpu, []
    if machine.bits == 64:
        found.append("a 64-bit kernel: it needs CONFIG_COMPAT, and dynamic programs need the armhf libraries")
    if machine.has_vfpv4 and not cpu.has_vfpv4:
        found.append("fused multiply-add is there and stays unused: slower than need be")
    if cpu.core != machine.core:
        found.append(f"tuned for {cpu.core}")
    if machine.cores != cpu.cores:
        found.append(f"the board has {machine.cores} core{'s' * (machine.cores > 1)}: pass that to --threads")
    if target.limits is not None and machine.libc is None:
        found.append(f"needs glibc {target.limits.glibc} or later; give --ldd-version to hear whether it is")
    return found
