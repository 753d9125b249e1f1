"""Small models that between them use what tfport-run must handle; made by host TensorFlow.

Run as a program: ``python tiny_models.py DIR`` writes one .tflite per entry of MODELS into DIR.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

MODELS = ("conv", "conv_int8", "fire_int8", "hybrid", "lstm", "signatures", "strings", "custom", "types")


def _keras_models(tf: Any, np: Any) -> dict[str, bytes]:
    keras = tf.keras
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    x = keras.layers.MaxPool2D(3, 2)(x)
    narrow = keras.layers.Conv2D(8, 1, activation="relu")(x)
    wide = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = keras.layers.Concatenate()([narrow, wide])
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    conv = keras.Model(image, keras.layers.Softmax()(keras.layers.Dense(10)(x)))

    plain = tf.lite.TFLiteConverter.from_keras_model(conv).convert()
    hybrid = tf.lite.TFLiteConverter.from_keras_model(conv)
    hybrid.optimizations = [tf.lite.Optimize.DEFAULT]

    series = keras.Input((8, 4), batch_size=1)
    lstm = tf.lite.TFLiteConverter.from_keras_model(keras.Model(series, keras.layers.LSTM(6)(series)))
    return {
        "conv": plain,
        "hybrid": hybrid.convert(),
        "conv_int8": _int8(tf, np, conv),
        "fire_int8": _int8(tf, np, _fire(keras)),
        "lstm": lstm.convert(),
    }


def _fire(keras: Any) -> Any:
    """A fire module between the layers of SqueezeNet's ends: no op but SqueezeNet's."""
    image = keras.Input((32, 32, 3), batch_size=1)
    x = keras.layers.Conv2D(16, 3, strides=2, activation="relu")(image)
    x = keras.layers.MaxPool2D(3, 2)(x)
    x = keras.layers.Conv2D(8, 1, activation="relu")(x)
    sides = [keras.layers.Conv2D(12, n, padding="same", activation="relu")(x) for n in (1, 3)]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()(sides))
    return keras.Model(image, keras.layers.Softmax()(x))


def _int8(tf: Any, np: Any, model: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    samples = [np.random.rand(1, 32, 32, 3).astype(np.float32) for _ in range(8)]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _signatures(tf: Any, folder: Path) -> bytes:
    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.sum = tf.Variable(tf.zeros([3]))

        @tf.function(  # type: ignore[misc]
            input_signature=[tf.TensorSpec([None, 3], tf.float32, "x"), tf.TensorSpec([], tf.int32, "n")]
        )
        def loop(self, x: Any, n: Any) -> Any:
            count, x = tf.while_loop(
                lambda i, _: i < n, lambda i, x: (i + 1, x * 2.0 + 1.0), [tf.constant(0), x]
            )
            return {"y": x, "count": count}

        @tf.function(input_signature=[tf.TensorSpec([3], tf.float32, "d")])  # type: ignore[misc]
        def accumulate(self, d: Any) -> Any:
            self.sum.assign_add(d)
            return {"total": self.sum.read_value()}

    module = Module()
    path = str(folder / "saved_model")
    tf.saved_model.save(module, path, signatures={"loop": module.loop, "accumulate": module.accumulate})
    converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=["loop", "accumulate"])
    converter.experimental_enable_resource_variables = True
    return bytes(converter.convert())


def _functions(tf: Any) -> dict[str, bytes]:
    @tf.function(  # type: ignore[misc]
        input_signature=[tf.TensorSpec([None], tf.string, "s"), tf.TensorSpec([2], tf.int32, "i")]
    )
    def strings(s: Any, i: Any) -> Any:
        return tf.gather(s, i)

    @tf.function(input_signature=[tf.TensorSpec([4], tf.float32)])  # type: ignore[misc]
    def custom(x: Any) -> Any:
        return tf.math.cumprod(x) + tf.math.igamma(x, x)

    @tf.function(  # type: ignore[misc]
        input_signature=[tf.TensorSpec([2, 16], tf.float32), tf.TensorSpec([2, 16], tf.complex64)]
    )
    def types(x: Any, c: Any) -> Any:
        casts = [tf.cast(x, name) for name in ("float64", "float16", "int64", "uint8", "bool")]
        return [*casts, tf.signal.rfft(x, [16]), tf.math.imag(c)]

    models = {}
    for name, function in (("strings", strings), ("custom", custom), ("types", types)):
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
        converter.allow_custom_ops = True
        models[name] = bytes(converter.convert())
    return models


def main(folder: Path) -> None:
    """Write every model as ``<name>.tflite`` into ``folder``, which must exist."""
    import numpy as np
    import tensorflow as tf

    tf.random.set_seed(1)
    np.random.seed(1)
    models = {**_keras_models(tf, np), **_functions(tf), "signatures": _signatures(tf, folder)}
    for name in MODELS:
        (folder / f"{name}.tflite").write_bytes(models[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
