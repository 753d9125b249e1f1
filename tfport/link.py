"""Many objects and archives in, one archive with one object out: an archive that just links.

Standard library only and no import from the rest of tfport, because the SDK recipe exports this file and
calls it from its ``package()``. Processes are started through a callable that the caller passes in.

The steps, each of which answers a way in which a plain ``ar`` of everything fails its user:

1. ``ld -r`` of everything, so that one object carries all static constructors: no whole-archive flag is
   needed and no registration is lost. ``--force-group-allocation`` dissolves comdat groups; if they stayed,
   a consumer with another version of the same inline function would discard ours (or ours theirs), and the
   localised symbols would point into a discarded section.
2. optionally ``--gc-sections`` from the public entry points, for an archive cut to a model.
3. every global symbol that is not public becomes local, so other versions of the same third-party libraries
   can stand beside ours in the same program.
4. a twin with all debug information is written, the shipped object is stripped of it. The two have the
   same code: a program linked again with the twin yields the symbols of the shipped program.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

Run = Callable[[list[str]], object]

# Sections with these names stay one per function or object, as the compiler made them; else two static
# functions of the same name share a section and the consumer's --gc-sections keeps or drops both. So do those
# of debug information: for each function that it drops ld moves all the relocations behind, which takes it
# minutes when they all stand in one section.
_UNIQUE_SECTIONS = (".text.*", ".rodata.*", ".data.*", ".bss.*", ".ARM.ex*", ".debug_*")

_SHT_SYMTAB, _SHT_INIT_ARRAY, _SHT_GROUP, _SHT_SYMTAB_SHNDX = 2, 14, 17, 18
_SHN_UNDEF, _SHN_COMMON, _SHN_XINDEX = 0, 0xFFF2, 0xFFFF
_STB_LOCAL, _STB_GNU_UNIQUE = 0, 10


class LinkError(Exception):
    """The archive could not be made, or what came out would not link everywhere."""


@dataclass(frozen=True)
class Tools:
    """The three binutils programs used, as argv words (``ld`` is the linker, not the compiler driver)."""

    ld: str
    objcopy: str
    ar: str

    @classmethod
    def from_prefix(cls, prefix: str) -> Tools:
        """Tools of one toolchain, e.g. ``Tools.from_prefix("arm-linux-gnueabihf-")``."""
        return cls(prefix + "ld", prefix + "objcopy", prefix + "ar")


@dataclass(frozen=True)
class Symbol:
    """One entry of a symbol table; ``binding`` is the STB_* number, ``section`` 0 when undefined."""

    name: str
    binding: int
    section: int
    value: int

    @property
    def is_global(self) -> bool:
        return self.binding != _STB_LOCAL

    @property
    def defined(self) -> bool:
        return self.section != _SHN_UNDEF


@dataclass(frozen=True)
class ObjectFacts:
    """What link needs to know of an ELF32 little-endian relocatable object; sizes in bytes."""

    symbols: tuple[Symbol, ...]
    init_array_size: int
    group_count: int

    def global_names(self, *, defined: bool) -> set[str]:
        """Names of the global and weak symbols that are (or are not) defined here."""
        return {s.name for s in self.symbols if s.is_global and s.defined == defined}


@dataclass(frozen=True)
class LinkResult:
    """What was made: kept and localised global symbols, still undefined ones, sizes in bytes."""

    kept: tuple[str, ...]
    localised: int
    undefined: tuple[str, ...]
    archive_size: int
    debug_size: int


def cxx_namespace(*names: str) -> str:
    """Regular expression for the mangled names of everything in a C++ namespace.

    ``names`` run from the outermost inwards, inline namespaces included. That is functions and variables,
    their vtables, type information, guards, thunks, thread-local wrappers and function-local statics, but not
    templates of other namespaces that merely take one of its types.
    """
    special = r"(?:T[VTIS]|TC|GV|GR|TH|TW|Th(?:n?\d+)_|Tv(?:n?\d+)_(?:n?\d+)_)?"
    mangled = "".join(f"{len(name)}{re.escape(name)}" for name in names)
    return rf"_Z{special}Z*N[rVKRO]*{mangled}.*"


# The public face: the C API of TensorFlow Lite, ours, and the two C++ namespaces that public headers name.
DEFAULT_KEEP: tuple[str, ...] = (
    r"TfLite\w+",
    r"TfPort\w+",
    cxx_namespace("tflite"),
    cxx_namespace("tfport_flatbuffers"),
)


def link_archive(
    *,
    run: Run,
    tools: Tools,
    roots: Sequence[Path],
    output: Path,
    debug_output: Path,
    libraries: Sequence[Path] = (),
    keep: Iterable[str] = DEFAULT_KEEP,
    gc_roots: Optional[Iterable[str]] = None,
) -> LinkResult:
    """Make ``output``, an archive of exactly one object, and ``debug_output``, its unstripped twin.

    roots: objects and archives taken whole. libraries: archives from which what is needed is taken, in any
    order. keep: regular expressions (whole match, mangled names) of the symbols that stay global. gc_roots:
    None keeps all code; else only what these symbols and the static constructors reach stays.
    ``run`` starts one command and raises if it fails. Nothing half-made is left under the two output names.
    Raises LinkError when an input is missing or the result would not link everywhere.
    """
    missing = [str(p) for p in (*roots, *libraries) if not p.is_file()]
    if missing:
        raise LinkError("inputs of the link are missing: " + ", ".join(missing))
    if not roots:
        raise LinkError("there is nothing to link: no objects or archives were given as roots")
    output.parent.mkdir(parents=True, exist_ok=True)
    debug_output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".link-", dir=output.parent) as folder:
        work = Path(folder)
        whole = _combine(run, tools, roots, libraries, work)
        facts = read_object(whole)
        if gc_roots is not None:
            whole = _collect(run, tools, whole, facts, gc_roots, work)
        kept = _localise(run, tools, whole, keep, work)
        return _pack(run, tools, work, kept, facts, output, debug_output)


def _combine(run: Run, tools: Tools, roots: Sequence[Path], libraries: Sequence[Path], work: Path) -> Path:
    combined = work / "combined.o"
    whole = ["--whole-archive", *map(str, roots), "--no-whole-archive"]
    needed = ["--start-group", *map(str, libraries), "--end-group"]
    run([tools.ld, "-r", "--force-group-allocation", *_unique(), "-o", str(combined), *whole, *needed])
    return combined


def _collect(
    run: Run, tools: Tools, whole: Path, facts: ObjectFacts, gc_roots: Iterable[str], work: Path
) -> Path:
    entries = _matching(facts.global_names(defined=True), gc_roots)
    if not entries:
        raise LinkError("no symbol matches the entry points given: everything would be thrown away")
    # A linker script, since thousands of -u options do not fit on a command line.
    script = work / "entries.ld"
    script.write_text("EXTERN(\n" + "\n".join(f'"{name}"' for name in entries) + "\n)\n", encoding="utf-8")
    collected = work / "collected.o"
    run([tools.ld, "-r", "--gc-sections", *_unique(), "-o", str(collected), str(whole), str(script)])
    return collected


def _localise(run: Run, tools: Tools, whole: Path, keep: Iterable[str], work: Path) -> tuple[str, ...]:
    kept = _matching(read_object(whole).global_names(defined=True), keep)
    if not kept:
        raise LinkError("no symbol matches the public ones: the archive would offer nothing")
    names = work / "keep.txt"
    names.write_text("".join(name + "\n" for name in kept), encoding="utf-8")
    run([tools.objcopy, f"--keep-global-symbols={names}", str(whole), str(work / "local.o")])
    return kept


def _pack(
    run: Run,
    tools: Tools,
    work: Path,
    kept: tuple[str, ...],
    before: ObjectFacts,
    output: Path,
    debug_output: Path,
) -> LinkResult:
    member = re.sub(r"^lib", "", output.stem) + ".o"
    shipped, twin = work / "shipped" / member, work / "twin" / member
    for path in (shipped, twin):
        path.parent.mkdir()
    # Mapping symbols ($a, $t, $d) survive --strip-unneeded on ARM: a disassembler needs them.
    run([tools.objcopy, "--strip-debug", "--strip-unneeded", str(work / "local.o"), str(shipped)])
    run([tools.objcopy, "--compress-debug-sections=zlib", str(work / "local.o"), str(twin)])
    facts = read_object(shipped)
    _refuse_what_does_not_link(facts, before, kept)
    for member_path, final in ((twin, debug_output), (shipped, output)):
        archive = work / final.name
        run([tools.ar, "rcsD", str(archive), str(member_path)])
        _publish(archive, final)
    return LinkResult(
        kept=kept,
        localised=len(before.global_names(defined=True)) - len(kept),
        undefined=tuple(sorted(facts.global_names(defined=False))),
        archive_size=output.stat().st_size,
        debug_size=debug_output.stat().st_size,
    )


def _refuse_what_does_not_link(facts: ObjectFacts, before: ObjectFacts, kept: tuple[str, ...]) -> None:
    faults = []
    unique = sorted(s.name for s in facts.symbols if s.binding == _STB_GNU_UNIQUE)
    if unique:
        faults.append(f"GNU-unique symbols remain (compile with -fno-gnu-unique): {_some(unique)}")
    atomics = sorted(n for n in facts.global_names(defined=False) if n.startswith("__atomic_"))
    if atomics:
        faults.append(f"libatomic would be needed: {_some(atomics)}")
    common = sorted(s.name for s in facts.symbols if s.section == _SHN_COMMON)
    if common:
        faults.append(f"common symbols remain (compile with -fno-common): {_some(common)}")
    extra = sorted(facts.global_names(defined=True) - set(kept))
    if extra:
        faults.append(f"symbols stayed global that are not public: {_some(extra)}")
    lost = sorted(set(kept) - facts.global_names(defined=True))
    if lost:
        faults.append(f"public symbols got lost: {_some(lost)}")
    if facts.group_count:
        faults.append(f"{facts.group_count} comdat groups remain")
    if facts.init_array_size != before.init_array_size:
        faults.append(
            f"static constructors got lost: {facts.init_array_size} bytes of {before.init_array_size} remain"
        )
    if faults:
        raise LinkError("the linked object is not fit to ship: " + "; ".join(faults))


def _unique() -> list[str]:
    return [f"--unique={name}" for name in _UNIQUE_SECTIONS]


def _matching(names: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    expression = re.compile("|".join(f"(?:{p})" for p in patterns))
    return tuple(sorted(name for name in names if expression.fullmatch(name)))


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + rest


def _publish(source: Path, target: Path) -> None:
    """Move a finished file to its name: whole or not at all, also across file systems."""
    staged = target.with_name(f".{target.name}.part")
    shutil.move(str(source), str(staged))
    with staged.open("rb") as stream:
        os.fsync(stream.fileno())
    staged.replace(target)


def read_object(path: Path) -> ObjectFacts:
    """Read the symbol table and section kinds of an ELF32 little-endian object; raises LinkError."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x01\x01":
        raise LinkError(f"{path} is not a 32-bit little-endian ELF object")
    headers = read_headers(data)
    return ObjectFacts(
        symbols=read_symbols(data, headers),
        init_array_size=sum(h[5] for h in headers if h[1] == _SHT_INIT_ARRAY),
        group_count=sum(h[1] == _SHT_GROUP for h in headers),
    )


