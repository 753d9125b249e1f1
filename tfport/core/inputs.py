"""Inputs for a signature of a core model: seeded values, or files of the user.

The pattern is that of ``tfport.inputs``: ``tfport-run`` fills an input that it was not given with the same
bytes. Input number i is the i-th of the signature, which are sorted by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfport.core.model import CoreModel, Port, Signature
from tfport.inputs import DEFAULT_SEED, Array, Names, Slot, fill, pattern


def core_inputs(
    model: CoreModel, signature: Signature, given: Mapping[str, Path], seed: int = DEFAULT_SEED
) -> Names:
    """Every input of a signature by name: from the user's .npy files where given, else seeded values.

    Raises ``ModelInputInvalid``.
    """
    who = f"The signature {signature.key} of {model.path.name}"
    return fill(who, [slot_of(port) for port in signature.inputs], given, seed)


def seeded(port: Port, position: int, seed: int = DEFAULT_SEED) -> Array:
    """The pattern for a signature's input number ``position``; an open dimension becomes 1.

    Raises ``ModelInputInvalid`` for an input of any rank, or of a type that no file can hold.
    """
    return pattern(slot_of(port), position, seed)


def slot_of(port: Port) -> Slot:
    """An input of a signature as something to be fed."""
    usual = None if port.shape is None else tuple(1 if size < 0 else size for size in port.shape)
    return Slot(port.name, port.dtype, port.shape, usual)
