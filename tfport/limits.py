"""Which symbols a device's C and C++ libraries offer, computed from the toolchain's own libraries.

The toolchain's shared libraries say under which version each symbol was first offered. A symbol is within
the target's limit when one of its versions is; a symbol that no library defines cannot be resolved by
``-lstdc++ -lpthread -lm -lc -lgcc``. Without an operating system all libraries are static and there are no
versions; the runtime library that lies beside the archive is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport.command import run
from tfport.elf import archive_definitions, exported_versions
from tfport.target import Limits, Target

_SHARED = (
    *("libc.so.6", "libm.so.6", "libpthread.so.0", "libstdc++.so.6"),
    *("libgcc_s.so.1", "ld-linux-armhf.so.3"),
)
# What the compiler driver adds to every link besides the shared libraries.
_STATIC = ("libgcc.a", "libc_nonshared.a", "crtbegin.o", "crtbeginS.o")
_FROM_LINKER = frozenset({"_GLOBAL_OFFSET_TABLE_"})
_BARE_METAL = ("libc.a", "libm.a", "libstdc++.a", "libgcc.a")

# The version script of libstdc++ does not say which CXXABI goes with which GLIBCXX; its manual does.
_CXXABI_OF_GLIBCXX = (
    *(((3, 4, 21), (1, 3, 9)), ((3, 4, 22), (1, 3, 10)), ((3, 4, 23), (1, 3, 11))),
    *(((3, 4, 26), (1, 3, 12)), ((3, 4, 29), (1, 3, 13)), ((3, 4, 31), (1, 3, 14))),
)


@dataclass(frozen=True)
class Offer:
    """All symbols a plain link can resolve: shared ones with their versions, static ones without."""

    versions: Mapping[str, tuple[str, ...]]
    static: frozenset[str]


def offer_of_toolchain(target: Target, runtime: Iterable[Path] = ()) -> Offer:
    """Read the symbols of the target's toolchain and of the archives ``runtime``.

    Raises ProgramMissing without the compiler.
    """
    bare = target.board is not None
    static = [*located(target, _BARE_METAL if bare else _STATIC), *runtime]
    versions: dict[str, tuple[str, ...]] = {}
    for path in located(target, () if bare else _SHARED):
        for name, offered in exported_versions(path).items():
            versions[name] = (*versions.get(name, ()), *offered)
    return Offer(versions, frozenset(archive_definitions(static)) | _FROM_LINKER)


def faults(undefined: Iterable[str], offer: Offer, limits: Optional[Limits]) -> tuple[str, ...]:
    """One sentence for each symbol that the device's libraries do not offer."""
    found = []
    for name in sorted(undefined):
        if name in offer.static:
            continue
        versions = offer.versions.get(name)
        if versions is None:
            found.append(f"{name} is defined by no library of the toolchain")
        elif not any(within(version, limits) for version in versions):
            found.append(f"{name} is newer than the target's limit: {', '.join(sorted(set(versions)))}")
    return tuple(found)


def highest(undefined: Iterable[str], offer: Offer, family: str) -> str:
    """The newest version of one family (``GLIBC``) that the symbols need, each counted at its oldest."""
    needed = []
    for name in undefined:
        own = [number(v) for v in offer.versions.get(name, ()) if v.startswith(family + "_")]
        if own and name not in offer.static:
            needed.append(min(own))
    return ".".join(map(str, max(needed))) if needed else ""


def within(version: str, limits: Optional[Limits]) -> bool:
    """Whether a symbol version such as ``GLIBC_2.28`` exists on the device; unknown families do not."""
    if limits is None:
        return False
    family, _, _ = version.partition("_")
    if family in ("", "GCC"):  # without a version; libgcc, which -lgcc brings along
        return True
    if family == "GLIBC":
        return bool(number(version)) and number(version) <= number(limits.glibc)
    if family == "GLIBCXX":
        return number(version) <= number(limits.glibcxx)
    if family == "CXXABI":
        return number(version) <= _cxxabi(limits)
    return False


def number(version: str) -> tuple[int, ...]:
    """``GLIBC_2.28`` -> (2, 28); empty when there is no number (``GLIBC_PRIVATE``)."""
    found = re.search(r"(\d+(?:\.\d+)*)$", version)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def _cxxabi(limits: Limits) -> tuple[int, ...]:
    known = [abi for glibcxx, abi in _CXXABI_OF_GLIBCXX if glibcxx <= number(limits.glibcxx)]
    return known[-1] if known else (1, 3)


def located(target: Target, names: Iterable[str]) -> list[Path]:
    """Those of the toolchain's libraries ``names`` that it has, for the target's kind of core."""
    paths = []
    for name in names:
        # The flags choose among the libraries that a compiler brings for several kinds of core.
        words = [target.compiler.program("gcc"), *target.compile_flags, f"-print-file-name={name}"]
        answer = run(words).stdout.strip()
        if answer != name and Path(answer).is_file():
            paths.append(Path(answer))
    return paths
