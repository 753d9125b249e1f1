"""Targets as data: ``toolchains/<name>.toml`` parsed into frozen dataclasses.

toolchains/README.md explains every key. Keys that nobody knows are refused with the file, the key and the
nearest known one; all the faults of a file are shown together.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import typing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from tfport.errors import TargetFileError, UnknownTarget

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAINS = ROOT / "toolchains"
SCHEMA = 1

_CHOICES: dict[str, tuple[Any, ...]] = {
    "schema": (SCHEMA,),
    "os": ("Linux",),
    "cpu.arch": ("armv7-a", "armv7ve"),
    "cpu.fpu": ("neon-vfpv3", "neon-vfpv4"),
    "cpu.float_abi": ("hard",),
    "cpu.instruction_set": ("thumb", "arm"),
}
T = TypeVar("T")


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
    """The QEMU program that runs the target's programs, its CPU model, its Debian packages."""

    program: str
    cpu: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """The newest symbol versions that the artefact may ask of the device's libraries."""

    glibc: str
    glibcxx: str


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
    limits: Limits

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
    def sysroot(self) -> Path:
        """Where Debian's cross packages put the target's C library (the emulator's ``-L``)."""
        return Path("/usr") / self.compiler.triplet

    @property
    def emulator_command(self) -> tuple[str, ...]:
        """The words before a target program that make this machine run it."""
        return (self.emulator.program, "-cpu", self.emulator.cpu, "-L", str(self.sysroot))


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
    target = _parse(Target, data, "", faults)
    if target is not None and target.name != path.stem:
        faults.append(f"name: is {target.name!r}, but the file is called {path.name}")
    if faults or target is None:
        raise TargetFileError(
            f"{path} has {len(faults)} fault{'s' if len(faults) > 1 else ''}",
            "\n".join(faults),
            "toolchains/README.md explains every key.",
        )
    return target


def dump_target(target: Target) -> str:
    """The target as TOML, in the one form in which target files are kept."""
    lines: list[str] = []
    _dump(target, "", lines)
    return "\n".join(lines) + "\n"


def known_keys(kind: type[Any] = Target, prefix: str = "") -> list[str]:
    """Every key of a target file as a dotted path, in file order."""
    keys: list[str] = []
    for name, hint in _hints(kind).items():
        nested = isinstance(hint, type) and dataclasses.is_dataclass(hint)
        keys += known_keys(hint, f"{prefix}{name}.") if nested else [prefix + name]
    return keys


def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _parse(kind: type[T], data: dict[str, Any], prefix: str, faults: list[str]) -> T | None:
    hints = _hints(kind)
    for key in data:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            faults.append(
                f"{prefix}{key}: unknown key" + (f", did you mean {prefix}{near[0]}?" if near else "")
            )
    values: dict[str, Any] = {}
    for key, hint in hints.items():
        if key not in data:
            faults.append(f"{prefix}{key}: missing")
        elif dataclasses.is_dataclass(hint):
            if isinstance(data[key], dict):
                values[key] = _parse(typing.cast("type[Any]", hint), data[key], f"{prefix}{key}.", faults)
            else:
                faults.append(f"{prefix}{key}: must be a table")
        else:
            values[key] = _value(hint, data[key], prefix + key, faults)
    return kind(**values) if len(values) == len(hints) and None not in values.values() else None


def _value(hint: Any, value: Any, path: str, faults: list[str]) -> Any:
    if hint is int:
        good = isinstance(value, int) and not isinstance(value, bool) and value > 0
        wanted = "a whole number above 0"
    elif hint is str:
        good, wanted = isinstance(value, str) and value != "", "a text"
    else:
        good = isinstance(value, list) and value != [] and all(isinstance(item, str) for item in value)
        wanted = "a list of texts"
        value = tuple(value) if good else value
    if not good:
        faults.append(f"{path}: must be {wanted}, not {value!r}")
        return None
    choices = _CHOICES.get(path)
    if choices is not None and value not in choices:
        faults.append(f"{path}: must be {' or '.join(repr(choice) for choice in choices)}, not {value!r}")
        return None
    return value


def _dump(part: Any, path: str, lines: list[str]) -> None:
    tables = []
    for field in fields(part):
        value = getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            tables.append((field.name, value))
        elif isinstance(value, tuple):
            lines.append(f"{field.name} = [{', '.join(_quoted(item) for item in value)}]")
        else:
            lines.append(f"{field.name} = {value if isinstance(value, int) else _quoted(value)}")
    for name, value in tables:
        lines += ["", f"[{path}{name}]"]
        _dump(value, f"{path}{name}.", lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
