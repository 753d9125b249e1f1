"""The input that stands in when the user gives none: the same bytes as ``tfport-run`` feeds itself.

Element k of input i comes from the k-th output of splitmix64 with start value
``seed + i * 0xd1342543de82ef95``; runtime/runner/seeded.h says how each type is made from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_MASK = (1 << 64) - 1
_STREAM_STEP = 0xD1342543DE82EF95
_STEP = 0x9E3779B97F4A7C15


def _stream(seed: int, index: int, count: int) -> npt.NDArray[np.uint64]:
    """Return the first ``count`` 64-bit outputs of the stream of input number ``index``."""
    start = np.uint64((seed + index * _STREAM_STEP) & _MASK)
    with np.errstate(over="ignore"):
        z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _floats(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return numbers in [-1, 1) by steps of 2**-23, from the top 24 bits."""
    return np.asarray((z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0, dtype=np.float64)


def seeded_input(seed: int, index: int, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Return the pattern for input number ``index`` of a model.

    ``seed`` is any number below 2**64. ``dtype`` is a NumPy type name or "string", which gives an array of
    ``bytes``. ``shape`` must be fully known: ``tfport-run`` takes 1 for a dimension that a model leaves open.
    Raises ValueError for a type that no model input has.
    """
    count = 1
    for dim in shape:
        count *= dim
    if dtype in ("complex64", "complex128"):
        pairs = _floats(_stream(seed, index, 2 * count)).reshape(count, 2)
        return (pairs[:, 0] + 1j * pairs[:, 1]).astype(dtype).reshape(shape)
    z = _stream(seed, index, count)
    if dtype == "string":
        values: npt.NDArray[Any] = np.array([b"%08x" % (int(v) >> 32) for v in z], dtype="S8")
    elif dtype == "float16":
        values = ((z >> np.uint64(54)).astype(np.float64) * 2.0**-9 - 1.0).astype(np.float16)
    elif dtype in ("float32", "float64"):
        values = _floats(z).astype(dtype)
    elif dtype in ("int8", "uint8"):
        values = (z >> np.uint64(56)).astype(np.uint8).view(dtype)
    elif dtype in ("int16", "uint16"):
        values = (z >> np.uint64(48)).astype(np.uint16).view(dtype)
    elif dtype in ("int32", "uint32", "int64", "uint64", "bool"):
        values = (z >> np.uint64(63)).astype(dtype)
    else:
        raise ValueError(f"no seeded input of type {dtype!r}")
    return values.reshape(shape)
