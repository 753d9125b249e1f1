"""Read facts out of ELF files: attributes, sections, symbols, archive members, symbol versions.

Headers and tables that a big object has tens of thousands of are read with ``struct`` (one object of the
SDK has 50,000 sections); what is subtle, ARM attributes and symbol versions, is read with pyelftools.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from tfport.link import Symbol, read_headers, read_symbols

EM_ARM, ET_REL, EF_ARM_EABI_VER5 = 40, 1, 0x05000000
SHT_PROGBITS, SHT_REL, SHT_DYNSYM, SHT_ARM_ATTRIBUTES = 1, 9, 11, 0x70000003
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHT_NOBITS = 8

# Names of the values of Tag_CPU_arch, Tag_FP_arch and Tag_Advanced_SIMD_arch in the ARM ABI addenda.
_CPU_ARCH = {0: "pre-v4", 1: "v4", 2: "v4T", 3: "v5T", 4: "v5TE", 5: "v5TEJ", 6: "v6", 7: "v6KZ", 8: "v6T2"}
_CPU_ARCH |= {9: "v6K", 10: "v7", 11: "v6-M", 12: "v6S-M", 13: "v7E-M", 14: "v8-A", 15: "v8-R", 16: "v8-M"}
_FP_ARCH = {0: "none", 1: "VFPv1", 2: "VFPv2", 3: "VFPv3", 4: "VFPv3-D16", 5: "VFPv4", 6: "VFPv4-D16"}
_FP_ARCH |= {7: "ARMv8", 8: "ARMv8-D16"}
_SIMD_ARCH = {0: "none", 1: "NEONv1", 2: "NEONv1+FMA", 3: "ARMv8", 4: "ARMv8.1"}

# Relocations that would have to be applied to code when it is loaded, so that pages cannot be shared.
_ABSOLUTE = {2: "R_ARM_ABS32", 5: "R_ARM_ABS16", 6: "R_ARM_ABS12", 8: "R_ARM_ABS8"}
_ABSOLUTE |= {43: "R_ARM_MOVW_ABS_NC", 44: "R_ARM_MOVT_ABS", 47: "R_ARM_THM_MOVW_ABS_NC"}
_ABSOLUTE |= {48: "R_ARM_THM_MOVT_ABS", 108: "R_ARM_TLS_LE32"}


class NotElf(ValueError):
    """The bytes are not a 32-bit little-endian ELF file, or are damaged."""


@dataclass(frozen=True)
class Attributes:
    """The merged .ARM.attributes of a file; ``vfp_args`` is hard float, ``divide`` explicit sdiv/udiv."""

    cpu_arch: str
    profile: str
    fp_arch: str
    simd_arch: str
    vfp_args: bool
    divide: bool
    half_precision: bool


@dataclass(frozen=True)
class Section:
    """One section header; ``index`` is what symbols refer to, sizes and offsets in bytes."""

    index: int
    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


@dataclass(frozen=True)
class Elf:
    """One ELF file in memory."""

    name: str
    data: bytes
    kind: int
    machine: int
    flags: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    @property
    def relocatable(self) -> bool:
        return self.kind == ET_REL

    def content(self, section: Section) -> bytes:
        return self.data[section.offset : section.offset + section.size]

    def named(self, name: str) -> Section | None:
        return next((s for s in self.sections if s.name == name), None)

    def global_names(self, *, defined: bool) -> set[str]:
        return {s.name for s in self.symbols if s.is_global and s.defined == defined}

    def debug_sections(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.sections if s.name.startswith((".debug", ".zdebug", ".stab")))

    def attributes(self) -> Attributes | None:
        """The ARM attributes, or None when the file carries none."""
        return _attributes(self)

    def text_relocations(self) -> tuple[str, ...]:
        """``section: relocation`` of every absolute relocation in a section that is not writable."""
        found = []
        for section in self.sections:
            if section.kind != SHT_REL or section.info >= len(self.sections):
                continue
            target = self.sections[section.info]
            if target.flags & (SHF_ALLOC | SHF_WRITE) != SHF_ALLOC:
                continue
            for _, info in struct.iter_unpack("<II", self.content(section)):
                if info & 0xFF in _ABSOLUTE:
                    found.append(f"{target.name}: {_ABSOLUTE[info & 0xFF]}")
        return tuple(found)

    def needed_versions(self) -> tuple[str, ...]:
        """Symbol versions that a dynamic program asks of its libraries, such as ``GLIBC_2.28``."""
        section: Any = _tools(self).get_section_by_name(".gnu.version_r")
        if section is None:
            return ()
        return tuple(sorted({aux.name for _, auxes in section.iter_versions() for aux in auxes}))


def parse(data: bytes, name: str) -> Elf:
    """Read one ELF32 little-endian file; raises NotElf."""
    if data[:6] != b"\x7fELF\x01\x01" or len(data) < 52:
        raise NotElf(f"{name} is not a 32-bit little-endian ELF file")
    kind, machine = struct.unpack_from("<HH", data, 16)
    (flags,) = struct.unpack_from("<I", data, 36)
    (name_table,) = struct.unpack_from("<H", data, 50)
    try:
        headers = read_headers(data)
        if name_table == 0xFFFF:
            name_table = headers[0][6]
        strings = headers[name_table] if headers else (0,) * 10
        sections = tuple(
            Section(i, _text(data, strings[4] + h[0]), h[1], h[2], h[3], h[4], h[5], h[6], h[7])
            for i, h in enumerate(headers)
        )
        symbols = read_symbols(data, headers)
    except (struct.error, IndexError, ValueError) as error:
        raise NotElf(f"{name} is a damaged ELF file: {error}") from error
    return Elf(name, data, kind, machine, flags, sections, symbols)


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each member of an ar archive with GNU long names; raises NotElf."""
    data = path.read_bytes()
    if data[:8] != b"!<arch>\n":
        raise NotElf(f"{path} is not an ar archive")
    long_names, at = b"", 8
    while at + 60 <= len(data):
        raw = data[at : at + 16].decode("latin-1").rstrip()
        size_text = data[at + 48 : at + 58].strip()
        if data[at + 58 : at + 60] != b"`\n" or not size_text.isdigit():
            raise NotElf(f"{path} is a damaged ar archive at byte {at}")
        size = int(size_text)
        body = data[at + 60 : at + 60 + size]
        if len(body) < size:
            raise NotElf(f"{path} is cut short in member {raw}")
        at += 60 + size + (size & 1)
        if raw == "//":
            long_names = body
        elif raw not in ("/", "/SYM64/"):
            if raw.startswith("/"):
                start = int(raw[1:])
                raw = long_names[start : long_names.index(b"/\n", start)].decode()
            yield raw.rstrip("/"), body