def read_headers(data: bytes) -> list[tuple[int, ...]]:
    """Section headers of an ELF32 little-endian file: name, type, flags, address, offset, size, link, ..."""
    (table,) = struct.unpack_from("<I", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 46)
    if not table:
        return []
    # With 65,280 sections or more the count lives in the first, otherwise empty, section header.
    count = count or struct.unpack_from("<10I", data, table)[5]
    return [struct.unpack_from("<10I", data, table + i * entry_size) for i in range(count)]


def read_symbols(data: bytes, headers: Sequence[tuple[int, ...]]) -> tuple[Symbol, ...]:
    """The symbols of .symtab; mapping symbols ($a, $t, $d) included."""
    wide = next((h for h in headers if h[1] == _SHT_SYMTAB_SHNDX), None)
    symbols = []
    for table in (h for h in headers if h[1] == _SHT_SYMTAB):
        strings = headers[table[6]][4]
        entries = struct.iter_unpack("<IIIBBH", data[table[4] : table[4] + table[5]])
        for index, (name, value, _, info, _, section) in enumerate(entries):
            if section == _SHN_XINDEX and wide is not None:
                (section,) = struct.unpack_from("<I", data, wide[4] + 4 * index)
            start = strings + name
            text = data[start : data.index(b"\0", start)].decode("utf-8", "replace")
            symbols.append(Symbol(text, info >> 4, section, value))
    return tuple(symbols)
