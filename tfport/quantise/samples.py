"""A folder of the user's pictures, or of arrays, as inputs of his model: to calibrate it and to compare with.

Pictures are whatever Pillow reads. An .npy file holds one sample or several for a model of one input, an .npz
file those of all inputs by name; both hold what the model takes, float32, and are not scaled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfport.errors import CalibrationInvalid, ModelInputInvalid
from tfport.inputs import Array, Names, Slot, picture
from tfport.sums import sha256_of

AUTO = "auto"  # bytes for a model that scales them by itself, else 0 to 1
Tell = Callable[[int, int, str], None]  # done, of, what
_ARRAYS = (".npy", ".npz")
_LISTED = 10


@dataclass(frozen=True)
class Samples:
    """The files of a folder in the order of their names; ``digest`` over names and bytes."""

    folder: Path
    files: tuple[Path, ...]
    digest: str


def read_samples(folder: Path) -> Samples:
    """All files below ``folder`` but hidden ones. Raises ``CalibrationInvalid`` with all that do not fit."""
    if not folder.is_dir():
        raise CalibrationInvalid(
            f"There is no folder {folder}" if not folder.exists() else f"{folder} is no folder",
            "",
            "Name a folder with pictures like those that the device will see.",
        )
    inside = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files = [
        inside[name] for name in sorted(inside) if not any(part.startswith(".") for part in name.split("/"))
    ]
    if not files:
        raise CalibrationInvalid(
            f"The folder {folder} is empty",
            "",
            "Put pictures into it like those that the device will see; a hundred are enough.",
        )
    foreign = [path for path in files if path.suffix.lower() not in _ARRAYS and not _is_picture(path)]
    if foreign:
        names = [str(path.relative_to(folder)) for path in foreign[:_LISTED]]
        more = len(foreign) - len(names)
        raise CalibrationInvalid(
            f"The folder {folder} holds {len(foreign)} file(s) that are no pictures",
            "\n".join([*names, *([f"and {more} more"] if more else [])]),
            "Move them away: pictures of 8 bits a channel, .npy, .npz and hidden files may be in it.",
        )
    return samples_of(folder, files)


def samples_of(folder: Path, files: Sequence[Path]) -> Samples:
    """These files of a folder, whatever they hold."""
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        total.update(f"{name}\0{sha256_of(path)}\0".encode())
    return Samples(folder, tuple(files), total.hexdigest())


def samples(files: Sequence[Path], slots: Sequence[Slot], scaling: str) -> Iterator[tuple[Path, Names]]:
    """One file after the other as float32 inputs of batch 1, by the names of ``slots``.

    Raises ``CalibrationInvalid`` for a file that is damaged or does not fit.
    """
    for path in files:
        if path.suffix.lower() in _ARRAYS:
            for values in _arrays(path, slots):
                yield path, values
        else:
            yield path, {slots[0].name: _picture(path, slots, scaling)}


def has_pictures(files: Sequence[Path]) -> bool:
    """Whether the scaling of pictures matters to any of these files."""
    return any(path.suffix.lower() not in _ARRAYS for path in files)


def _is_picture(path: Path) -> bool:
    """A picture of 8 bits a channel; Pillow clips others."""
    # With host TensorFlow's requirements; without them nothing is quantised.
    from PIL import Image

    try:
        with Image.open(path) as image:
            return not image.mode.startswith(("I", "F"))
    except Exception:  # whatever its readers raise over a file that is not theirs
        return False


def _picture(path: Path, slots: Sequence[Slot], scaling: str) -> Array:
    if len(slots) != 1:
        raise CalibrationInvalid(
            f"{path} is a picture, and the model has {len(slots)} inputs: {_names(slots)}",
            "",
            "Give .npz files, np.savez(path, name=values, ...) with the values of every input.",
        )
    shape = slots[0].accepted or ()
    try:
        return picture(path, slots[0].name, shape, scaling).astype(np.float32)
    except ModelInputInvalid as error:
        raise CalibrationInvalid(
            error.what,
            "A picture is height x width x 3, or x 1 for grey ones, in a batch of one.",
            f"Give .npy files, np.save(path, values) with float32{list(shape)}.",
        ) from None
    except Exception as error:
        raise CalibrationInvalid(
            f"The picture {path} cannot be read", str(error), "Replace it or take it out of the folder."
        ) from None


def _arrays(path: Path, slots: Sequence[Slot]) -> Iterator[Names]:
    try:
        with path.open("rb") as file:
            loaded: Any = np.load(file, allow_pickle=False)
            held = {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else loaded
    except Exception as error:
        raise CalibrationInvalid(f"The file {path} cannot be read: {error}") from None
    if not isinstance(held, dict):
        if len(slots) != 1:
            raise CalibrationInvalid(
                f"{path} holds one array, and the model has {len(slots)} inputs: {_names(slots)}",
                "",
                "Give .npz files, np.savez(path, name=values, ...) with the values of every input.",
            )
        held = {slots[0].name: held}
    if set(held) != {slot.name for slot in slots}:
        raise CalibrationInvalid(f"{path} holds {', '.join(held)}; the inputs are {_names(slots)}")
    fed = {slot.name: _batches(path, held[slot.name], slot) for slot in slots}
    counts = {len(values) for values in fed.values()}
    if len(counts) != 1:
        raise CalibrationInvalid(f"{path} holds different numbers of samples for the inputs {_names(slots)}")
    for position in range(counts.pop()):
        yield {name: np.ascontiguousarray(values[position]) for name, values in fed.items()}


def _batches(path: Path, values: Array, slot: Slot) -> Array:
    """The samples of one input along a new first dimension."""
    shape = slot.accepted or ()
    if values.dtype != np.float32:
        raise CalibrationInvalid(
            f"{path} holds {values.dtype.name}, but {slot.name!r} takes float32",
            "",
            "np.save(path, values.astype(np.float32)), scaled as the model takes it.",
        )
    if not np.isfinite(values).all():
        raise CalibrationInvalid(f"{path} holds infinities or NaN")
    if values.shape == shape:
        return values[np.newaxis]
    if values.shape == shape[1:]:
        return values[np.newaxis, np.newaxis]
    if values.ndim == len(shape) and values.shape[1:] == shape[1:] and len(values):
        return values[:, np.newaxis]
    raise CalibrationInvalid(
        f"{path} has the shape {list(values.shape)}, but {slot.name!r} takes {list(shape)}",
        "The first dimension may be any number of samples, or be left out for one.",
    )


def _names(slots: Sequence[Slot]) -> str:
    return ", ".join(slot.name for slot in slots)
