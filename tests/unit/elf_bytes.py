"""A writer of small ELF32 ARM files and ar archives, so that unit tests need no compiler."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

LOCAL, GLOBAL, WEAK, UNIQUE = 0, 1, 2, 10
PROGBITS, SYMTAB, STRTAB, REL, INIT_ARRAY, GROUP, XINDEX = 1, 2, 3, 9, 14, 17, 18
ALLOC, WRITE, EXEC = 2, 1, 4
COMMON = 0xFFF2


@dataclass
class ElfBytes:
    """Sections are numbered from 1 in the order added."""

    machine: int = 40
    kind: int = 1
    flags: int = 0x05000000
    wide: bool = False  # put section numbers of symbols into a SYMTAB_SHNDX table
    sections: list[tuple[str, int, int, bytes, int]] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int]] = field(default_factory=list)

    def section(
        self, name: str, content: bytes = b"", *, kind: int = PROGBITS, flags: int = 0, info: int = 0
    ) -> int:
        self.sections.append((name, kind, flags, content, info))
        return len(self.sections)

    def symbol(self, name: str, section: int = 0, binding: int = GLOBAL, value: int = 0) -> ElfBytes:
        self.symbols.append((name, binding, section, value))
        return self

    def code(self, name: str, content: bytes, marks: Iterable[tuple[str, int]] = (("$t", 0),)) -> int:
        """A code section with its mapping symbols."""
        index = self.section(name, content, flags=ALLOC | EXEC)
        for mark, at in marks:
            self.symbol(mark, index, LOCAL, at)
        return index

    def build(self) -> bytes:
        names, table, indices = b"\0", bytes(16), struct.pack("<I", 0)
        for name, binding, section, value in self.symbols:
            shown = 0xFFFF if self.wide and 0 < section < 0xFF00 else section
            table += struct.pack("<IIIBBH", len(names), value, 0, binding << 4, 0, shown)
            indices += struct.pack("<I", section if shown == 0xFFFF else 0)
            names += name.encode() + b"\0"
        all_sections = [*self.sections, (".strtab", STRTAB, 0, names, 0)]
        strings = len(all_sections)
        all_sections.append((".symtab", SYMTAB, 0, table, 0))
        if self.wide:
            all_sections.append((".symtab_shndx", XINDEX, 0, indices, 0))
        section_names, headers, body, at = b"\0", [(0,) * 10], b"", 52
        for name, kind, flags, content, info in [*all_sections, (".shstrtab", STRTAB, 0, b"", 0)]:
            start = len(section_names)
            section_names += name.encode() + b"\0"
            content = section_names if name == ".shstrtab" else content
            link = strings if kind == SYMTAB else 0
            headers.append((start, kind, flags, 0, at, len(content), link, info, 1, 0))
            body += content
            at += len(content)
        start = (b"\x7fELF\x01\x01\x01").ljust(16, b"\0")
        numbers = (52, 0, 0, 40, len(headers), len(headers) - 1)
        start += struct.pack("<HHIIIII6H", self.kind, self.machine, 1, 0, 0, at, self.flags, *numbers)
        return start + body + b"".join(struct.pack("<10I", *h) for h in headers)


def archive(*entries: tuple[str, bytes]) -> bytes:
    """A GNU ar archive; names longer than 15 characters go into the table of long names."""
    long_names, body = b"", b""
    for name, content in entries:
        if len(name) > 15:
            shown, long_names = f"/{len(long_names)}", long_names + name.encode() + b"/\n"
        else:
            shown = name + "/"
        body += _entry(shown, content)
    return b"!<arch>\n" + _entry("/", b"") + (_entry("//", long_names) if long_names else b"") + body


def _entry(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) & 1)
