"""Models for the core runtime, made by host TensorFlow and Keras; the same bytes of weights every time.

Each function writes its files into a folder that exists and returns their paths. Run as a program,
``python core_models.py DIR [WEIGHTS.pkl]`` makes them all, SqueezeNet only if its weights are given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfport.convert import FIRES, POOLED_BEFORE, SIDE, Weights, build_squeezenet, load_weights
from tfport.reference import import_tensorflow

WORDS = ("the", "cat", "sat", "on", "mat", "dog", "ran", "fast", "slow", "home")
STEPS, FEATURES = 7, 5  # of the sequences that the recurrent model reads


def frozen(function: Any) -> bytes:
    """A concrete function as a frozen GraphDef."""
    import_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    graph = convert_variables_to_constants_v2(function).graph.as_graph_def()
    graph.ClearField("library")
    return bytes(graph.SerializeToString(deterministic=True))


def squeezenet(folder: Path, weights: Weights) -> dict[str, Path]:
    """SqueezeNet v1.1 as "graphdef", "saved_model", "keras" and "h5"."""
    tf = import_tensorflow()
    model = build_squeezenet(weights)
    paths = {
        "graphdef": folder / "squeezenet.pb",
        "saved_model": folder / "squeezenet",
        "keras": folder / "squeezenet.keras",
        "h5": folder / "squeezenet.h5",
    }
    call = tf.function(
        lambda image: model(image, training=False), input_signature=[model.inputs[0].type_spec]
    )
    paths["graphdef"].write_bytes(frozen(call.get_concrete_function()))
    tf.saved_model.save(model, str(paths["saved_model"]))
    model.save(paths["keras"])
    model.save(paths["h5"])
    return paths


def quantised_squeezenet(folder: Path, weights: Weights) -> Path:
    """SqueezeNet v1.1 as a GraphDef in which every convolution is done in eight bits.

    Each is quantised, convolved, requantised to the range that was found, and dequantised: the second
    experiment of the article.
    """
    tf = import_tensorflow()

    def convolve(values: Any, name: str, stride: int, padding: str) -> Any:
        kernel, bias = weights[name]
        return tf.nn.bias_add(quantised_convolution(values, kernel, stride, padding), bias)

    @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, "image")])  # type: ignore[misc]
    def run(image: Any) -> Any:
        return tf.nn.softmax(_squeezenet(tf, image, convolve), name="softmax")

    path = folder / "squeezenet_quantised.pb"
    path.write_bytes(frozen(run.get_concrete_function()))
    return path


def _squeezenet(tf: Any, image: Any, convolve: Callable[[Any, str, int, str], Any]) -> Any:
    values = tf.nn.relu(convolve(image, "conv1", 2, "SAME"))
    for name in FIRES:
        if name in POOLED_BEFORE:
            values = tf.nn.max_pool2d(values, 3, 2, "VALID")
        squeezed = tf.nn.relu(convolve(values, f"{name}/squeeze1x1", 1, "SAME"))
        parts = [convolve(squeezed, f"{name}/expand{size}", 1, "SAME") for size in ("1x1", "3x3")]
        values = tf.nn.relu(tf.concat(parts, 3))
    return tf.reduce_mean(convolve(values, "conv10", 1, "SAME"), [1, 2])


def quantised_convolution(values: Any, kernel: Any, stride: int, padding: str) -> Any:
    """A convolution of floats, done in unsigned bytes with the ranges of the values themselves."""
    tf = import_tensorflow()
    raw = tf.raw_ops
    mode = {"mode": "MIN_FIRST"}

    def quantise(floats: Any) -> Any:
        low, high = tf.minimum(tf.reduce_min(floats), 0.0), tf.maximum(tf.reduce_max(floats), 0.0)
        return raw.QuantizeV2(input=floats, min_range=low, max_range=high, T=tf.quint8, **mode)

    (x, x_min, x_max), (k, k_min, k_max) = quantise(values), quantise(tf.constant(kernel))
    sums, low, high = raw.QuantizedConv2D(
        input=x,
        filter=k,
        min_input=x_min,
        max_input=x_max,
        min_filter=k_min,
        max_filter=k_max,
        strides=[1, stride, stride, 1],
        padding=padding,
        out_type=tf.qint32,
    )
    least, most = raw.RequantizationRange(input=sums, input_min=low, input_max=high)
    small, low, high = raw.Requantize(
        input=sums,
        input_min=low,
        input_max=high,
        requested_output_min=least,
        requested_output_max=most,
        out_type=tf.quint8,
    )
    return raw.Dequantize(input=small, min_range=low, max_range=high, **mode)


def quantised(folder: Path) -> Path:
    """Two quantised convolutions and what quantised graphs hold besides: a small GraphDef."""
    tf = import_tensorflow()
    draw = np.random.default_rng(3)
    first, second = (draw.normal(0, 0.3, shape).astype(np.float32) for shape in ((3, 3, 3, 8), (1, 1, 8, 4)))

    @tf.function(input_signature=[tf.TensorSpec([1, 12, 12, 3], tf.float32, "image")])  # type: ignore[misc]
    def run(image: Any) -> Any:
        values = tf.nn.relu(quantised_convolution(image, first, 2, "SAME"))
        values = tf.quantization.fake_quant_with_min_max_args(values, 0.0, 6.0)
        return tf.identity(quantised_convolution(values, second, 1, "VALID"), "result")

    path = folder / "quantised.pb"
    path.write_bytes(frozen(run.get_concrete_function()))
    return path


def text(folder: Path) -> Path:
    """A SavedModel that reads sentences: string ops and tables; integers, floats and strings come out.

    Signature ``serving_default``: "sentence" [n] -> "ids" [n, 6], "score" [n, 1], "clean" [n] (a string).
    Signature ``look_up``: "key" [n] -> "value" [n], a string for each, from a file that ships with the model.
    """
    tf = import_tensorflow()
    tf.keras.utils.set_random_seed(2)
    tf.keras.backend.clear_session()
    layers = tf.keras.layers
    vectorise = layers.TextVectorization(output_sequence_length=6, vocabulary=list(WORDS), name="vectorise")
    sentence = tf.keras.Input((), dtype=tf.string, name="sentence")
    ids = vectorise(sentence)
    embedded = layers.Embedding(len(WORDS) + 2, 8, name="embedding")(ids)
    score = layers.Dense(1, activation="sigmoid", name="score")(layers.GlobalAveragePooling1D()(embedded))
    model = tf.keras.Model(sentence, [ids, score])
    capitals = folder / "capitals.txt"
    capitals.write_text("france\tparis\nitaly\trome\nperu\tlima\n", encoding="utf-8")

    class Reader(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.model = model
            entries = tf.lookup.TextFileInitializer(str(capitals), tf.string, 0, tf.string, 1, delimiter="\t")
            self.capitals = tf.lookup.StaticHashTable(entries, "nowhere")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "sentence")])  # type: ignore[misc]
        def read(self, sentence: Any) -> Any:
            numbers, score = self.model(sentence)
            clean = tf.strings.strip(tf.strings.regex_replace(tf.strings.lower(sentence), r"[^a-z ]+", ""))
            return {"ids": numbers, "score": score, "clean": clean}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "key")])  # type: ignore[misc]
        def look_up(self, key: Any) -> Any:
            return {"value": self.capitals.lookup(tf.strings.lower(key))}

    reader, path = Reader(), folder / "text"
    signatures = {"serving_default": reader.read, "look_up": reader.look_up}
    tf.saved_model.save(reader, str(path), signatures=signatures)
    capitals.unlink()
    return path


def lstm(folder: Path) -> Path:
    """A .keras model of two recurrent layers over sequences, any batch; the second reads backwards too."""
    tf = import_tensorflow()
    tf.keras.utils.set_random_seed(4)
    tf.keras.backend.clear_session()
    layers = tf.keras.layers
    series = tf.keras.Input((STEPS, FEATURES), name="series")
    values = layers.LSTM(12, return_sequences=True, name="first")(series)
    values = layers.Bidirectional(layers.LSTM(6), name="second")(values)
    path = folder / "lstm.keras"
    tf.keras.Model(series, layers.Dense(3, name="result")(values), name="lstm").save(path)
    return path


def main(folder: Path, weights: bytes = b"") -> None:
    """Write all models into ``folder``, which must exist."""
    if weights:
        loaded = load_weights(weights)
        squeezenet(folder, loaded)
        quantised_squeezenet(folder, loaded)
    quantised(folder)
    text(folder)
    lstm(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b"")
