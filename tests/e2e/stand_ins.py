"""A library of the consumer's with the names of everything that the SDK hides.

For each function of abseil, FlatBuffers, protobuf, XNNPACK, pthreadpool and the rest that lies inside the
archive, the stand-in holds a global function of the name that it has in the library itself. All of them are
one function: it counts its calls and returns 77. So if the SDK's code ever reached the consumer's library, or
the other way round, it would show; and if the SDK's names were global, the two would not link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfport.elf import members, parse

FAMILIES = {
    "abseil": r"_ZN?K?4absl\w*",
    "cpuinfo": r"cpuinfo_\w+",
    "eigen": r"_ZNK?5Eigen\w*",
    "flatbuffers": r"_ZNK?11flatbuffers\w*",
    "kissfft": r"kiss_fft\w*",
    "pthreadpool": r"pthreadpool_\w+",
    "xnnpack": r"xnn_\w+",
}
CORE_FAMILIES = {
    "abseil": r"_ZN?K?4absl\w*",
    "cpuinfo": r"cpuinfo_\w+",
    "double_conversion": r"_ZNK?17double_conversion\w*",
    "eigen": r"_ZNK?5Eigen\w*",
    "farmhash": r"_ZN(?:4util|10farmhash\w\w)\w*",
    "nsync": r"nsync_\w+|_ZNK?5nsync\w*",
    "protobuf": r"_ZNK?13tfport_google8protobuf\w*",
    "pthreadpool": r"pthreadpool_\w+",
    "re2": r"_ZNK?3re2\w*",
    "snappy": r"_ZNK?6snappy\w*",
    "xnnpack": r"xnn_\w+",
}
# Names of ours, mangled with their lengths, and what they are in the library itself.
STOCK = {"13tfport_google": "6google", "15tfport_20220623": "12lts_20220623"}
ALWAYS = {"xnn_initialize", "pthreadpool_create"}
RESULT = 77


def hidden_names(debug_archive: Path, families: Mapping[str, str] = FAMILIES) -> dict[str, set[str]]:
    """Names of the functions by family that lie in the SDK, from the archive that keeps local symbols."""
    found: dict[str, set[str]] = {family: set() for family in families}
    for name, data in members(debug_archive):
        for symbol in parse(data, name).symbols:
            if not symbol.defined or symbol.name.startswith(("$", ".")):
                continue
            for family, pattern in families.items():
                if re.fullmatch(pattern, symbol.name):
                    found[family].add(stock(symbol.name))
    if "flatbuffers" in found:
        # Stock FlatBuffers, whose names in the SDK are those of another namespace.
        found["flatbuffers"] |= {
            "_ZN11flatbuffers17ClassicLocale_instanceE",
            "_ZN11flatbuffers10FileExistsEPKc",
            "_ZN11flatbuffers8LoadFileEPKcbPNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        }
    return found


def stock(name: str) -> str:
    """A mangled name as the library itself has it."""
    for ours, theirs in STOCK.items():
        name = name.replace(ours, theirs)
    return name


def assembly(names: Iterable[str], comdat: bool) -> str:
    """The stand-in library; with ``comdat`` each name is as of an inline C++ function: weak, in a group."""
    lines = [
        ".syntax unified",
        ".thumb",
        '.section .note.GNU-stack,"",%progbits',
        ".data",
        ".global stand_in_calls",
        "stand_in_calls: .word 0",
        ".text",
        ".thumb_func",
        ".type stand_in, %function",
        "stand_in:",
        "ldr r1, =stand_in_calls",
        "ldr r2, [r1]",
        "add r2, r2, #1",
        "str r2, [r1]",
        f"mov r0, #{RESULT}",
        "bx lr",
        ".ltorg",
    ]
    if not comdat:
        for name in sorted(set(names) | ALWAYS):
            lines += [f".global {name}", f".thumb_set {name}, stand_in"]
        return "\n".join(lines) + "\n"
    for name in sorted(set(names) | ALWAYS):
        lines += [
            f'.section .text.{name},"axG",%progbits,{name},comdat',
            f".weak {name}",
            ".thumb_func",
            f".type {name}, %function",
            f"{name}:",
            "b.w stand_in",
        ]
    return "\n".join(lines) + "\n"
