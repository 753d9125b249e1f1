"""Host TensorFlow at work: small networks made here, run, taken apart and compared."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from tfport.catalogue import Catalogue, DemoModel, Shelf
from tfport.compare import compare
from tfport.convert import FIRES, load_weights
from tfport.core.recognise import recognise
from tfport.errors import ConversionFailed
from tfport.host import Host
from tfport.inputs import model_inputs
from tfport.model import LiteModel, read_tflite
from tfport.reference import TENSORFLOW_VERSION, import_tensorflow, installed_version
from tfport.sources import SourceCache
from tfport.split import plan

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> LiteModel:
    """Two convolutions and an addition that TensorFlow Lite works out in place, in int8."""
    tf = import_tensorflow()
    tf.keras.utils.set_random_seed(1)
    image = tf.keras.Input((8, 8, 3), batch_size=1, name="image")
    first = tf.keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    second = tf.keras.layers.Conv2D(4, 1, padding="same")(first)
    added = tf.keras.layers.Add()([first, second])
    result = tf.keras.layers.Dense(5)(tf.keras.layers.Flatten()(added))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(image, result))
    draws = np.random.default_rng(1).uniform(-1, 1, (8, 1, 8, 8, 3)).astype(np.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([draw] for draw in draws)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(converter.convert())
    return read_tflite(path)


@pytest.fixture(scope="module")
def host(quantised: LiteModel, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Its results are made once for all tests."""
    folder = tmp_path_factory.mktemp("host")
    made = Host(folder, folder / "tensorflow.log")
    made.results(quantised, model_inputs(quantised, {}), intermediates=True)
    made.unravelled(quantised)
    made.work()
    return made


def test_the_converter_s_model_is_read_as_it_is(quantised: LiteModel) -> None:
    assert {op.name for op in quantised.ops} >= {"CONV_2D", "ADD", "FULLY_CONNECTED"}
    assert quantised.quantised
    assert [tensor.dtype for tensor in (*quantised.inputs, *quantised.outputs)] == ["int8", "int8"]
    tf = import_tensorflow()
    interpreter = tf.lite.Interpreter(str(quantised.path))
    for entry in interpreter.get_tensor_details():
        ours = quantised.graphs[0].tensors[entry["index"]]
        assert (ours.name, ours.shape) == (entry["name"], tuple(entry["shape"]))
        assert np.array_equal(np.float32(ours.scales), entry["quantization_parameters"]["scales"])
    theirs = [entry["op_name"] for entry in interpreter._get_ops_details()]
    assert [quantised.op_codes[node.op].name for node in quantised.graphs[0].nodes] == theirs


def test_a_second_host_finds_the_results_and_starts_nothing(quantised: LiteModel, host: Host) -> None:
    log = host.folder / "second.log"
    again = Host(host.folder, log)
    path = again.results(quantised, model_inputs(quantised, {}), intermediates=True)
    again.work()
    assert path.is_file() and not log.exists()
    other = again.results(quantised, model_inputs(quantised, {}, seed=9), intermediates=True)
    assert not other.exists()


