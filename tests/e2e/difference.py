"""Where two folders differ first: which file, which member of an archive, which section, which byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

_AR = b"!<arch>\n"
_HEADER = 60
_AROUND = 24


def first_difference(one: Path, two: Path, ignore: frozenset[str] = frozenset()) -> str:
    """One line for a person; "" when the folders hold the same files. ``ignore`` are paths in them."""
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*")} - ignore for folder in (one, two)]
    for name in sorted(names[0] ^ names[1]):
        return f"{name} is in {one if name in names[0] else two} only"
    for name in sorted(names[0]):
        if (one / name).is_file():
            found = _of_bytes((one / name).read_bytes(), (two / name).read_bytes())
            if found:
                return f"{name}: {found}"
    return ""


def _of_bytes(one: bytes, two: bytes) -> str:
    if one == two:
        return ""
    if one.startswith(_AR) and two.startswith(_AR):
        return _of_parts(list(_members(one)), list(_members(two)), "member")
    parts = _sections(one), _sections(two)
    return (_of_parts(*parts, "section") if all(parts) else "") or _of_plain(one, two)


def _of_parts(one: list[tuple[str, bytes]], two: list[tuple[str, bytes]], kind: str) -> str:
    for (name, data), (other, more) in zip(one, two):
        if name != other:
            return f"{kind} {name!r} here, {other!r} there"
        found = _of_bytes(data, more)
        if found:
            return f"{kind} {name}: {found}"
    return f"{len(one)} {kind}s here, {len(two)} there" if len(one) != len(two) else ""


def _of_plain(one: bytes, two: bytes) -> str:
    at = next((n for n, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two)))
    parts = (part[max(0, at - _AROUND) : at + _AROUND] for part in (one, two))
    return f"byte {at} of {len(one)} and {len(two)}: " + " here, ".join(map(repr, parts)) + " there"


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of what an archive holds; the header with its time and owner counts as a member too."""
    at = len(_AR)
    while at + _HEADER <= len(data):
        header = data[at : at + _HEADER]
        size = int(header[48:58])
        name = header[:16].decode("ascii", "replace").strip()
        yield f"{name} (header)", header
        yield name, data[at + _HEADER : at + _HEADER + size]
        at += _HEADER + size + size % 2


def _sections(data: bytes) -> list[tuple[str, bytes]]:
    """Of an ELF file; empty for anything else."""
    try:
        elf = ELFFile(io.BytesIO(data))
        parts = [
            (section.name or "(none)", section.header, section.data()) for section in elf.iter_sections()
        ]
    except ELFError:
        return []
    return [(name, content) for name, header, content in parts if header.sh_type != "SHT_NOBITS"]
