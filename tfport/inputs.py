"""Inputs for a model: seeded random values, photographs, files of the user.

``tfport-run`` fills an input that it was not given with the same pattern, so a person on the device and this
module see the same bytes: element k of input i comes from the k-th output of splitmix64 with start value
``seed + i * 0xd1342543de82ef95``; runtime/runner/seeded.h says how each type is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfport.errors import ModelInputInvalid
from tfport.model import LiteModel, Tensor

Array = NDArray[Any]
Names = dict[str, Array]
DEFAULT_SEED = 0
# What SqueezeNet v1.1 was trained with: the mean of ImageNet in blue, green, red.
IMAGENET_MEAN_BGR = (104.006, 116.669, 122.679)
_GAMMA = 0x9E3779B97F4A7C15
_STREAM = 0xD1342543DE82EF95
_MASK = (1 << 64) - 1


def splitmix64(seed: int, index: int, count: int) -> NDArray[np.uint64]:
    """Return the first ``count`` 64-bit outputs of the stream of input number ``index``."""
    start = np.uint64((seed + index * _STREAM) & _MASK)
    with np.errstate(over="ignore"):
        z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _floats(z: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return numbers in [-1, 1) by steps of 2**-23, from the top 24 bits."""
    return np.asarray((z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0, dtype=np.float64)


def seeded_input(seed: int, index: int, shape: tuple[int, ...], dtype: str) -> Array:
    """Return the pattern for input number ``index`` of a model.

    ``seed`` is any number below 2**64. ``dtype`` is a NumPy type name or "string", which gives an array of
    ``bytes``. ``shape`` must be fully known: ``tfport-run`` takes 1 for a dimension that a model leaves open.
    Raises ValueError for a type that no model input has.
    """
    count = 1
    for dim in shape:
        count *= dim
    if dtype in ("complex64", "complex128"):
        pairs = _floats(splitmix64(seed, index, 2 * count)).reshape(count, 2)
        return (pairs[:, 0] + 1j * pairs[:, 1]).astype(dtype).reshape(shape)
    z = splitmix64(seed, index, count)
    if dtype == "string":
        values: Array = np.array([b"%08x" % (int(v) >> 32) for v in z], dtype="S8")
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


def seeded(tensor: Tensor, position: int, seed: int = DEFAULT_SEED) -> Array:
    """The pattern for the model's input number ``position``; raises ``ModelInputInvalid``."""
    try:
        return seeded_input(seed, position, input_shape(tensor), tensor.dtype)
    except ValueError:
        raise ModelInputInvalid(
            f"The input {tensor.name!r} has the type {tensor.dtype}, which no file and no pattern can hold"
        ) from None


def input_shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape to feed: the stored one, with 1 for a dimension that is left open."""
    return tuple(max(size, 1) for size in tensor.shape)


def model_inputs(model: LiteModel, given: Mapping[str, Path], seed: int = DEFAULT_SEED) -> Names:
    """Every input of the main graph: from the user's files where given, else seeded random values.

    ``given`` maps tensor names to .npy files. Raises ``ModelInputInvalid``.
    """
    known = {tensor.name: tensor for tensor in model.inputs}
    for name in given:
        if name not in known:
            raise ModelInputInvalid(
                f"The model {model.path.name} has no input {name!r}",
                f"Its inputs are: {', '.join(known)}.",
            )
    return {
        tensor.name: _load(given[tensor.name], tensor)
        if tensor.name in given
        else seeded(tensor, position, seed)
        for position, tensor in enumerate(model.inputs)
    }


def photograph(path: Path, tensor: Tensor, scaling: str) -> Array:
    """A picture file as the input of a model, batch 1, height x width x 3.

    ``scaling``: "bgr-minus-mean" (float, blue first, ImageNet's mean taken off), "rgb-bytes" (0 to 255),
    "rgb-centred" (-1 to 1), "rgb-unit" (0 to 1). An input in integers is quantised with its own scale.
    """
    from PIL import Image

    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or tensor.shape[3] != 3:
        raise ModelInputInvalid(f"The input {tensor.name!r} of shape {list(tensor.shape)} takes no picture")
    _, height, width, _ = tensor.shape
    with Image.open(path) as image:
        pixels = np.asarray(
            image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32
        )
    values: Array = _SCALINGS[scaling](pixels)[np.newaxis]
    return values.astype(tensor.dtype) if scaling == "rgb-bytes" else quantise(values, tensor)


def quantise(values: Array, tensor: Tensor) -> Array:
    """Floats in the tensor's own type, rounded to nearest even where it has a scale."""
    if not tensor.scales:
        return values.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(values / np.float32(tensor.scales[0])) + tensor.zero_points[0]
    clipped: Array = np.clip(steps, limits.min, limits.max)
    return clipped.astype(tensor.dtype)


def save_inputs(inputs: Mapping[str, Array], folder: Path) -> list[tuple[str, Path]]:
    """Write each input as ``in<position>.npy``; returns (tensor name, file) in order."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for position, (name, values) in enumerate(inputs.items()):
        path = folder / f"in{position}.npy"
        np.save(path, np.ascontiguousarray(values))
        files.append((name, path))
    return files


def _load(path: Path, tensor: Tensor) -> Array:
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelInputInvalid(f"The input file {path} cannot be read: {error}") from None
    if values.dtype.name != tensor.dtype:
        raise ModelInputInvalid(
            f"The input file {path} holds {values.dtype.name}, but {tensor.name!r} takes {tensor.dtype}",
            hint=f"np.save(path, values.astype(np.{tensor.dtype}))",
        )
    wanted = tensor.signature or tensor.shape
    if len(wanted) != values.ndim or any(w not in (-1, got) for w, got in zip(wanted, values.shape)):
        raise ModelInputInvalid(
            f"The input file {path} has the shape {list(values.shape)}, "
            f"but {tensor.name!r} takes {list(wanted)} (-1: any)"
        )
    return values


def _bgr_minus_mean(pixels: Array) -> Array:
    return pixels[..., ::-1] - np.asarray(IMAGENET_MEAN_BGR, dtype=np.float32)


_SCALINGS: dict[str, Callable[[Array], Array]] = {
    "bgr-minus-mean": _bgr_minus_mean,
    "rgb-bytes": lambda pixels: pixels,
    "rgb-centred": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
    "rgb-unit": lambda pixels: pixels / np.float32(255),
}
