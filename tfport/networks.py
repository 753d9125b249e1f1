"""Networks that are measured, with seeded weights: what they were trained for does not change their speed.

SqueezeNet v1.0 of Iandola et al.: at 227 x 227 its pooling windows fit exactly, so ceil and floor are the
same; the published file pads its last 1x1 convolution with zeros, 3 % more work, which is left out. MobileNet
v1 of Howard et al., v2 of Sandler et al. and EfficientNet-Lite0 of Tan et al. have their batch normalisation
folded into the convolutions. Weights are drawn so that activations keep their size from layer to layer; the
last layer is scaled until the scores differ from each other, since a uniform row of scores would hide a wrong
result. Deep networks gather so many roundings in eight bits that the two best of a thousand random scores may
change places; so theirs also get a clear winner for each picture, and one for noise, as training gives one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfport.catalogue import write_whole
from tfport.convert import FIRES, save_whole, to_lite
from tfport.inputs import Array, picture, seeded_input
from tfport.reference import import_tensorflow

RECIPE = 2  # part of a result's name: raise it when the code below changes what it makes
FORMS = {"float32": ".tflite", "int8": ".tflite", "saved-model": ""}  # "": a folder
CLASSES = 1000
LOGIT_DEVIATION = 3.0
LEAD = 2.0  # of a clear winner, in logits
_SEED = 20170204
# Output channels and stride of MobileNet's thirteen separable blocks.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
# Inverted residuals: expansion, output channels, how many, stride of the first, size of the kernel.
_INVERTED_V2 = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3), (6, 320, 1, 1, 3),
)  # fmt: skip
_INVERTED_LITE0 = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """How a network is built, and how a photograph becomes its input (see ``inputs.picture``).

    ``decides``: its last layer, a fully connected one, is given a class for each calibration picture.
    """

    side: int
    scaling: str
    build: Callable[[Any], Any]
    decides: bool = False


def weights(layer: str, shape: Sequence[int], fan_in: int) -> Array:
    """He's uniform weights, the same on every machine; ``layer`` names the stream."""
    values = seeded_input(_SEED, zlib.crc32(layer.encode()), tuple(shape), "float32")
    return values * np.float32(np.sqrt(6.0 / fan_in))


def make(name: str, form: str, pictures: Sequence[Path], result: Path) -> dict[str, Any]:
    """Write the network ``name`` of ``NETWORKS`` in one of ``FORMS``; the pictures calibrate it."""
    network = NETWORKS[name]
    tf = import_tensorflow()
    tf.keras.backend.clear_session()  # Keras numbers names; they end up in the file
    image = tf.keras.layers.Input((network.side, network.side, 3), batch_size=1, name="image")
    logits = network.build(image)
    model = tf.keras.Model(image, tf.keras.layers.Softmax(name="softmax")(logits), name="network")
    samples = list(_samples(network, pictures))
    _spread(tf.keras.Model(image, logits), model.get_layer("classes"), samples)
    if network.decides:
        noise = seeded_input(_SEED, zlib.crc32(b"noise"), samples[0].shape, "float32")
        seen = tf.keras.Model(image, [model.get_layer("classes").input, logits])
        _decide(seen, model, [*samples[::2], noise])
    if form == "saved-model":
        return save_whole(model, result)
    data = to_lite(model, samples if form == "int8" else None)
    write_whole(result, data)
    return {"bytes": len(data)}


def _samples(network: Network, pictures: Sequence[Path]) -> Iterator[Array]:
    for path in pictures:
        values = picture(path, "image", (1, network.side, network.side, 3), network.scaling)
        yield values.astype(np.float32)
        yield np.ascontiguousarray(values[:, :, ::-1].astype(np.float32))


def _spread(model: Any, layer: Any, samples: Sequence[Array]) -> None:
    """Scale the last layer until every picture's scores differ enough."""
    kernel, bias = layer.get_weights()
    least = min(float(np.std(np.asarray(model(sample)))) for sample in samples)
    layer.set_weights([kernel * (LOGIT_DEVIATION / least), bias])


def _decide(model: Any, whole: Any, samples: Sequence[Array]) -> None:
    """Let each sample's features speak for a class of its own, ``LEAD`` above all others.

    ``model`` gives the last layer's input and output.
    """
    layer = whole.get_layer("classes")
    kernel, bias = layer.get_weights()
    seen = [[np.asarray(part)[0] for part in model(sample)] for sample in samples]
    mean = np.mean([features for features, _ in seen], axis=0)
    for number, (features, scores) in enumerate(seen, 1):
        chosen = number * CLASSES // (len(seen) + 1)
        own = features - mean
        direction = own * np.float32((scores.max() - scores[chosen] + LEAD) / np.dot(own, own))
        kernel[:, chosen] += direction
        bias[chosen] -= np.dot(direction, mean)
    layer.set_weights([kernel, bias])


