"""Models of control flow, variables and custom ops for the programs of a consumer; made by host TensorFlow.

Run as a program: ``python graph_models.py DIR`` writes ``cumprod.tflite`` and ``control.tflite`` into DIR.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def _cumprod(tf: Any) -> bytes:
    @tf.function(input_signature=[tf.TensorSpec([5], tf.float32)])  # type: ignore[misc]
    def cumprod(x: Any) -> Any:
        return tf.math.cumprod(x)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([cumprod.get_concrete_function()])
    converter.allow_custom_ops = True
    return bytes(converter.convert())


def _control(tf: Any, folder: Path) -> bytes:
    scalar = [tf.TensorSpec([], tf.float32, "x")]

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.calls = tf.Variable(0.0)

        @tf.function(input_signature=scalar)  # type: ignore[misc]
        def branch(self, x: Any) -> Any:
            """3x above 0, else 100 - x."""
            return {"y": tf.cond(x > 0.0, lambda: x * 3.0, lambda: 100.0 - x)}

        @tf.function(input_signature=scalar)  # type: ignore[misc]
        def count(self, x: Any) -> Any:
            """How often it was called, plus the first power of 2 that is not below x."""
            self.calls.assign_add(1.0)
            (power,) = tf.while_loop(lambda p: p < x, lambda p: (p * 2.0,), [tf.constant(1.0)])
            return {"y": self.calls.read_value() + power}

    module = Module()
    path = str(folder / "control")
    tf.saved_model.save(module, path, signatures={"branch": module.branch, "count": module.count})
    converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=["branch", "count"])
    converter.experimental_enable_resource_variables = True
    return bytes(converter.convert())


def main(folder: Path) -> None:
    """Write the models into ``folder``, which must exist."""
    import tensorflow as tf

    (folder / "cumprod.tflite").write_bytes(_cumprod(tf))
    (folder / "control.tflite").write_bytes(_control(tf, folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
