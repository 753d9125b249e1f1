"""Host TensorFlow, the yardstick: the only module that imports tensorflow.

Its reference kernels are plain loops without SIMD, the same arithmetic on every machine, so they are what
the target is held against. TensorFlow takes seconds to import and writes to the terminal; ``tfport.host``
therefore runs everything here in a process of its own.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np

from tfport.errors import ReferenceMissing
from tfport.inputs import Array

TENSORFLOW_VERSION = "2.14.1"
_DISTRIBUTIONS = ("tensorflow-cpu", "tensorflow", "tensorflow-intel", "tensorflow-macos")


def installed_version() -> str:
    """The version of the TensorFlow in this Python, without importing it; "" if there is none."""
    for name in _DISTRIBUTIONS:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def require() -> str:
    """The installed version; raises ``ReferenceMissing`` unless it is the release that is ported."""
    version = installed_version()
    if version == TENSORFLOW_VERSION:
        return version
    raise ReferenceMissing(
        f"Host TensorFlow {TENSORFLOW_VERSION} is not installed" + (f" ({version} is)" if version else ""),
        "It converts the demo models and computes what the target is compared with.",
        "Run build.py with Python 3.9 to 3.11 and it installs it, or build with --no-reference.",
    )


def import_tensorflow() -> Any:
    """The tensorflow module, with its start-up messages kept quiet and its threads few."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    # Without oneDNN sums are made in one order, so a conversion gives the same bytes on every machine.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import tensorflow

    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def import_schema() -> Any:
    """TensorFlow's own classes for reading and writing .tflite files."""
    import_tensorflow()
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def run_reference(
    model: Path,
    inputs: Mapping[str, Array],
    result: Path,
    expose: Optional[Callable[[bytes], bytes]] = None,
) -> dict[str, Any]:
    """Run a .tflite by the reference kernels and write ``result`` (.npz).

    ``inputs`` are the main graph's inputs by tensor name. The file holds ``out<k>`` for output number k and,
    with ``expose`` (of ``tfport.split``), ``t<index>`` for every input and every result of a node that holds
    numbers.
    """
    tf = import_tensorflow()
    data = model.read_bytes()
    interpreter = tf.lite.Interpreter(
        model_content=data if expose is None else expose(data),
        num_threads=1,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    details = {entry["name"]: entry for entry in interpreter.get_input_details()}
    for name, values in inputs.items():
        if tuple(details[name]["shape"]) != values.shape:
            interpreter.resize_tensor_input(details[name]["index"], values.shape)
    interpreter.allocate_tensors()
    for name, values in inputs.items():
        interpreter.set_tensor(details[name]["index"], values)
    interpreter.invoke()
    kept = {}
    for position, entry in enumerate(interpreter.get_output_details()):
        values = interpreter.get_tensor(entry["index"])
        kept[f"out{position}"] = _plain(values)
        if expose is not None and values.dtype != object:
            kept[f"t{entry['index']}"] = values
    if expose is not None:
        kept.update({f"t{details[name]['index']}": values for name, values in inputs.items()})
    part = result.with_name(f".{result.stem}.part.npz")
    part.parent.mkdir(parents=True, exist_ok=True)
    np.savez(part, **kept)
    part.replace(result)
    return {"tensors": len(kept)}


def _plain(values: Array) -> Array:
    # Strings arrive as objects, which an .npz could only hold as pickles.
    return values.astype(bytes) if values.dtype == object else values
