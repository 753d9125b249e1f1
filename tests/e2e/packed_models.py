"""Small models with every op whose kernel XNNPACK packs; made by host TensorFlow.

Run as a program: ``python packed_models.py DIR`` writes NAME.tflite and NAME_int8.tflite for each of MODELS.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

MODELS = ("mixed", "deconv", "shared")


def _mixed(keras: Any) -> Any:
    image = keras.Input((16, 16, 3), batch_size=1)
    x = keras.layers.Conv2D(16, 3, strides=2, bias_initializer="random_normal")(image)
    x = keras.layers.DepthwiseConv2D(3, padding="same", bias_initializer="random_normal")(x)
    x = keras.layers.Conv2D(24, 1, activation="relu6", bias_initializer="random_normal")(x)
    x = keras.layers.DepthwiseConv2D(5, strides=2, bias_initializer="random_normal")(x)
    return keras.Model(
        image, keras.layers.Dense(10, bias_initializer="random_normal")(keras.layers.Flatten()(x))
    )


def _deconv(keras: Any) -> Any:
    image = keras.Input((6, 6, 4), batch_size=1)
    x = keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same", bias_initializer="random_normal")(image)
    x = keras.layers.Conv2DTranspose(5, 4, strides=2, use_bias=False)(x)
    return keras.Model(image, keras.layers.Conv2DTranspose(3, 3, bias_initializer="random_normal")(x))


def _shared(keras: Any) -> Any:
    """One kernel on two inputs, which int8 gives two zero points: packed in two ways."""
    left, right = (keras.Input((8, 8, 4), batch_size=1) for _ in range(2))
    conv = keras.layers.Conv2D(8, 3, bias_initializer="random_normal")
    return keras.Model([left, right], [conv(left), conv(keras.layers.ReLU()(right))])


def main(folder: Path) -> None:
    import numpy as np
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    for name, make in zip(MODELS, (_mixed, _deconv, _shared)):
        model = make(tf.keras)
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        random = np.random.default_rng(1)

        def samples(shapes: Any = shapes, random: Any = random) -> Any:
            for _ in range(8):
                yield [random.normal(size=shape).astype(np.float32) for shape in shapes]

        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        (folder / f"{name}.tflite").write_bytes(converter.convert())
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        (folder / f"{name}_int8.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
