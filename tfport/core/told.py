"""What TensorFlow raises about a model, told to a person."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tfport.errors import ConversionFailed, ModelBroken, TfportError

_SHOWN = 300  # characters of a message of TensorFlow
_HINTS: dict[type[TfportError], str] = {
    ModelBroken: "Fetch or save the model again and compare its sha256.",
    ConversionFailed: "If it has layers of your own, save it as a SavedModel where they are defined.",
}


@contextlib.contextmanager
def told(path: Path, fault: str, error: type[TfportError] = ModelBroken) -> Iterator[None]:
    """Turn any exception of TensorFlow's into ``error``: "The model <path> <fault>", and what it said.

    To be put around calls of TensorFlow only; it raises about thirty kinds.
    """
    try:
        yield
    except TfportError:
        raise
    except Exception as cause:
        text = " ".join(str(cause).split()) or type(cause).__name__
        why = text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
        raise error(f"The model {path} {fault}", why, _HINTS.get(error, "")) from cause
