"""Host TensorFlow runs the model as the user gave it: what the target is held against.

The graph is neither frozen nor folded, so the comparison covers what ``prepare`` does to it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfport.core.keras import load_keras, traced
from tfport.core.load import opened
from tfport.core.model import DEFAULT_SIGNATURE, Signature, find_signature
from tfport.core.recognise import KERAS
from tfport.core.told import told
from tfport.errors import ConversionFailed
from tfport.inputs import Array
from tfport.reference import import_tensorflow


def run_reference(
    path: Path, kind: str, signature: str, inputs: Mapping[str, Array], result: Path
) -> dict[str, Any]:
    """Run a signature and write ``result`` (.npz): ``out<k>`` for its output number k, sorted by name.

    ``inputs`` are by name; strings are arrays of bytes, and come out as such. Raises ``SignatureUnknown``,
    ``ConversionFailed`` with what TensorFlow says, or what opening a model raises.
    """
    run = _run_keras if kind == KERAS else _run_session
    outputs = run(path, kind, signature, inputs)
    part = result.with_name(f".{result.stem}.part.npz")
    part.parent.mkdir(parents=True, exist_ok=True)
    np.savez(part, **{f"out{k}": _plain(np.asarray(values)) for k, values in enumerate(outputs)})
    part.replace(result)
    return {"tensors": len(outputs)}


def _run_session(path: Path, kind: str, key: str, inputs: Mapping[str, Array]) -> list[Any]:
    with opened(path, kind) as model:
        signature = find_signature(path, model.signatures, key)
        with told(path, "cannot be run by host TensorFlow", ConversionFailed):
            fed = {port.tensor: _strings(inputs[port.name]) for port in signature.inputs}
            found: list[Any] = model.session.run([port.tensor for port in signature.outputs], fed)
            return found


def _run_keras(path: Path, kind: str, key: str, inputs: Mapping[str, Array]) -> list[Any]:
    find_signature(path, [Signature(DEFAULT_SIGNATURE, (), ())], key)
    tf = import_tensorflow()
    call = traced(load_keras(path), path)
    with told(path, "cannot be run by host TensorFlow", ConversionFailed):
        # By the names that Keras gives the arguments, which may stand in lists and dictionaries.
        wanted = call.structured_input_signature
        values = [tf.constant(_strings(inputs[spec.name])) for spec in tf.nest.flatten(wanted)]
        args, kwargs = tf.nest.pack_sequence_as(wanted, values)
        outputs = call(*args, **kwargs)
        return [outputs[name].numpy() for name in sorted(outputs)]


def _strings(values: Array) -> Array:
    return values.astype(object) if values.dtype.kind == "S" else values


def _plain(values: Array) -> Array:
    # Strings arrive as objects, which an .npz could only hold as pickles.
    return values.astype(bytes) if values.dtype == object else values
