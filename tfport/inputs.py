"""Inputs for a model: seeded random values, photographs, files of the user.

``tfport-run`` fills an input that it was not given with the same pattern, so a person on the device and this
module see the same bytes: element k of input i comes from the k-th output of splitmix64 with start value
``seed + i * 0xd1342543de82ef95``; runtime/runner/seeded.h says how each type is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

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


@dataclass(frozen=True)
class Slot:
    """An input to be fed, of a model of any runtime.

    ``accepted``: the shapes that fit, -1 for a dimension of any size; None: any shape. ``usual``: the shape
    of the pattern that it gets when there is no file; None where no pattern fits.
    """

    name: str
    dtype: str
    accepted: Optional[tuple[int, ...]]
    usual: Optional[tuple[int, ...]]


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


def fill(who: str, slots: Sequence[Slot], given: Mapping[str, Path], seed: int = DEFAULT_SEED) -> Names:
    """A value for every slot: from the user's files where given, else seeded random values.

    ``who`` names whose inputs they are in messages, ``given`` maps names of slots to .npy files. Raises
    ``ModelInputInvalid``.
    """
    known = {slot.name: slot for slot in slots}
    for name in given:
        if name not in known:
            raise ModelInputInvalid(
                f"{who} has no input {name!r}",
                f"Its inputs are: {', '.join(known)}." if known else "It has no inputs at all.",
            )
    return {
        slot.name: _load(given[slot.name], slot) if slot.name in given else pattern(slot, position, seed)
        for position, slot in enumerate(slots)
    }


def allot(nets: Sequence[Sequence[Slot]], files: Sequence[tuple[str, Path]]) -> list[dict[str, Path]]:
    """For each net, given by its inputs, those of the user's files that it has an input for.

    Raises ``ModelInputInvalid`` for a name that no net has.
    """
    known = dict.fromkeys(slot.name for slots in nets for slot in slots)
    for name, _ in files:
        if name not in known:
            raise ModelInputInvalid(
                f"There is no input {name!r}", f"The inputs are: {', '.join(known) or 'none'}."
            )
    return [{name: path for name, path in files if name in {slot.name for slot in slots}} for slots in nets]


def model_inputs(model: LiteModel, given: Mapping[str, Path], seed: int = DEFAULT_SEED) -> Names:
    """Every input of the main graph, by tensor name, as ``fill`` makes it."""
    return fill(f"The model {model.path.name}", [slot_of(tensor) for tensor in model.inputs], given, seed)


def seeded(tensor: Tensor, position: int, seed: int = DEFAULT_SEED) -> Array:
    """The pattern for the model's input number ``position``; raises ``ModelInputInvalid``."""
    return pattern(slot_of(tensor), position, seed)


def slot_of(tensor: Tensor) -> Slot:
    """An input of a TensorFlow Lite model: the stored shape, with 1 for a dimension that is left open."""
    usual = tuple(max(size, 1) for size in tensor.shape)
    return Slot(tensor.name, tensor.dtype, tensor.signature or tensor.shape, usual)


def pattern(slot: Slot, position: int, seed: int) -> Array:
    """The seeded values of input number ``position``; raises ``ModelInputInvalid``."""
    if slot.usual is None:
        raise ModelInputInvalid(
            f"The input {slot.name!r} may have any number of dimensions, so no pattern fits it",
            hint=f"Give it a file: --input {slot.name}=FILE.npy",
        )
    try:
        return seeded_input(seed, position, slot.usual, slot.dtype)
    except ValueError:
        raise ModelInputInvalid(
            f"The input {slot.name!r} has the type {slot.dtype}, which no file and no pattern can hold"
        ) from None


def photograph(path: Path, tensor: Tensor, scaling: str) -> Array:
    """A picture file as the input of a TensorFlow Lite model; one in integers is quantised with its scale."""
    values = picture(path, tensor.name, tensor.shape, scaling)
    return values.astype(tensor.dtype) if scaling == "rgb-bytes" else quantise(values, tensor)


def picture(path: Path, name: str, shape: Sequence[int], scaling: str) -> Array:
    """A picture file as float32, batch 1, height x width x 3 (or 1, grey), for the input ``name``.

    ``scaling``: "bgr-minus-mean" (float, blue first, ImageNet's mean taken off), "rgb-bytes" (0 to 255),
    "rgb-centred" (-1 to 1), "rgb-unit" (0 to 1). One in grey has the range, and no mean of colours.
    """
    from PIL import Image

    grey = tuple(shape[3:]) == (1,)
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or (grey and scaling == _OF_COLOURS):
        raise ModelInputInvalid(
            f"The input {name!r} of shape {list(shape)} takes no picture" + (f" as {scaling}" if grey else "")
        )
    _, height, width, channels = shape
    with Image.open(path) as image:
        plain = image.convert("L" if grey else "RGB")
        pixels = np.asarray(plain.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    values: Array = SCALINGS[scaling](pixels.reshape(height, width, channels))[np.newaxis]
    return values


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
        # ascontiguousarray would make a row of a single number.
        np.save(path, np.asarray(values, order="C"))
        files.append((name, path))
    return files


def _load(path: Path, slot: Slot) -> Array:
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelInputInvalid(f"The input file {path} cannot be read: {error}") from None
    if not isinstance(values, np.ndarray):
        raise ModelInputInvalid(f"The input file {path} holds several arrays; give an .npy file")
    found = "string" if values.dtype.kind == "S" else values.dtype.name
    if found != slot.dtype:
        kind = "bytes_" if slot.dtype == "string" else slot.dtype
        raise ModelInputInvalid(
            f"The input file {path} holds {found}, but {slot.name!r} takes {slot.dtype}",
            hint=f"np.save(path, values.astype(np.{kind}))",
        )
    wanted = slot.accepted
    if wanted is None:
        return values
    if len(wanted) != values.ndim or any(w not in (-1, got) for w, got in zip(wanted, values.shape)):
        raise ModelInputInvalid(
            f"The input file {path} has the shape {list(values.shape)}, "
            f"but {slot.name!r} takes {list(wanted)} (-1: any)"
        )
    return values


def _bgr_minus_mean(pixels: Array) -> Array:
    return pixels[..., ::-1] - np.asarray(IMAGENET_MEAN_BGR, dtype=np.float32)


_OF_COLOURS = "bgr-minus-mean"
SCALINGS: dict[str, Callable[[Array], Array]] = {
    _OF_COLOURS: _bgr_minus_mean,
    "rgb-bytes": lambda pixels: pixels,
    "rgb-centred": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
    "rgb-unit": lambda pixels: pixels / np.float32(255),
}