def exported_versions(path: Path) -> dict[str, tuple[str, ...]]:
    """Every symbol that a shared library defines, with the versions it has been offered under.

    ``pthread_create`` -> (``GLIBC_2.34``, ``GLIBC_2.4``); a program linked against an older release of the
    library gets an older one, so the oldest counts. Empty string: no version.
    """
    with path.open("rb") as stream:
        elf: Any = ELFFile(stream)
        symbols = elf.get_section_by_name(".dynsym")
        indices = elf.get_section_by_name(".gnu.version")
        definitions = elf.get_section_by_name(".gnu.version_d")
        names: dict[int, str] = {}
        if definitions is not None:
            for version, auxes in definitions.iter_versions():
                names[version["vd_ndx"]] = next(iter(auxes)).name
        found: dict[str, set[str]] = {}
        for number, symbol in enumerate(symbols.iter_symbols() if symbols is not None else ()):
            if symbol["st_shndx"] == "SHN_UNDEF" or not symbol.name:
                continue
            index: Any = indices.get_symbol(number)["ndx"] if indices is not None else "VER_NDX_GLOBAL"
            version_name = names.get(index & 0x7FFF, "") if isinstance(index, int) else ""
            found.setdefault(symbol.name, set()).add(version_name)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}


def archive_definitions(paths: Iterable[Path]) -> set[str]:
    """Global symbols defined by the members of static archives or by plain objects."""
    names: set[str] = set()
    for path in paths:
        with path.open("rb") as stream:
            is_archive = stream.read(8) == b"!<arch>\n"
        for name, data in members(path) if is_archive else [(path.name, path.read_bytes())]:
            if data[:4] == b"\x7fELF":
                names |= parse(data, name).global_names(defined=True)
    return names


def _attributes(elf: Elf) -> Attributes | None:
    section = next((s for s in elf.sections if s.kind == SHT_ARM_ATTRIBUTES), None)
    if section is None:
        return None
    tags: dict[str, Any] = {}
    for subsection in _tools(elf).get_section(section.index).iter_subsections():
        for subsubsection in subsection.iter_subsubsections():
            for attribute in subsubsection.iter_attributes():
                tags[attribute.tag] = attribute.value
    profile = tags.get("TAG_CPU_ARCH_PROFILE", 0)
    return Attributes(
        cpu_arch=_CPU_ARCH.get(tags.get("TAG_CPU_ARCH", 0), "newer than v8-A"),
        profile=chr(profile) if profile else "",
        fp_arch=_FP_ARCH.get(tags.get("TAG_FP_ARCH", 0), "newer than ARMv8"),
        simd_arch=_SIMD_ARCH.get(tags.get("TAG_ADVANCED_SIMD_ARCH", 0), "newer than ARMv8.1"),
        vfp_args=tags.get("TAG_ABI_VFP_ARGS", 0) == 1,
        divide=tags.get("TAG_DIV_USE", 0) == 2,
        half_precision=tags.get("TAG_FP_HP_EXTENSION", 0) != 0,
    )


def _tools(elf: Elf) -> Any:
    return ELFFile(io.BytesIO(elf.data))


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode("utf-8", "replace")
