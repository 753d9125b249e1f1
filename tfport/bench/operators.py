"""Who a program's instructions worked for: blocks summed up by function, functions by operator.

Exact for what has a symbol of its own, and microkernels do. Requantisation is mostly the tail of a
convolution's microkernel: of quantised code, the instructions that do nothing else (class "requantise") are
taken out of the convolutions, so it is a lower bound, without the loads and moves around them.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tfport.bench.data import load
from tfport.bench.profile import Counts, Profile, named

REST = "rest"
REQUANTISATION = "requantisation"
_REQUANTISE = "requantise"
_CONVOLUTIONS = ("convolution", "depthwise convolution")


@dataclass(frozen=True)
class Symbols:
    """Functions of a program, by rising address."""

    addresses: Sequence[int]
    names: Sequence[str]

    def at(self, address: int) -> str:
        """The function that holds an address, or ""."""
        position = bisect.bisect_right(self.addresses, address) - 1
        return self.names[position] if position >= 0 else ""


def read_symbols(program: Path) -> Symbols:
    """The functions of an ELF file; empty for a stripped one."""
    found: dict[int, str] = {}
    with program.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        if isinstance(table, SymbolTableSection):
            for symbol in table.iter_symbols():
                if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_value"]:
                    address = symbol["st_value"] & ~1  # the lowest bit tells Thumb code
                    # Of several names, the longest tells most.
                    found[address] = max(found.get(address, ""), symbol.name, key=len)
    ordered = sorted(found)
    return Symbols(ordered, [found[address] for address in ordered])


@lru_cache(maxsize=1)
def _rules() -> list[tuple[str, re.Pattern[str], str]]:
    rules = load("operators.toml")["rule"]
    return [(rule["operator"], re.compile(rule["functions"]), rule.get("beside", "")) for rule in rules]


def operator_of(function: str, beside: Sequence[str] = ()) -> str:
    """The operator that a function works for; ``beside``: those words of rules that its program has."""
    for operator, pattern, word in _rules():
        if (not word or word in beside) and pattern.search(function):
            return operator
    return REST


def _beside(symbols: Symbols) -> list[str]:
    """Words of rules that a function of the program has in its name."""
    words = {word for _, _, word in _rules() if word}
    return [word for word in words if any(word in name for name in symbols.names)]


def group_of(operator: str) -> str:
    """The article's group of an operator, or "rest"."""
    groups: Mapping[str, Sequence[str]] = load("operators.toml")["group"]
    return next((group for group, members in groups.items() if operator in members), REST)


def split(profile: Profile, symbols: Symbols, quantised: bool) -> dict[str, Counts]:
    """Operator -> instructions by class, the largest first."""
    by_function: dict[str, list[float]] = {}
    for address, executed in profile.blocks.items():
        name = symbols.at(address)
        sums = by_function.setdefault(name, [0.0] * len(profile.classes))
        by_function[name] = [s + n for s, n in zip(sums, executed)]
    sums_of: dict[str, list[float]] = {}

    def add(operator: str, numbers: Sequence[float]) -> None:
        before = sums_of.get(operator, [0.0] * len(profile.classes))
        sums_of[operator] = [b + n for b, n in zip(before, numbers)]

    beside = _beside(symbols)
    place = profile.classes.index(_REQUANTISE) if quantised else -1
    for name, numbers in by_function.items():
        operator = operator_of(name, beside)
        if place >= 0 and operator in _CONVOLUTIONS:
            taken = [n if k == place else 0.0 for k, n in enumerate(numbers)]
            add(REQUANTISATION, taken)
            numbers = [n - t for n, t in zip(numbers, taken)]
        add(operator, numbers)
    counts = {operator: named(profile.classes, numbers) for operator, numbers in sums_of.items()}
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]["total"]))
