"""Inputs for a model: seeded random values, photographs, files of the user.

``tfport-run`` fills an input that it was not given with the same seeded values, so a person on the device
and this module see the same bytes.
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
DEFAULT_SEED = 1
# What SqueezeNet v1.1 was trained with: the mean of ImageNet in blue, green, red.
IMAGENET_MEAN_BGR = (104.006, 116.669, 122.679)
_GAMMA = 0x9E3779B97F4A7C15
_STREAM = 0xD1342543DE82EF95
_MASK = (1 << 64) - 1


def splitmix64(seed: int, stream: int, count: int) -> NDArray[np.uint64]:
    """``count`` draws for input number ``stream``; its state starts at seed xor stream * _STREAM."""
    start = np.uint64((seed ^ (stream * _STREAM & _MASK)) & _MASK)
    with np.errstate(over="ignore"):
        z: NDArray[np.uint64] = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def seeded(tensor: Tensor, position: int, seed: int = DEFAULT_SEED) -> Array:
    """Random values for the model's input number ``position``.

    Floats lie in [-1, 1) on a grid of 2^-23 (exact in float32); 8- and 16-bit integers take all values;
    wider ones 0 to 7, as they are often indices; strings are "s" and a number. Raises ``ModelInputInvalid``
    for types that no file can hold.
    """
    shape = input_shape(tensor)
    count = int(np.prod(shape, dtype=np.int64))
    draws = splitmix64(seed, position, count * 2 if tensor.dtype.startswith("complex") else count)
    kind = tensor.dtype
    if kind in ("float16", "float32", "float64"):
        return _unit(draws).astype(kind).reshape(shape)
    if kind.startswith("complex"):
        return (_unit(draws[0::2]) + 1j * _unit(draws[1::2])).astype(kind).reshape(shape)
    if kind in ("int8", "uint8"):
        return (draws >> np.uint64(56)).astype(np.uint8).view(kind).reshape(shape)
    if kind in ("int16", "uint16"):
        return (draws >> np.uint64(48)).astype(np.uint16).view(kind).reshape(shape)
    if kind in ("int32", "int64", "uint32", "uint64"):
        return (draws >> np.uint64(61)).astype(kind).reshape(shape)
    if kind == "bool":
        return (draws >> np.uint64(63)).astype(bool).reshape(shape)
    if kind == "string":
        words = [f"s{draw}".encode() for draw in (draws >> np.uint64(48)).tolist()]
        return np.array(words, dtype=object).reshape(shape)
    raise ModelInputInvalid(f"The input {tensor.name!r} has the type {kind}, for which there are no values")


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


def _unit(draws: NDArray[np.uint64]) -> NDArray[np.float64]:
    return ((draws >> np.uint64(40)).astype(np.float64) - 2.0**23) / 2.0**23


def _bgr_minus_mean(pixels: Array) -> Array:
    return pixels[..., ::-1] - np.asarray(IMAGENET_MEAN_BGR, dtype=np.float32)


_SCALINGS: dict[str, Callable[[Array], Array]] = {
    "bgr-minus-mean": _bgr_minus_mean,
    "rgb-bytes": lambda pixels: pixels,
    "rgb-centred": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
    "rgb-unit": lambda pixels: pixels / np.float32(255),
}
