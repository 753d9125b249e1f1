"""The op set of a TensorFlow Lite library: what the port has, what is selected, the manifest that says so.

Standard library only and no import from the rest of tfport: the SDK recipe exports this file. Nothing is
listed by hand: names, versions and the delegate's share are read from TensorFlow Lite's own sources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ALL = "all"
CUSTOM_PREFIX = "custom:"

_REGISTER = re.compile(
    r"AddBuiltin\(\s*BuiltinOperator_(\w+)\s*,\s*(?:[\w:]*::)?Register_\w+\(\)\s*(?:,([^;]*))?\)\s*;"
)
_CUSTOM = re.compile(r'AddCustom\(\s*"([^"]+)"')
_DELEGATED = re.compile(r"selected_ops::Delegated\(kTfLiteBuiltin(\w+)\)")
_CODE = re.compile(r"^\s*kTfLiteBuiltin(\w+) = (\d+),", re.MULTILINE)
_NAME = re.compile(r"^\s*BuiltinOperator_(\w+) = (\d+),", re.MULTILINE)


class OpError(Exception):
    """An op was selected that the port has no kernel for."""


@dataclass(frozen=True)
class OpSet:
    """Ops by schema name.

    builtin: name -> (lowest, highest version). custom: names of custom ops that the library itself brings.
    delegated: builtin ops for which the XNNPACK delegate is compiled in. codes: name -> builtin code.
    """

    builtin: Mapping[str, tuple[int, int]]
    custom: frozenset[str]
    delegated: frozenset[str]
    codes: Mapping[str, int] = field(repr=False)

    def select(self, ops: str) -> OpSet:
        """The part named by ``ops``: "all", or builtin names and custom:NAME separated by commas.

        Raises OpError with every name that has no kernel here.
        """
        if ops == ALL:
            return self
        names = [name for name in ops.split(",") if name]
        custom = {name[len(CUSTOM_PREFIX) :] for name in names if name.startswith(CUSTOM_PREFIX)}
        builtin = {name for name in names if not name.startswith(CUSTOM_PREFIX)}
        missing = sorted((builtin - set(self.builtin)) | {CUSTOM_PREFIX + n for n in custom - self.custom})
        if missing:
            raise OpError("TensorFlow Lite has no kernel in this port for " + ", ".join(missing))
        return OpSet(
            builtin={name: self.builtin[name] for name in builtin},
            custom=frozenset(custom),
            delegated=self.delegated & builtin,
            codes=self.codes,
        )

    def manifest(self, *, version: str, target: str) -> str:
        """The JSON text that the archive carries; its first key marks it for readers of the raw file."""
        return json.dumps(
            {
                "tfport_manifest": 1,
                "version": version,
                "target": target,
                "ops": {name: list(self.builtin[name]) for name in sorted(self.builtin)},
                "custom": sorted(self.custom),
                "xnnpack": sorted(self.delegated),
            }
        )

    def cases(self, names: Iterable[str]) -> list[int]:
        """Builtin codes of ``names`` in ascending order, for a generated switch."""
        return sorted(self.codes[name] for name in names)


def canonical(builtin: Iterable[str], custom: Iterable[str] = ()) -> str:
    """The value of the SDK recipe's ``ops`` option for these ops: one spelling, so one package id."""
    return ",".join([*sorted(set(builtin)), *sorted({CUSTOM_PREFIX + name for name in custom})])


def read_op_set(*, register: str, delegate: str, builtin_ops: str, schema: str) -> OpSet:
    """The op set of TensorFlow Lite's sources, given the texts of four files.

    register: core/kernels/register.cc. delegate: delegates/xnnpack/xnnpack_delegate.cc. builtin_ops:
    builtin_ops.h (codes by enumerator). schema: schema/schema_generated.h (codes by schema name).
    """
    codes = {name: int(code) for name, code in _NAME.findall(schema) if name not in ("MIN", "MAX")}
    names = {code: name for name, code in codes.items()}
    enumerators = {name: int(code) for name, code in _CODE.findall(builtin_ops)}
    return OpSet(
        builtin={name: _versions(arguments) for name, arguments in _REGISTER.findall(register)},
        custom=frozenset(_CUSTOM.findall(register)),
        delegated=frozenset(
            names[enumerators[name]] for name in _DELEGATED.findall(delegate) if name != "Custom"
        ),
        codes=codes,
    )


def _versions(arguments: str) -> tuple[int, int]:
    numbers = [int(n) for n in re.findall(r"\b\d+\b", arguments)]
    if not numbers:
        return (1, 1)
    return (numbers[0], numbers[-1])
