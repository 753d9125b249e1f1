"""Disassemble all code of an ELF file and name the instructions that a target's processor lacks.

The mapping symbols ($a, $t, $d) tell ARM code, Thumb code and data apart, so constants between functions
give no false alarm; a file without them (a stripped program) cannot be judged this way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import capstone

from tfport.elf import SHF_EXECINSTR, SHT_PROGBITS, Elf, Section
from tfport.target import Cpu

# Mnemonic patterns by the extension they belong to. A condition may follow: vfmalt.f32 is a fused
# multiply-add on "less than", vfmal.f16 another instruction.
_ARMV8 = (
    r"vrint[anpmxzr]|vsel(?:eq|ge|gt|vs)|v(?:max|min)nm|vcvt[anpm]\.|vjcvt|aes[dei]|aesi?mc|sha(?:1|256)|"
    r"crc32|lda|stl|sevl(?!\w)|hlt|dcps|v[su]?s?u?dot|v[su]+mmla|vfm[as]l\.|vqrdml[as]h|vcmla|vcadd|vmovx|vins|"
    r"vmull\.p64|bf[a-z]*\.bf16|v\w+\.bf16|v(?!cvt)\w+\.f16"
)
_VFPV4 = r"vfn?m[as](?!l\.)|vcvt[bt]?\w*\.f(?:32\.f16|16\.f32)"
_DIVIDE = r"[su]div"
_MAPPING = ("$a", "$t", "$d")


@dataclass(frozen=True)
class Finding:
    """An instruction that the processor lacks: where it is (offset in bytes) and what it needs."""

    symbol: str
    offset: int
    instruction: str
    needs: str

    def __str__(self) -> str:
        return f"{self.symbol}+{self.offset:#x}: {self.instruction} needs {self.needs}"


@dataclass(frozen=True)
class Disassembly:
    """What was decoded: number of instructions, bytes of code and of data in code, mnemonics by count."""

    instructions: int
    code_bytes: int
    data_bytes: int
    mnemonics: Counter[str]
    findings: tuple[Finding, ...]


def forbidden(cpu: Cpu) -> tuple[tuple[str, str], ...]:
    """(what is needed, pattern of mnemonics) of each extension that this processor lacks."""
    rules = [("ARMv8 or its extensions", _ARMV8)]
    if not cpu.has_vfpv4:
        rules.append(("VFPv4", _VFPV4))
    if cpu.arch != "armv7ve":
        rules.append(("hardware division", _DIVIDE))
    return tuple(rules)


def disassemble(elf: Elf, cpu: Cpu, limit: int = 100_000) -> Disassembly | None:
    """Decode every instruction of ``elf``; None when it has no mapping symbols.

    At most ``limit`` findings are kept. A code byte that does not decode is a finding too.
    """
    maps = _mapping_symbols(elf)
    if not maps:
        return None
    verdicts = {"": "an instruction set that is not known"}
    judges = [(needs, re.compile(pattern)) for needs, pattern in forbidden(cpu)]
    mnemonics: Counter[str] = Counter()
    findings: list[Finding] = []
    code_bytes = data_bytes = 0
    names = _Names(elf)
    for section, start, code, decoder in _regions(elf, maps):
        if decoder is None:
            data_bytes += len(code)
            continue
        code_bytes += len(code)
        for offset, mnemonic, operands in decoder.decode(code):
            if mnemonic:
                mnemonics[mnemonic] += 1
            needs = verdicts.get(mnemonic)
            if needs is None:
                needs = next((need for need, judge in judges if judge.match(mnemonic)), "")
                verdicts[mnemonic] = needs
            if needs and len(findings) < limit:
                name, into = names.at(section, start + offset)
                findings.append(Finding(name, into, f"{mnemonic} {operands}".strip(), needs))
    return Disassembly(sum(mnemonics.values()), code_bytes, data_bytes, mnemonics, tuple(findings))


def _mapping_symbols(elf: Elf) -> dict[int, list[tuple[int, str]]]:
    maps: dict[int, list[tuple[int, str]]] = {}
    for symbol in elf.symbols:
        if symbol.name[:2] in _MAPPING and symbol.name[2:3] in ("", "."):
            maps.setdefault(symbol.section, []).append((symbol.value, symbol.name[:2]))
    return maps


def _regions(
    elf: Elf, maps: dict[int, list[tuple[int, str]]]
) -> Iterator[tuple[Section, int, bytes, _Decoder | None]]:
    """(section, offset in it, bytes, decoder or None for data) of every stretch of the code sections."""
    decoders = {
        "$a": _Decoder(capstone.CS_MODE_ARM),
        "$t": _Decoder(capstone.CS_MODE_THUMB),
        "$d": None,
    }
    for section in elf.sections:
        if section.kind != SHT_PROGBITS or not section.flags & SHF_EXECINSTR or not section.size:
            continue
        base = 0 if elf.relocatable else section.address
        marks = sorted((value - base, kind) for value, kind in maps.get(section.index, []))
        # Code before the first mapping symbol is ARM code by the ABI's rule.
        marks = [(0, "$a"), *marks] if not marks or marks[0][0] > 0 else marks
        content = elf.content(section)
        for (start, kind), (end, _) in zip(marks, [*marks[1:], (section.size, "")]):
            if end > start:
                yield section, start, content[start:end], decoders[kind]


class _Decoder:
    """Decodes all of ARM up to version 8 (to name what is too new), and what version 8 dropped."""

    def __init__(self, mode: int) -> None:
        self._thumb = mode == capstone.CS_MODE_THUMB
        self._newest = capstone.Cs(capstone.CS_ARCH_ARM, mode | capstone.CS_MODE_V8)
        # Coprocessor loads and stores, as in setjmp of the C library, are gone from version 8.
        self._older = capstone.Cs(capstone.CS_ARCH_ARM, mode)

    def decode(self, code: bytes) -> Iterator[tuple[int, str, str]]:
        """(offset, mnemonic, operands); without a mnemonic what does not decode, its bytes as operands."""
        at = 0
        while at < len(code):
            end = at
            for offset, size, mnemonic, operands in self._newest.disasm_lite(code[at:], at):
                yield offset, mnemonic, operands
                end = offset + size
            if end == len(code):
                return
            older = next(self._older.disasm_lite(code[end : end + 4], end, 1), None)
            if older is not None:
                yield older[0], older[2], older[3]
                at = end + older[1]
            else:
                width = self._width(code[end : end + 2])
                yield end, "", f"bytes {code[end : end + width].hex()}"
                at = end + width

    def _width(self, start: bytes) -> int:
        """Bytes of the instruction that begins here: Thumb tells by the top five bits."""
        return 2 if self._thumb and int.from_bytes(start, "little") >> 11 < 0x1D else 4


class _Names:
    """Finds the function around an offset; built only when there is something to report."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._table: dict[int, list[tuple[int, str]]] = {}

    def at(self, section: Section, offset: int) -> tuple[str, int]:
        if not self._table:
            for symbol in self._elf.symbols:
                if symbol.name and symbol.name[:2] not in _MAPPING:
                    # The lowest bit of a Thumb function's address is not part of it.
                    self._table.setdefault(symbol.section, []).append((symbol.value & ~1, symbol.name))
            for names in self._table.values():
                names.sort()
        names = self._table.get(section.index, [])
        base = 0 if self._elf.relocatable else section.address
        place = bisect_right(names, (base + offset, "\x7f")) - 1
        return (names[place][1], base + offset - names[place][0]) if place >= 0 else (section.name, offset)
