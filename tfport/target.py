"""Targets as data: ``toolchains/<name>.toml`` parsed into frozen dataclasses.

toolchains/README.md explains every key. Keys that nobody knows are refused with the file, the key and the
nearest known one; all the faults of a file are shown together. Some keys belong to one operating system: they
are required there and refused elsewhere.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from tfport import schema
from tfport.errors import TargetFileError, UnknownTarget
from tfport.schema import Address, Count, Rules

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAINS = ROOT / "toolchains"
SCHEMA = 1

_RULES = Rules(
    choices={
        "schema": (SCHEMA,),
        "os": ("Linux", "baremetal"),
        "cpu.arch": ("armv7-a", "armv7ve"),
        "cpu.fpu": ("neon-vfpv3", "neon-vfpv4"),
        "cpu.float_abi": ("hard",),
        "cpu.instruction_set": ("thumb", "arm"),
        "board.core_start": ("none", "psci-hvc", "psci-smc", "bcm2836-mailbox"),
        "board.uart": ("none", "ns16550", "pl011"),
        "board.power_off": ("none", "psci-hvc", "psci-smc", "bcm2835-watchdog"),
    },
    switch="os",
    only={"board": "baremetal", "emulator.machine": "baremetal", "limits": "Linux"},
)
# Nothing opens a window or waits for a person; the exit code of the image becomes QEMU's.
# Of a network card, which QEMU plugs in unless told not to, Debian packages the boot ROM apart.
_HEADLESS = ("-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot")
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


@dataclass(frozen=True)
class Cpu:
    """The processor; ``clock_mhz`` in MHz, ``ram_mb`` in MiB."""

    core: str
    arch: str
    fpu: str
    float_abi: str
    instruction_set: str
    cores: int
    clock_mhz: int
    ram_mb: int

    @property
    def has_vfpv4(self) -> bool:
        """Whether the FPU has fused multiply-add and half-precision conversion."""
        return self.fpu.endswith("vfpv4")


@dataclass(frozen=True)
class Compiler:
    """The cross GCC: program prefix, major version, Debian packages."""

    triplet: str
    version: str
    packages: tuple[str, ...]

    def program(self, tool: str) -> str:
        """``gcc`` -> ``arm-linux-gnueabihf-gcc``."""
        return f"{self.triplet}-{tool}"


@dataclass(frozen=True)
class Emulator:
    """The QEMU program that runs the target's programs, its CPU model, its Debian packages.

    ``machine`` is the board that it emulates, for a target without an operating system.
    """

    program: str
    cpu: str
    packages: tuple[str, ...]
    machine: Optional[str] = None


@dataclass(frozen=True)
class Limits:
    """The newest symbol versions that the artefact may ask of the device's libraries."""

    glibc: str
    glibcxx: str


@dataclass(frozen=True)
class Device:
    """Registers, mapped as device memory."""

    base: Address
    size: Address


@dataclass(frozen=True)
class Board:
    """What start-up code must know of a board without an operating system.

    The number of cores is in ``Cpu``; toolchains/README.md explains the rest.
    """

    ram_base: Address
    ram_size: Address
    load_address: Address
    core_start: str
    core_start_base: Address
    core_start_ms: int
    uart: str
    uart_base: Address
    uart_clock_hz: int
    uart_baud: int
    power_off: str
    power_off_base: Address
    semihosting: bool
    timer_hz: Count
    threads: int
    stack_kb: int
    main_stack_kb: int
    heap_mb: Count
    devices: tuple[Device, ...]


@dataclass(frozen=True)
class Target:
    """One device that the library is built for."""

    schema: int
    name: str
    description: str
    os: str
    cpu: Cpu
    compiler: Compiler
    emulator: Emulator
    board: Optional[Board] = None
    limits: Optional[Limits] = None

    @property
    def compile_flags(self) -> tuple[str, ...]:
        """The machine flags of GCC, in a fixed order."""
        return (
            f"-march={self.cpu.arch}",
            f"-mtune={self.cpu.core}",
            f"-mfpu={self.cpu.fpu}",
            f"-mfloat-abi={self.cpu.float_abi}",
            f"-m{self.cpu.instruction_set}",
        )

    @property
    def board_facts(self) -> str:
        """All that start-up code and linker script are made from, as JSON; empty with an operating system."""
        if self.board is None:
            return ""
        return json.dumps({**asdict(self.board), "cores": self.cpu.cores}, separators=(",", ":"))

    @property
    def sysroot(self) -> Path:
        """Where Debian's cross packages put the target's C library (the emulator's ``-L``)."""
        return Path("/usr") / self.compiler.triplet

    @property
    def emulator_command(self) -> tuple[str, ...]:
        """The words before a target program that make this machine run it."""
        if self.emulator.machine is None:
            return (self.emulator.program, "-cpu", self.emulator.cpu, "-L", str(self.sysroot))
        *board, kernel = self.board_command
        return (*board, *_SEMIHOSTING, kernel)

    @property
    def board_command(self) -> tuple[str, ...]:
        """The words before an image that boot it on the emulated board, with nothing that a board lacks."""
        machine = ("-M", str(self.emulator.machine), "-cpu", self.emulator.cpu)
        size = ("-smp", str(self.cpu.cores), "-m", str(self.cpu.ram_mb))
        return (self.emulator.program, *machine, *size, *_HEADLESS, "-kernel")


def target_names(folder: Path = TOOLCHAINS) -> list[str]:
    """The names of all targets, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_target(name: str, folder: Path = TOOLCHAINS) -> Target:
    """Read one target by name.

    Raises ``UnknownTarget`` (with the nearest name) or ``TargetFileError`` (with every fault of the file).
    """
    names = target_names(folder)
    if name not in names:
        near = difflib.get_close_matches(name, names, 1, cutoff=0.4)
        raise UnknownTarget(
            f"There is no target {name!r}",
            f"The targets are: {', '.join(names) or 'none'}.",
            f"Did you mean --target {near[0]}?" if near else f"Add {folder / 'NAME.toml'} to make a new one.",
        )
    return parse_target(folder / f"{name}.toml")


def parse_target(path: Path) -> Target:
    """Read one target file; raises ``TargetFileError``."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetFileError(f"{path} is not a TOML file: {error}") from None
    faults: list[str] = []
    target = target_of(data, faults)
    if target is not None and target.name != path.stem:
        faults.append(f"name: is {target.name!r}, but the file is called {path.name}")
    if faults or target is None:
        raise TargetFileError(
            f"{path} has {len(faults)} fault{'s' if len(faults) > 1 else ''}",
            "\n".join(faults),
            "toolchains/README.md explains every key.",
        )
    return target


def target_of(data: Mapping[str, Any], faults: list[str]) -> Optional[Target]:
    """A target from the tables of its file, or None when ``faults`` grew."""
    return schema.parse(Target, data, _RULES, faults)


def dump_target(target: Target) -> str:
    """The target as TOML, in the one form in which target files are kept."""
    return schema.dump(target)


def known_keys() -> list[str]:
    """Every key of a target file as a dotted path, in file order."""
    return schema.known_keys(Target)
