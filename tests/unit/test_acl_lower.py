"""The back end: which functions are called with which words, and where tensors lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.lite_graphs import N, T, lite_model
from tfport.acl.generate import c_string, compile_model, keep_engine
from tfport.acl.lower import Program, lower
from tfport.compiler.lite_reader import read_lite
from tfport.errors import NotCompilable

PATH = Path("net.tflite")
FIRE = (1, 4, 4, 2)
VALID_1X1 = ((0, b"\x01"), (1, 1), (2, 1), (4, 1), (5, 1))


def weights(seed: int = 0) -> T:
    return T((2, 1, 1, 2), data=np.full((2, 1, 1, 2), float(seed), np.float32))


def program(data: bytes) -> Program:
    return lower(read_lite(data, PATH), PATH)


def fire(join: N | None = None, outputs: tuple[int, ...] = (6,)) -> bytes:
    """Two convolutions of one input, concatenated."""
    tensors = [T(FIRE), weights(1), weights(2), T((2,), data=np.zeros(2)), T(FIRE), T(FIRE), T((1, 4, 4, 4))]
    nodes = [
        N("CONV_2D", (0, 1, 3), (4,), VALID_1X1),
        N("CONV_2D", (0, 2, 3), (5,), VALID_1X1),
        join or N("CONCATENATION", (4, 5), (6,), ((0, 3),)),
    ]
    return lite_model(tensors, nodes, [0], outputs)


def test_a_concatenation_of_convolutions_is_written_in_place() -> None:
    made = program(fire())
    assert [call.function for call in made.calls] == ["NEGEMMConvolutionLayer"] * 2
    parts = [tensor for tensor in made.tensors if tensor.place == "part"]
    assert [(part.start, part.shape) for part in parts] == [
        (0, "TensorShape(2U, 4U, 4U, 1U)"),
        (2, "TensorShape(2U, 4U, 4U, 1U)"),
    ]
    # A whole is made before its parts.
    names = [tensor.name for tensor in made.tensors]
    assert all(names.index(part.whole) < names.index(part.name) for part in parts)


@pytest.mark.parametrize(
    "data",
    [
        fire(N("CONCATENATION", (4, 4), (6,), ((0, 3),))),
        fire(N("CONCATENATION", (4, 5), (6,), ((0, 3),)), outputs=(6, 5)),
        fire(N("CONCATENATION", (4, 0), (6,), ((0, 3),))),
    ],
    ids=["twice the same", "an output of the graph too", "an input of the graph"],
)
def test_other_concatenations_are_calls(data: bytes) -> None:
    assert program(data).calls[-1].function == "NEConcatenateLayer"


def test_the_arguments_of_a_convolution() -> None:
    tensors = [T((1, 5, 5, 2)), weights(), T((1, 3, 3, 2))]
    node = N("CONV_2D", (0, 1), (2,), ((0, b"\x00"), (1, 2), (2, 2), (3, b"\x03"), (4, 1), (5, 1)))
    [call] = program(lite_model(tensors, [node], [0], [2])).calls
    assert call.arguments == (
        "&t0",
        "&t1",
        "nullptr",
        "&t2",
        "PadStrideInfo(2, 2, 0, 0, 0, 0, DimensionRoundingType::FLOOR)",
        "WeightsInfo()",
        "Size2D(1, 1)",
        "ActivationLayerInfo(ActivationFunction::BOUNDED_RELU, 6.0F)",
    )


def test_a_reshape_is_the_same_memory() -> None:
    nodes = [N("RELU", (0,), (1,)), N("RESHAPE", (1,), (2,)), N("SOFTMAX", (2,), (3,), ((0, 1.0),))]
    made = program(lite_model([T(FIRE), T(FIRE), T((1, 32)), T((1, 32))], nodes, [0], [3]))
    assert [call.function for call in made.calls] == ["NEActivationLayer", "NESoftmaxLayer"]
    place = {tensor.name: tensor.offset for tensor in made.tensors}
    assert place[made.calls[0].arguments[1][1:]] == place[made.calls[1].arguments[0][1:]]


def test_scales_of_channels_lie_among_the_weights() -> None:
    scales = T((2, 1, 1, 2), "int8", np.ones((2, 1, 1, 2)), (0.5, 0.25), (0, 0))
    picture = T(FIRE, "int8", scales=(0.1,), points=(-3,))
    made = program(lite_model([picture, scales, picture], [N("CONV_2D", (0, 1), (2,), VALID_1X1)], [0], [2]))
    [info] = [tensor.info for tensor in made.tensors if tensor.place == "weights"]
    assert "DataType::QSYMM8_PER_CHANNEL, Scales(0, 2)" in info
    assert np.frombuffer(made.weights[:8], "<f4").tolist() == [0.5, 0.25]
    assert made.data_types == {"qasymm8_signed"}
    assert made.inputs[0]["zero_point"] == -3


def test_the_library_is_trimmed_to_what_is_called() -> None:
    assert program(fire()).operators == ("Conv2d", "Transpose")


def test_a_factor_that_nothing_takes_in_is_refused_by_name() -> None:
    data = lite_model([T(FIRE), T((2,), data=np.ones(2)), T(FIRE)], [N("MUL", (0, 1), (2,))], [0], [2])
    with pytest.raises(NotCompilable) as caught:
        program(data)
    assert "MUL (node 0): it follows no convolution" in caught.value.why


def test_an_output_that_nothing_computes_is_refused() -> None:
    data = lite_model([T(FIRE), T(FIRE)], [N("RELU", (0,), (1,))], [0], [1, 0])
    with pytest.raises(NotCompilable, match="cannot be compiled for the Arm Compute Library") as caught:
        program(data)
    assert "output 't0' is computed by no operator" in caught.value.why


def test_an_engine_is_named_by_its_content_and_written_once(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(fire())
    first = keep_engine(compile_model(path), tmp_path / "cache")
    stamp = (first.folder / "engine.cc").stat().st_mtime_ns
    assert keep_engine(compile_model(path), tmp_path / "cache") == first
    assert (first.folder / "engine.cc").stat().st_mtime_ns == stamp
    assert sorted(entry.name for entry in (tmp_path / "cache").iterdir()) == [first.folder.name]
    assert (first.folder / "weights.bin").stat().st_size == first.weights
    path.write_bytes(fire(outputs=(6, 5)))
    assert compile_model(path).digest != first.digest


def test_names_of_a_model_file_stay_inside_their_literals() -> None:
    assert c_string('a"b\\c\n??/é') == "a\\042b\\134c\\012\\077\\077/\\303\\251"


def test_the_source_names_every_function_once_among_its_headers(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(fire())
    source = compile_model(path).files["engine.cc"].decode()
    assert source.count("functions/NEGEMMConvolutionLayer.h") == 1
    assert source.count("Add<NEGEMMConvolutionLayer>") == 2
    assert "{{" not in source
