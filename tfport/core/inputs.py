"""Inputs for a signature of a core model: seeded values, or files of the user.

The pattern is that of ``tfport.inputs``: ``tfport-run`` fills an input that it was not given with the same
bytes. Input number i is the i-th of the signature, which are sorted by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfport.core.model import CoreModel, Port, Signature
from tfport.errors import ModelInputInvalid
from tfport.inputs import DEFAULT_SEED, Array, Names, seeded_input


def core_inputs(
    model: CoreModel, signature: Signature, given: Mapping[str, Path], seed: int = DEFAULT_SEED
) -> Names:
    """Every input of a signature by name: from the user's .npy files where given, else seeded values.

    Raises ``ModelInputInvalid``.
    """
    known = {port.name: port for port in signature.inputs}
    for name in given:
        if name not in known:
            raise ModelInputInvalid(
                f"The signature {signature.key} of {model.path.name} has no input {name!r}",
                f"Its inputs are: {', '.join(known)}." if known else "It has no inputs at all.",
            )
    return {
        port.name: _load(given[port.name], port) if port.name in given else seeded(port, position, seed)
        for position, port in enumerate(signature.inputs)
    }


def seeded(port: Port, position: int, seed: int = DEFAULT_SEED) -> Array:
    """The pattern for a signature's input number ``position``; an open dimension becomes 1.

    Raises ``ModelInputInvalid`` for an input of any rank, or of a type that no file can hold.
    """
    if port.shape is None:
        raise ModelInputInvalid(
            f"The input {port.name!r} may have any number of dimensions, so no pattern fits it",
            hint=f"Give it a file: --input {port.name}=FILE.npy",
        )
    try:
        return seeded_input(seed, position, tuple(1 if size < 0 else size for size in port.shape), port.dtype)
    except ValueError:
        raise ModelInputInvalid(
            f"The input {port.name!r} has the type {port.dtype}, which no file and no pattern can hold"
        ) from None


def _load(path: Path, port: Port) -> Array:
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelInputInvalid(f"The input file {path} cannot be read: {error}") from None
    if not isinstance(values, np.ndarray):
        raise ModelInputInvalid(f"The input file {path} holds several arrays; give an .npy file")
    found = "string" if values.dtype.kind == "S" else values.dtype.name
    if found != port.dtype:
        kind = "bytes_" if port.dtype == "string" else port.dtype
        raise ModelInputInvalid(
            f"The input file {path} holds {found}, but {port.name!r} takes {port.dtype}",
            hint=f"np.save(path, values.astype(np.{kind}))",
        )
    wanted = port.shape
    if wanted is not None and (
        len(wanted) != values.ndim or any(size not in (-1, got) for size, got in zip(wanted, values.shape))
    ):
        raise ModelInputInvalid(
            f"The input file {path} has the shape {list(values.shape)}, "
            f"but {port.name!r} takes {list(wanted)} (-1: any)"
        )
    return values