def test_every_operator_alone_gives_what_it_gave_in_the_network(quantised: LiteModel, host: Host) -> None:
    """Fails when an intermediate tensor was read after the next operator had written over it."""
    parts = plan(quantised)
    assert len(parts.nodes) == len(quantised.graphs[0].nodes)
    with np.load(host.results(quantised, model_inputs(quantised, {}), intermediates=True)) as file:
        want = {name: file[name] for name in file.files}
    unravelled = read_tflite(host.unravelled(quantised))
    assert [tensor.name for tensor in unravelled.inputs] == [port.name for port in parts.inputs]
    tf = import_tensorflow()
    kinds = tf.lite.experimental.OpResolverType
    interpreter = tf.lite.Interpreter(
        str(unravelled.path), experimental_op_resolver_type=kinds.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    for port, entry in zip(parts.inputs, interpreter.get_input_details()):
        interpreter.set_tensor(entry["index"], want[f"t{port.tensor}"])
    interpreter.invoke()
    for port, entry in zip(parts.outputs, interpreter.get_output_details()):
        found = compare(
            port.name, interpreter.get_tensor(entry["index"]), want[f"t{port.tensor}"], quantised=True
        )
        assert found.ok and found.worst == 0, str(found)


def test_one_node_can_be_cut_out(quantised: LiteModel) -> None:
    parts = plan(quantised, nodes=[1])
    assert parts.nodes == (1,)
    assert {port.node for port in (*parts.inputs, *parts.outputs)} == {1}


def test_weights_of_an_unravelled_model_are_aligned(quantised: LiteModel, host: Host) -> None:
    from tfport.flat import Flat

    data = host.unravelled(quantised).read_bytes()
    starts = [buffer.span(0) for buffer in Flat(data).root().tables(4)]
    assert all(start % 16 == 0 for start, length in starts if length)


def test_what_tensorflow_says_becomes_the_error(tmp_path: Path, quantised: LiteModel) -> None:
    broken = tmp_path / "gone.tflite"
    broken.write_bytes(quantised.path.read_bytes())
    model = read_tflite(broken)
    broken.unlink()
    made = Host(tmp_path, tmp_path / "tensorflow.log")
    made.results(model, model_inputs(model, {}), intermediates=False)
    with pytest.raises(ConversionFailed) as caught:
        made.work()
    assert "gone.tflite" in caught.value.why
    assert not list(tmp_path.glob("reference-*"))


def random_weights(path: Path) -> Path:
    """Weights of SqueezeNet's shapes, the same every time."""
    generator = np.random.default_rng(1)

    def layer(size: int, inputs: int, outputs: int) -> list[np.ndarray]:
        kernel = generator.normal(0, (2 / (size * size * inputs)) ** 0.5, (size, size, inputs, outputs))
        return [kernel.astype(np.float32), np.zeros(outputs, dtype=np.float32)]

    weights = {"conv1": layer(3, 3, 64)}
    channels = 64
    for name, (squeeze, expand1, expand3) in FIRES.items():
        weights[f"{name}/squeeze1x1"] = layer(1, channels, squeeze)
        weights[f"{name}/expand1x1"] = layer(1, squeeze, expand1)
        weights[f"{name}/expand3x3"] = layer(3, squeeze, expand3)
        channels = expand1 + expand3
    weights["conv10"] = layer(1, channels, 1000)
    path.write_bytes(pickle.dumps(weights))
    return path


def test_the_demo_of_the_core_runtime_is_a_whole_saved_model(tmp_path: Path) -> None:
    """One signature, with SqueezeNet's input and a probability for each class."""
    weights = random_weights(tmp_path / "w.pkl")
    demo = DemoModel("demo", "w.pkl", "squeezenet-saved-model", "", "bgr-minus-mean", {})

    class Files(Shelf):
        def path(self, name: str) -> Path:
            return weights  # also for the pictures, of which only the bytes are read

    shelf = Files(Catalogue((), (), (demo,)), tmp_path, SourceCache(tmp_path))
    made = Host(tmp_path / "host", tmp_path / "host.log")
    folder = made.converted(demo, shelf)
    assert not folder.exists()
    made.work()
    assert [path.name for path in (tmp_path / "host").iterdir()] == [folder.name], "nothing half-made stays"
    assert recognise(folder) == "saved_model"
    tf = import_tensorflow()
    signatures = tf.saved_model.load(str(folder)).signatures
    assert list(signatures) == ["serving_default"]
    [port] = signatures["serving_default"].structured_input_signature[1].values()
    assert (port.name, port.shape.as_list()) == ("image", [1, 227, 227, 3])
    result = signatures["serving_default"](image=tf.zeros([1, 227, 227, 3]))
    assert result["softmax"].shape == [1, 1000] and abs(float(tf.reduce_sum(result["softmax"])) - 1) < 1e-5


@pytest.mark.full
def test_a_conversion_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    from PIL import Image

    generator = np.random.default_rng(1)
    weights = random_weights(tmp_path / "w.pkl")
    noise = generator.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "p.png")
    assert len(load_weights(weights.read_bytes())) == 26
    digests = []
    for turn in ("one", "two"):
        made = Host(tmp_path / turn, tmp_path / f"{turn}.log")
        for form in ("squeezenet-float32", "squeezenet-int8"):
            made._want(
                form,
                {
                    "do": "squeezenet",
                    "form": form,
                    "weights": str(weights),
                    "pictures": [str(tmp_path / "p.png")],
                },
            )
        made.work()
        files = sorted((tmp_path / turn).iterdir())
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1]
    small, large = sorted(path.stat().st_size for path in files)
    assert 1_200_000 < small < 1_500_000 and 4_900_000 < large < 5_100_000
