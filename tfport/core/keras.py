"""Keras models of a file, without running code that the file brings along."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfport.core.model import DEFAULT_SIGNATURE
from tfport.core.told import told
from tfport.errors import ConversionFailed
from tfport.reference import import_tensorflow

_SUFFIX = ".keras"  # Keras reads its own format under this name only


def load_keras(path: Path) -> Any:
    """The Keras model of a .keras or .h5 file. Raises ``ModelBroken`` or ``ConversionFailed``."""
    tf = import_tensorflow()
    tf.keras.backend.clear_session()  # Keras numbers names; they end up in the prepared model
    with tempfile.TemporaryDirectory(prefix="tfport-") as folder:
        if path.read_bytes()[:2] == b"PK":
            named = Path(folder, f"model{_SUFFIX}")
            named.symlink_to(path.resolve())
        else:
            named = path
            _refuse_code(path)
        try:
            with told(path, "cannot be loaded by Keras", ConversionFailed):
                return tf.keras.models.load_model(named, compile=False)
        except ConversionFailed as error:
            # Keras seldom says which class it has looked for in vain.
            own = _own_classes(path)
            if not own:
                raise
            why = f"It has classes that Keras does not know: {', '.join(own)}."
            raise ConversionFailed(error.what, why, error.hint) from error


def _own_classes(path: Path) -> list[str]:
    """Names of the classes in a .keras file that are not of Keras."""
    found = set()
    for value in _dicts(_config(path)):
        module, name = value.get("module", "keras"), value.get("class_name")
        if isinstance(name, str) and not str(module).startswith(("keras", "builtins")):
            found.add(name)
    return sorted(found)


def traced(model: Any, path: Path) -> Any:
    """The model as one concrete function; its result maps the names of outputs to tensors."""
    from keras.src.saving.legacy import saving_utils

    with told(path, "cannot be traced by Keras", ConversionFailed):
        return saving_utils.trace_model_call(model)


def export_keras(model: Any, path: Path, folder: Path) -> None:
    """Write a Keras model as a SavedModel, with the names of its own inputs and outputs."""
    call = traced(model, path)
    with told(path, "cannot be saved by Keras", ConversionFailed):
        # One function is enough: traces of every layer, as Keras saves them, take a minute for an LSTM.
        model.save(folder, save_format="tf", save_traces=False, signatures={DEFAULT_SIGNATURE: call})


def _refuse_code(path: Path) -> None:
    """An HDF5 file may hold Python bytecode, which Keras would run. A .keras file's is refused by Keras."""
    for value in _dicts(_config(path)):
        if value.get("function_type") == "lambda" or value.get("class_name") == "__lambda__":
            raise ConversionFailed(
                f"The Keras model {path} has a Lambda layer, whose Python code is in the file",
                "A model file must not run code on this machine.",
                "Save it as a SavedModel: the layer then becomes part of the graph.",
            )


def _config(path: Path) -> Any:
    """The layers of a .keras or .h5 file as JSON."""
    import h5py

    with told(path, "is broken"):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        with h5py.File(path, "r") as file:
            return json.loads(file.attrs["model_config"])


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in JSON."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
