"""A board as it describes itself: the text of its /proc/cpuinfo and of ``ldd --version``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from tfport.errors import BoardUnreadable

# Part numbers of Arm's cores -> GCC's name of the core.
_ARM_PARTS = {
    0xB36: "arm1136j-s",
    0xB56: "arm1156t2-s",
    0xB76: "arm1176jz-s",
    0xB02: "mpcore",
    0xC05: "cortex-a5",
    0xC07: "cortex-a7",
    0xC08: "cortex-a8",
    0xC09: "cortex-a9",
    0xC0D: "cortex-a12",
    0xC0E: "cortex-a17",
    0xC0F: "cortex-a15",
    0xD01: "cortex-a32",
    0xD03: "cortex-a53",
    0xD04: "cortex-a35",
    0xD05: "cortex-a55",
    0xD07: "cortex-a57",
    0xD08: "cortex-a72",
    0xD09: "cortex-a73",
    0xD0A: "cortex-a75",
    0xD0B: "cortex-a76",
    0xD41: "cortex-a78",
    0xD44: "cortex-x1",
    0xD0C: "neoverse-n1",
    0xD40: "neoverse-v1",
    0xD48: "cortex-x2",
    0xD4D: "cortex-a715",
    0xD4E: "cortex-x3",
    0xD80: "cortex-a520",
    0xD81: "cortex-a720",
    0xD82: "cortex-x4",
}
_ARM = 0x41
# Cores that execute AArch64 only, at every exception level.
_WITHOUT_AARCH32 = {"cortex-x2", "cortex-a715", "cortex-x3", "cortex-a520", "cortex-a720", "cortex-x4"}
# What an AArch64 core with Advanced SIMD offers to 32-bit programs, in the words of a 32-bit kernel.
_OF_AARCH32 = {"vfp", "vfpv3", "vfpv4", "vfpd32", "neon", "idiva", "idivt", "thumb"}


@dataclass(frozen=True)
class Machine:
    """One board. ``bits`` of its kernel, 0 when it is no ARM; ``arm`` is the version of the architecture.

    features: as a 32-bit kernel names them, also for a 64-bit one. libc: "glibc", "musl", "uclibc" or None
    when it is not known; ``libc_version`` such as (2, 28).
    """

    core: str
    cores: int
    arm: int
    bits: int
    features: frozenset[str]
    libc: Optional[str] = None
    libc_version: tuple[int, ...] = ()

    @property
    def runs_aarch32(self) -> bool:
        """Whether the core can execute 32-bit code at all."""
        return self.bits == 32 or (self.bits == 64 and self.core not in _WITHOUT_AARCH32)

    @property
    def has_vfpv4(self) -> bool:
        """Fused multiply-add, also in NEON."""
        return "vfpv4" in self.features

    @property
    def divides(self) -> bool:
        """Integer division in both instruction sets."""
        return {"idiva", "idivt"} <= self.features

    @property
    def description(self) -> str:
        """One line for a person."""
        if not self.bits:
            return f"no ARM: {self.core}"
        library = f", {self.libc} {'.'.join(map(str, self.libc_version))}" if self.libc else ""
        return f"{self.cores} x {self.core}, ARMv{self.arm}, {self.bits}-bit kernel{library}"


def read_machine(cpuinfo: str, ldd: Optional[str] = None) -> Machine:
    """The board with these texts. Raises ``BoardUnreadable``."""
    rows = [
        (key.strip().lower(), value.strip()) for key, _, value in (x.partition(":") for x in _lines(cpuinfo))
    ]
    known = dict(reversed(rows))  # of several processors the first
    cores = sum(key == "processor" and value.isdigit() for key, value in rows)
    libc, version = read_libc(ldd) if ldd is not None else (None, ())
    if "vendor_id" in known or "flags" in known:
        name = known.get("model name", known.get("vendor_id", "x86"))
        return Machine(name, max(1, cores), 0, 0, frozenset(), libc, version)
    if "features" not in known or not ("cpu architecture" in known or "cpu part" in known):
        raise BoardUnreadable(
            "The text is not the /proc/cpuinfo of an ARM or x86 machine",
            "It has no lines 'Features' and 'CPU architecture'.",
            "On the board: cat /proc/cpuinfo > cpuinfo.txt",
        )
    features = frozenset(known["features"].lower().split())
    # A 64-bit kernel says so by its words; to a 32-bit program it may speak in those of a 32-bit one.
    bits = 64 if "asimd" in features or ("fp" in features and "vfp" not in features) else 32
    if bits == 64:
        features |= _OF_AARCH32 if "asimd" in features else set()
    return Machine(_core(known), max(1, cores), _version(known), bits, features, libc, version)


def read_libc(text: str) -> tuple[str, tuple[int, ...]]:
    """Kind and version of the C library. Raises ``BoardUnreadable``."""
    if "musl" in text.lower():
        found = re.search(r"version\s+(\d+(?:\.\d+)+)", text, re.IGNORECASE)
        return "musl", _numbers(found)
    if "uclibc" in text.lower():
        return "uclibc", _numbers(re.search(r"(\d+(?:\.\d+)+)", text))
    first = text.strip().splitlines()[0] if text.strip() else ""
    found = re.search(r"(\d+\.\d+(?:\.\d+)*)\s*$", first)
    if not found or not re.match(r"ldd\b", first):
        raise BoardUnreadable(
            "The text is not what ldd --version prints",
            f"It begins with {first[:60]!r}.",
            "On the board: ldd --version > ldd.txt 2>&1",
        )
    return "glibc", _numbers(found)[:2]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if ":" in line]


def _core(known: dict[str, str]) -> str:
    implementer, part = _number(known.get("cpu implementer")), _number(known.get("cpu part"))
    if implementer == _ARM and part in _ARM_PARTS:
        return _ARM_PARTS[part]
    return known.get("model name") or f"implementer 0x{implementer or 0:02x}, part 0x{part or 0:03x}"


def _version(known: dict[str, str]) -> int:
    """Of the architecture; an ARM1176 says "CPU architecture: 7" and is version 6."""
    part = _number(known.get("cpu part"))
    names = f"{known.get('model name', '')} {known.get('processor', '')}"
    named = re.search(r"ARMv(\d+)", names)
    if named:
        return int(named[1])
    if _number(known.get("cpu implementer")) == _ARM and part is not None and part < 0xC00:
        return 6
    told = known.get("cpu architecture", "")
    return 8 if told.lower() == "aarch64" else int(re.sub(r"\D.*", "", told) or 0)


def _number(text: Optional[str]) -> Optional[int]:
    try:
        return int(text or "", 0)
    except ValueError:
        return None


def _numbers(found: Optional[re.Match[str]]) -> tuple[int, ...]:
    return tuple(int(part) for part in found[1].split(".")) if found else ()