def _conv(
    name: str,
    values: Any,
    filters: int,
    size: int,
    stride: int = 1,
    padding: str = "same",
    relu: Any = "relu",
    gain: int = 2,
) -> Any:
    """``gain`` makes up for what the activation takes of the variance: half, or with 1 nothing."""
    layers = import_tensorflow().keras.layers
    channels = int(values.shape[-1])
    layer = layers.Conv2D(filters, size, stride, padding, activation=relu, name=name)
    result = layer(values)
    fan_in = 2 * size * size * channels // gain
    bias = weights(f"{name}/bias", (filters,), 600)
    layer.set_weights([weights(name, (size, size, channels, filters), fan_in), bias])
    return result


def _depthwise(name: str, values: Any, size: int, stride: int) -> Any:
    tf = import_tensorflow()
    channels = int(values.shape[-1])
    layer = tf.keras.layers.DepthwiseConv2D(size, stride, "same", activation=tf.nn.relu6, name=name)
    result = layer(values)
    bias = weights(f"{name}/bias", (channels,), 600)
    layer.set_weights([weights(name, (size, size, channels, 1), size * size), bias])
    return result


def _squeezenet_v1_0(image: Any) -> Any:
    layers = import_tensorflow().keras.layers

    def pool(values: Any, after: str) -> Any:
        return layers.MaxPooling2D(3, 2, "valid", name=f"pool_{after}")(values)

    values = pool(_conv("conv1", image, 96, 7, 2, "valid"), "conv1")
    for name, (squeeze, expand1, expand3) in FIRES.items():
        squeezed = _conv(f"{name}_squeeze1x1", values, squeeze, 1)
        branches = [
            _conv(f"{name}_expand1x1", squeezed, expand1, 1),
            _conv(f"{name}_expand3x3", squeezed, expand3, 3),
        ]
        values = layers.Concatenate(name=f"{name}_concat")(branches)
        if name in ("fire4", "fire8"):
            values = pool(values, name)
    return layers.GlobalAveragePooling2D(name="average")(_conv("classes", values, CLASSES, 1, relu=None))


def _mobilenet_v1(image: Any) -> Any:
    tf = import_tensorflow()
    layers = tf.keras.layers
    values = _conv("conv1", image, 32, 3, 2, relu=tf.nn.relu6)
    for number, (filters, stride) in enumerate(_BLOCKS, 1):
        values = _depthwise(f"depthwise{number}", values, 3, stride)
        values = _conv(f"pointwise{number}", values, filters, 1, relu=tf.nn.relu6)
    values = layers.GlobalAveragePooling2D(keepdims=True, name="average")(values)
    return layers.Flatten(name="flat")(_conv("classes", values, CLASSES, 1, relu=None))


def _inverted(image: Any, blocks: Sequence[tuple[int, int, int, int, int]]) -> Any:
    """A network of inverted residuals; the fully connected layer at its end takes a vector."""
    tf = import_tensorflow()
    layers = tf.keras.layers
    values = _conv("conv1", image, 32, 3, 2, relu=tf.nn.relu6)
    rows = [(e, c, s if k == 0 else 1, size) for e, c, count, s, size in blocks for k in range(count)]
    for number, (expansion, filters, stride, size) in enumerate(rows, 1):
        before, channels = values, int(values.shape[-1])
        if expansion > 1:
            values = _conv(f"expand{number}", values, expansion * channels, 1, relu=tf.nn.relu6)
        values = _depthwise(f"depthwise{number}", values, size, stride)
        values = _conv(f"project{number}", values, filters, 1, relu=None, gain=1)
        if stride == 1 and filters == channels:
            values = layers.Add(name=f"add{number}")([before, values])
    values = _conv("conv_last", values, 1280, 1, relu=tf.nn.relu6)
    values = layers.GlobalAveragePooling2D(name="average")(values)
    layer = layers.Dense(CLASSES, name="classes")
    logits = layer(values)
    layer.set_weights([weights("classes", (1280, CLASSES), 1280), weights("classes/bias", (CLASSES,), 600)])
    return logits


def _mobilenet_v2(image: Any) -> Any:
    return _inverted(image, _INVERTED_V2)


def _efficientnet_lite0(image: Any) -> Any:
    return _inverted(image, _INVERTED_LITE0)


NETWORKS = {
    "squeezenet-v1.0": Network(227, "bgr-minus-mean", _squeezenet_v1_0),
    "mobilenet-v1": Network(224, "rgb-centred", _mobilenet_v1),
    "mobilenet-v2": Network(224, "rgb-centred", _mobilenet_v2, True),
    "efficientnet-lite0": Network(224, "rgb-centred", _efficientnet_lite0, True),
}
