"""Build SqueezeNet v1.1 from its published weights, and convert it to TensorFlow Lite or save it as it is.

The architecture is that of Iandola et al., version 1.1, with Keras' rounding of pooling windows: a 3x3/2
convolution that keeps the border (SAME), three 3x3/2 max-pools that drop it (VALID), eight fire modules,
a 1x1 convolution to 1000 classes and a global average. Input: 227 x 227, blue-green-red, ImageNet's mean
taken off.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from tfport.catalogue import write_whole
from tfport.errors import ConversionFailed
from tfport.inputs import IMAGENET_MEAN_BGR, Array
from tfport.reference import import_tensorflow

SIDE = 227
CLASSES = 1000
PARAMETERS = 1_235_496
# Squeeze, expand 1x1, expand 3x3 filters of each fire module; a pool stands before fire4 and fire6.
FIRES = {
    "fire2": (16, 64, 64),
    "fire3": (16, 64, 64),
    "fire4": (32, 128, 128),
    "fire5": (32, 128, 128),
    "fire6": (48, 192, 192),
    "fire7": (48, 192, 192),
    "fire8": (64, 256, 256),
    "fire9": (64, 256, 256),
}
POOLED_BEFORE = ("fire2", "fire4", "fire6")
CALIBRATION_PICTURES = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png")
SAVED_MODEL = "squeezenet-saved-model"
SUFFIXES = {"squeezenet-float32": ".tflite", "squeezenet-int8": ".tflite", SAVED_MODEL: ""}  # "": a folder
RECIPE = 1  # part of the cache key: raise it when the code below changes what it makes
Weights = dict[str, tuple[Array, Array]]


def cache_key(form: str, weights_sha256: str, pictures_sha256: Sequence[str], tensorflow: str) -> str:
    """Names a converted model by all that goes into it."""
    parts = [form, str(RECIPE), weights_sha256, tensorflow]
    if form.endswith("int8"):
        parts += pictures_sha256
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class _ArraysOnly(pickle.Unpickler):
    """A pickle is a program; this one may only make NumPy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 renamed numpy.core; the private name is looked up where this NumPy has it.
        if (module, name) in (
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        ):
            return np.empty(0).__reduce__()[0]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise ConversionFailed(
            f"The weights ask for {module}.{name}, which is no array", "The file was tampered with."
        )


def load_weights(data: bytes) -> Weights:
    """Layer name -> (kernel height x width x in x out, bias), float32. Raises ``ConversionFailed``."""
    try:
        loaded = _ArraysOnly(io.BytesIO(data)).load()
        weights = {
            str(name): (np.asarray(kernel), np.asarray(bias)) for name, (kernel, bias) in loaded.items()
        }
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise ConversionFailed(f"The weights cannot be read: {error}") from None
    count = sum(kernel.size + bias.size for kernel, bias in weights.values())
    if len(weights) != 26 or count != PARAMETERS:
        raise ConversionFailed(
            f"The weights hold {len(weights)} layers and {count} numbers",
            f"SqueezeNet v1.1 has 26 and {PARAMETERS}.",
        )
    return weights


def calibration_inputs(pictures: Sequence[Path]) -> Iterator[Array]:
    """Model inputs from photographs: each whole, five crops of three quarters, and all mirrored."""
    from PIL import Image

    mean = np.asarray(IMAGENET_MEAN_BGR, dtype=np.float32)
    for path in pictures:
        with Image.open(path) as image:
            whole = image.convert("RGB")
        width, height = whole.size
        w, h = width * 3 // 4, height * 3 // 4
        corners = ((0, 0), (width - w, 0), (0, height - h), (width - w, height - h))
        boxes = [
            (0, 0, width, height),
            ((width - w) // 2, (height - h) // 2, (width + w) // 2, (height + h) // 2),
        ]
        boxes += [(x, y, x + w, y + h) for x, y in corners]
        for box in boxes:
            crop = whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
            pixels = np.asarray(crop, dtype=np.float32)[..., ::-1] - mean
            yield pixels[np.newaxis]
            yield np.ascontiguousarray(pixels[np.newaxis, :, ::-1])


def build_squeezenet(weights: Weights) -> Any:
    """The Keras model with its weights; output: softmax over 1000 classes."""
    tf = import_tensorflow()
    layers = tf.keras.layers
    tf.keras.backend.clear_session()  # Keras numbers names; they end up in the file

    def conv(name: str, values: Any, filters: int, size: int, stride: int = 1) -> Any:
        layer = layers.Conv2D(
            filters, size, stride, "same", activation="relu", name=name.replace("/", "_"), trainable=False
        )
        result = layer(values)
        layer.set_weights(list(weights[name]))
        return result

    image = layers.Input((SIDE, SIDE, 3), batch_size=1, name="image")
    values = conv("conv1", image, 64, 3, 2)
    for name, (squeeze, expand1, expand3) in FIRES.items():
        if name in POOLED_BEFORE:
            values = layers.MaxPooling2D(3, 2, "valid", name=f"pool_{name}")(values)
        squeezed = conv(f"{name}/squeeze1x1", values, squeeze, 1)
        values = layers.Concatenate(name=f"{name}_concat")(
            [conv(f"{name}/expand1x1", squeezed, expand1, 1), conv(f"{name}/expand3x3", squeezed, expand3, 3)]
        )
    # The published prototxt has a ReLU after conv10; the weights' own package leaves it out, and so do we.
    layer = layers.Conv2D(CLASSES, 1, name="conv10", trainable=False)
    values = layer(values)
    layer.set_weights(list(weights["conv10"]))
    values = layers.Softmax(name="softmax")(layers.GlobalAveragePooling2D(name="average")(values))
    return tf.keras.Model(image, values, name="squeezenet")


def convert_squeezenet(form: str, weights: Path, pictures: Sequence[Path], result: Path) -> dict[str, Any]:
    """Write ``result``.

    ``form``: "squeezenet-float32", "squeezenet-int8" with int8 input and output, or "squeezenet-saved-model",
    a folder whose only signature takes "image" and gives "softmax".
    """
    model = build_squeezenet(load_weights(weights.read_bytes()))
    if form == SAVED_MODEL:
        return save_whole(model, result)
    samples = calibration_inputs(pictures) if form == "squeezenet-int8" else None
    data = to_lite(model, samples)
    write_whole(result, data)
    return {"bytes": len(data)}


def to_lite(model: Any, samples: Optional[Iterable[Array]]) -> bytes:
    """A Keras model of one input as a .tflite; with ``samples`` of that input, in int8 from end to end."""
    tf = import_tensorflow()
    fed = None if samples is None else ([values] for values in samples)
    return converted(tf.lite.TFLiteConverter.from_keras_model(model), fed)


def converted(converter: Any, samples: Optional[Iterable[Any]]) -> bytes:
    """What a TFLiteConverter makes; with ``samples``, in a form that it takes, in int8 from end to end."""
    tf = import_tensorflow()
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    data: bytes = converter.convert()
    return data


def save_whole(model: Any, result: Path) -> dict[str, Any]:
    """Write a SavedModel beside its place and rename it, so that nobody ever sees half of it."""
    part = result.with_name(f".{result.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    import_tensorflow().saved_model.save(model, str(part))
    part.rename(result)
    return {"bytes": sum(path.stat().st_size for path in result.rglob("*") if path.is_file())}
