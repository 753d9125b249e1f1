"""A TOML file held against a dataclass: every fault is found, and what is written back is what was read.

Fields are texts, numbers, truth values, lists of texts, tables and lists of tables. An ``Optional`` field
belongs to some files only; the caller says to which (``Rules.only``), and there it is required.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NewType, Optional, TypeVar, Union

# An int that is written in hexadecimal.
Address = NewType("Address", int)
# An int that may be 0; a plain int must be above it.
Count = NewType("Count", int)
T = TypeVar("T")


@dataclass(frozen=True)
class Rules:
    """What types do not say.

    choices: key -> the values it may have. only: key -> value of the key ``switch`` that it goes with.
    """

    choices: Mapping[str, tuple[Any, ...]]
    switch: str
    only: Mapping[str, str]


def parse(kind: type[T], data: Mapping[str, Any], rules: Rules, faults: list[str]) -> Optional[T]:
    """``data`` as a ``kind``, or None when ``faults`` grew. Keys are dotted paths in messages."""
    return _table(kind, data, "", _Context(rules, data.get(rules.switch), faults))


def dump(part: Any) -> str:
    """The TOML text that ``parse`` reads back, in the order of the fields."""
    lines: list[str] = []
    _dump(part, "", lines)
    return "\n".join(lines) + "\n"


def known_keys(kind: type[Any], prefix: str = "") -> list[str]:
    """Every key as a dotted path, in file order."""
    keys: list[str] = []
    for name, hint in _hints(kind).items():
        inner = hint if _is_table(hint) else _element(hint)
        keys += known_keys(inner, f"{prefix}{name}.") if inner else [prefix + name]
    return keys


@dataclass(frozen=True)
class _Context:
    rules: Rules
    chosen: Any
    faults: list[str]

    def belongs(self, path: str) -> bool:
        return path not in self.rules.only or self.rules.only[path] == self.chosen

    def knows_choice(self) -> bool:
        return self.chosen in self.rules.choices[self.rules.switch]


def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: _present(hints[field.name]) for field in fields(kind)}


def _present(hint: Any) -> Any:
    """Of ``Optional[T]`` the T."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Union else hint


def _is_table(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _element(hint: Any) -> Any:
    """The dataclass of a list of tables, or None."""
    inner = typing.get_args(hint)[:1] if typing.get_origin(hint) is tuple else ()
    return inner[0] if inner and _is_table(inner[0]) else None


def _table(kind: type[T], data: Mapping[str, Any], prefix: str, context: _Context) -> Optional[T]:
    hints = _hints(kind)
    faults = context.faults
    before = len(faults)
    for key in data:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            faults.append(
                f"{prefix}{key}: unknown key" + (f", did you mean {prefix}{near[0]}?" if near else "")
            )
    values: dict[str, Any] = {}
    for key, hint in hints.items():
        path = prefix + key
        if not context.belongs(path):
            # When the switch itself is wrong, that is the fault to tell.
            if key in data and context.knows_choice():
                rules = context.rules
                faults.append(f"{path}: goes with {rules.switch} = {rules.only[path]!r} only")
        elif key not in data:
            faults.append(f"{path}: missing")
        else:
            values[key] = _value(hint, data[key], path, context)
    return kind(**values) if len(faults) == before else None


def _value(hint: Any, value: Any, path: str, context: _Context) -> Any:
    if _is_table(hint):
        if isinstance(value, dict):
            return _table(hint, value, f"{path}.", context)
        context.faults.append(f"{path}: must be a table")
        return None
    element = _element(hint)
    if element is not None:
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return tuple(_table(element, item, f"{path}.", context) for item in value)
        context.faults.append(f"{path}: must be a list of tables")
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if hint is int:
        good, wanted = whole and value > 0, "a whole number above 0"
    elif hint is Count:
        good, wanted = whole and value >= 0, "a whole number, 0 or above"
    elif hint is Address:
        good, wanted = whole and 0 <= value < 1 << 32, "an address or size of 32 bits"
    elif hint is bool:
        good, wanted = isinstance(value, bool), "true or false"
    elif hint is str:
        good, wanted = isinstance(value, str) and value != "", "a text"
    else:
        good = isinstance(value, list) and value != [] and all(isinstance(item, str) for item in value)
        wanted = "a list of texts"
        value = tuple(value) if good else value
    if not good:
        context.faults.append(f"{path}: must be {wanted}, not {value!r}")
        return None
    choices = context.rules.choices.get(path)
    if choices is not None and value not in choices:
        allowed = " or ".join(repr(choice) for choice in choices)
        context.faults.append(f"{path}: must be {allowed}, not {value!r}")
        return None
    return value


def _dump(part: Any, path: str, lines: list[str]) -> None:
    tables = []
    for name, hint in _hints(type(part)).items():
        value = getattr(part, name)
        if value is None:
            continue
        if dataclasses.is_dataclass(value):
            tables.append((name, value))
        else:
            lines.append(f"{name} = {_literal(hint, value)}")
    for name, value in tables:
        lines += ["", f"[{path}{name}]"]
        _dump(value, f"{path}{name}.", lines)


def _literal(hint: Any, value: Any) -> str:
    if _element(hint) is not None:
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, tuple):
        return f"[{', '.join(_quoted(item) for item in value)}]"
    if hint is Address:
        return f"0x{value:08x}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _quoted(value)


def _inline(table: Any) -> str:
    pairs: Sequence[str] = [
        f"{name} = {_literal(hint, getattr(table, name))}" for name, hint in _hints(type(table)).items()
    ]
    return f"{{ {', '.join(pairs)} }}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
