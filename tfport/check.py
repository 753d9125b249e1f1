"""Hold a finished SDK against its target: machine, attributes, symbols, relocations, every instruction."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfport.elf import (
    EF_ARM_EABI_VER5,
    EM_ARM,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHT_NOBITS,
    Attributes,
    Elf,
    NotElf,
    members,
    parse,
)
from tfport.errors import (
    AboveTarget,
    CheckFailed,
    NotLinkable,
    NotStripped,
    SdkIncomplete,
    SymbolsExposed,
    SymbolsTooNew,
    WrongMachine,
)
from tfport.instructions import Disassembly, disassemble
from tfport.limits import Offer, faults, highest, offer_of_toolchain, within
from tfport.link import DEFAULT_KEEP
from tfport.target import Cpu, Target

# Beside the one archive when there is no operating system: a firmware may replace it piece by piece.
RUNTIME_ARCHIVE = "libtfport-baremetal.a"
_STB_WEAK, _STB_GNU_UNIQUE, _SHT_GROUP = 2, 10, 17
_FP_OF_FPU = {
    "neon-vfpv3": ("none", "VFPv1", "VFPv2", "VFPv3", "VFPv3-D16"),
    "neon-vfpv4": ("none", "VFPv1", "VFPv2", "VFPv3", "VFPv3-D16", "VFPv4", "VFPv4-D16"),
}
_SIMD_OF_FPU = {"neon-vfpv3": ("none", "NEONv1"), "neon-vfpv4": ("none", "NEONv1", "NEONv1+FMA")}
_V7_AND_OLDER = ("v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K", "v7")

Finding = tuple[type[CheckFailed], str]


@dataclass(frozen=True)
class ProgramFacts:
    """One program of the SDK; size in bytes, ``instructions`` None when it is stripped."""

    name: str
    size: int
    dynamic: bool
    attributes: Attributes
    symbol_versions: tuple[str, ...]
    instructions: int | None


@dataclass(frozen=True)
class Facts:
    """What is true of the SDK; sizes in bytes. ``undefined`` are the symbols a plain link resolves."""

    archive: str
    archive_size: int
    code_size: int
    data_size: int
    zeroed_size: int
    attributes: Attributes
    exported: int
    undefined: tuple[str, ...]
    highest_glibc: str
    highest_glibcxx: str
    instructions: int
    fused_multiply_adds: int
    programs: tuple[ProgramFacts, ...]

    def as_dict(self) -> dict[str, Any]:
        """For report.json."""
        return dataclasses.asdict(self)


def check_sdk(sdk: Path, target: Target, keep: Iterable[str] = DEFAULT_KEEP) -> Facts:
    """Check the archive below ``sdk/lib`` and the programs in ``sdk/bin``.

    ``keep``: regular expressions of the symbols that may be global, as ``link_archive`` takes them. Raises a
    subclass of CheckFailed, chosen by the first kind of fault, with all faults listed.
    """
    findings: list[Finding] = []
    archive, elf = _the_object(sdk, target)
    attributes = _check_machine(elf, target.cpu, findings)
    offer = offer_of_toolchain(target, sdk.glob(f"lib/{RUNTIME_ARCHIVE}"))
    undefined = _check_symbols(elf, offer, target, keep, findings)
    _check_linkable(elf, target, findings)
    code = _check_code(elf, target.cpu, findings)
    if code is None:
        findings.append((NotLinkable, f"{elf.name} has no mapping symbols: its code cannot be disassembled"))
    programs = tuple(_check_program(path, target, findings) for path in _programs(sdk))
    if findings:
        raise _failure(sdk, target, findings)
    assert attributes is not None and code is not None
    return Facts(
        archive=archive.relative_to(sdk).as_posix(),
        archive_size=archive.stat().st_size,
        **_sizes(elf),
        attributes=attributes,
        exported=len(elf.global_names(defined=True)),
        undefined=tuple(sorted(undefined)),
        highest_glibc=highest(undefined, offer, "GLIBC"),
        highest_glibcxx=highest(undefined, offer, "GLIBCXX"),
        instructions=code.instructions,
        fused_multiply_adds=sum(n for m, n in code.mnemonics.items() if re.match("vfn?m[as]", m)),
        programs=tuple(p for p in programs if p is not None),
    )


def _the_object(sdk: Path, target: Target) -> tuple[Path, Elf]:
    archives = sorted(path for path in (sdk / "lib").glob("*.a") if path.name != RUNTIME_ARCHIVE)
    if target.board is not None and not (sdk / "lib" / RUNTIME_ARCHIVE).is_file():
        raise SdkIncomplete(
            f"{sdk / 'lib'} lacks {RUNTIME_ARCHIVE}",
            "It is what an image runs on instead of an operating system.",
            "Build the SDK again.",
        )
    if len(archives) != 1:
        named = ", ".join(path.name for path in archives) or "none"
        raise SdkIncomplete(
            f"{sdk / 'lib'} holds {len(archives)} archives instead of one",
            f"Found: {named}.",
            "Build the SDK again; is this the folder that a build reports?",
        )
    try:
        objects = list(members(archives[0]))
        if len(objects) != 1:
            raise SdkIncomplete(
                f"{archives[0]} holds {len(objects)} objects instead of one",
                "Only one object is linked whole, with all its registrations.",
                "Build the SDK again.",
            )
        name, data = objects[0]
        return archives[0], parse(data, f"{archives[0].name}({name})")
    except (NotElf, OSError) as error:
        raise SdkIncomplete(
            f"{archives[0]} cannot be read: {error}",
            "The file is damaged or of another kind.",
            "Build it again.",
        ) from error


def _check_machine(elf: Elf, cpu: Cpu, findings: list[Finding]) -> Attributes | None:
    if elf.machine != EM_ARM or elf.flags & 0xFF000000 != EF_ARM_EABI_VER5:
        findings.append((WrongMachine, f"{elf.name} is not ARM code of EABI version 5"))
        return None
    attributes = elf.attributes()
    if attributes is None:
        findings.append((WrongMachine, f"{elf.name} carries no ARM attributes"))
        return None
    if not attributes.vfp_args:
        findings.append((WrongMachine, f"{elf.name} passes floats in core registers, not as hard float does"))
    if attributes.cpu_arch not in _V7_AND_OLDER or attributes.profile not in ("A", ""):
        profile = f"-{attributes.profile}" if attributes.profile else ""
        findings.append(
            (AboveTarget, f"{elf.name} is built for {attributes.cpu_arch}{profile}, the target is {cpu.arch}")
        )
    for what, value, allowed in (
        ("FPU", attributes.fp_arch, _FP_OF_FPU[cpu.fpu]),
        ("Advanced SIMD", attributes.simd_arch, _SIMD_OF_FPU[cpu.fpu]),
    ):
        if value not in allowed:
            findings.append((AboveTarget, f"{elf.name} uses {what} {value}, the target has {cpu.fpu}"))
    if attributes.divide and cpu.arch != "armv7ve":
        findings.append((AboveTarget, f"{elf.name} may use hardware division, {cpu.core} has none"))
    return attributes


def _check_symbols(
    elf: Elf, offer: Offer, target: Target, keep: Iterable[str], findings: list[Finding]
) -> set[str]:
    weak = {s.name for s in elf.symbols if s.binding == _STB_WEAK and not s.defined}
    undefined = elf.global_names(defined=False) - {""}
    findings += [(SymbolsTooNew, fault) for fault in faults(undefined - weak, offer, target.limits)]
    public = re.compile("|".join(f"(?:{pattern})" for pattern in keep))
    exposed = sorted(n for n in elf.global_names(defined=True) if not public.fullmatch(n))
    findings += [(SymbolsExposed, f"{name} is global but not public") for name in exposed]
    findings += [
        (NotLinkable, f"{s.name} is GNU-unique: the dynamic linker would merge it with a consumer's")
        for s in elf.symbols
        if s.binding == _STB_GNU_UNIQUE
    ]
    return undefined


def _check_linkable(elf: Elf, target: Target, findings: list[Finding]) -> None:
    if target.board is None:  # an image is linked for the one address where it runs
        findings += [(NotLinkable, f"text relocation in {where}") for where in elf.text_relocations()]
    groups = sum(section.kind == _SHT_GROUP for section in elf.sections)
    if groups:
        findings.append((NotLinkable, f"{groups} comdat groups remain: a consumer's may replace them"))
    stack = elf.named(".note.GNU-stack")
    # Bare metal knows no such note: the runtime maps every stack without execution.
    if target.board is None and (stack is None or stack.flags & SHF_EXECINSTR):
        findings.append((NotLinkable, f"{elf.name} asks for an executable stack"))
    debug = elf.debug_sections()
    if debug:
        findings.append((NotStripped, f"{elf.name} still has {', '.join(debug[:3])}"))


def _check_code(elf: Elf, cpu: Cpu, findings: list[Finding]) -> Disassembly | None:
    if elf.machine != EM_ARM:
        return None
    code = disassemble(elf, cpu)
    if code is not None:
        findings += [(AboveTarget, f"{elf.name}: {text}") for text in _by_function(code)]
    return code


def _by_function(code: Disassembly) -> list[str]:
    """One line for each function and extension: its first instruction and how many more there are."""
    first: dict[tuple[str, str], str] = {}
    count: Counter[tuple[str, str]] = Counter()
    for finding in code.findings:
        key = (finding.symbol, finding.needs)
        first.setdefault(key, str(finding))
        count[key] += 1
    return [text + (f" (and {count[key] - 1} more)" if count[key] > 1 else "") for key, text in first.items()]


def _programs(sdk: Path) -> list[Path]:
    folder = sdk / "bin"
    if not folder.is_dir():
        return []
    return [p for p in sorted(folder.iterdir()) if p.is_file() and p.read_bytes()[:4] == b"\x7fELF"]


def _check_program(path: Path, target: Target, findings: list[Finding]) -> ProgramFacts | None:
    try:
        elf = parse(path.read_bytes(), path.name)
    except NotElf as error:
        findings.append((WrongMachine, str(error)))
        return None
    attributes = _check_machine(elf, target.cpu, findings)
    if attributes is None:
        return None
    versions = elf.needed_versions()
    findings += [
        (SymbolsTooNew, f"{elf.name} needs {version}")
        for version in versions
        if not within(version, target.limits)
    ]
    code = _check_code(elf, target.cpu, findings)
    return ProgramFacts(
        name=path.name,
        size=path.stat().st_size,
        dynamic=elf.named(".dynamic") is not None,
        attributes=attributes,
        symbol_versions=versions,
        instructions=code.instructions if code is not None else None,
    )


def _sizes(elf: Elf) -> dict[str, int]:
    loaded = [s for s in elf.sections if s.flags & SHF_ALLOC]
    code = sum(s.size for s in loaded if s.flags & SHF_EXECINSTR)
    zeroed = sum(s.size for s in loaded if s.kind == SHT_NOBITS)
    return {
        "code_size": code,
        "data_size": sum(s.size for s in loaded) - code - zeroed,
        "zeroed_size": zeroed,
    }


def _failure(sdk: Path, target: Target, findings: Iterable[Finding]) -> CheckFailed:
    findings = list(findings)
    lines = [text for _, text in findings]
    shown = lines[:40] + ([f"... and {len(lines) - 40} more"] if len(lines) > 40 else [])
    return findings[0][0](
        f"{sdk} is not fit for {target.name}: {len(lines)} finding{'s' if len(lines) > 1 else ''}",
        "\n".join(shown),
        "Was it built for another target? `build.py check` with the right --target tells.",
    )
