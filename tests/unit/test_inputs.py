from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.lite_bytes import ModelBytes
from tfport.errors import ModelInputInvalid
from tfport.inputs import model_inputs, photograph, quantise, save_inputs, seeded, splitmix64
from tfport.lite_schema import TENSOR_TYPES
from tfport.model import LiteModel, Tensor, parse_tflite


def tensor(dtype: str, *shape: int, scale: float = 0.0, zero_point: int = 0) -> Tensor:
    scales, zero_points = ((scale,), (zero_point,)) if scale else ((), ())
    return Tensor("x", dtype, shape, shape, scales, zero_points, 0, 0, False, False)


def tiny(dtype: str = "float32") -> LiteModel:
    return parse_tflite(ModelBytes(dtype=TENSOR_TYPES.index(dtype)).build(), Path("tiny.tflite"))


def test_splitmix64_is_the_published_generator() -> None:
    # The first outputs of the reference implementation for the seed 1234567.
    assert [int(draw) for draw in splitmix64(1234567, 0, 3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_streams_and_seeds_differ() -> None:
    first = splitmix64(1, 0, 4).tolist()
    assert first == splitmix64(1, 0, 8).tolist()[:4]
    assert first != splitmix64(1, 1, 4).tolist() != splitmix64(2, 1, 4).tolist()


@pytest.mark.parametrize(
    "dtype", [t for t in TENSOR_TYPES if t not in ("resource", "variant", "int4", "string")]
)
def test_seeded_values_have_the_tensor_s_type_and_shape(dtype: str) -> None:
    values = seeded(tensor(dtype, 3, 5), 0)
    assert (values.dtype.name, values.shape) == (dtype, (3, 5))
    assert values.tobytes() == seeded(tensor(dtype, 3, 5), 0).tobytes()


def test_seeded_ranges() -> None:
    floats = seeded(tensor("float32", 4000), 0)
    assert floats.min() >= -1 and floats.max() < 1 and abs(float(floats.mean())) < 0.05
    assert len(set(seeded(tensor("int8", 9000), 0).tolist())) == 256
    assert len(seeded(tensor("string", 2, 1), 0)[1, 0]) == 8


def test_types_without_values_are_refused() -> None:
    with pytest.raises(ModelInputInvalid, match="resource"):
        seeded(tensor("resource", 1), 0)


def test_an_open_dimension_becomes_one() -> None:
    assert seeded(tensor("float32", -1, 3), 0).shape == (1, 3)


def test_a_user_s_file_is_taken_and_the_rest_is_seeded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1, 2], dtype=np.float32))
    assert model_inputs(tiny(), {"a": tmp_path / "a.npy"})["a"].tolist() == [1, 2]
    assert model_inputs(tiny(), {})["a"].shape == (2,)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(2), "holds float64, but 'a' takes float32"),
        (np.zeros((2, 1), dtype=np.float32), r"shape \[2, 1\]"),
        (np.zeros(3, dtype=np.float32), r"shape \[3\]"),
    ],
)
def test_wrong_files_are_named(values: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ModelInputInvalid, match=words):
        model_inputs(tiny(), {"a": tmp_path / "a.npy"})


def test_unknown_inputs_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelInputInvalid, match="no input 'b'"):
        model_inputs(tiny(), {"b": tmp_path / "b.npy"})
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(ModelInputInvalid, match="cannot be read"):
        model_inputs(tiny(), {"a": tmp_path / "a.npy"})


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(ModelInputInvalid, match="cannot be read"):
        model_inputs(tiny(), {"a": tmp_path / "a.npy"})


def test_quantising_rounds_and_saturates() -> None:
    values = np.array([-100, -0.5, 0.0, 0.25, 0.75, 100], dtype=np.float32)
    assert quantise(values, tensor("int8", 6, scale=0.5, zero_point=-1)).tolist() == [
        -128,
        -2,
        -1,
        -1,
        1,
        127,
    ]


def test_photographs_are_scaled_as_the_model_was_trained(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (8, 4), (255, 0, 51)).save(tmp_path / "p.png")
    shape = (1, 2, 2, 3)
    pixel = {
        scaling: photograph(tmp_path / "p.png", tensor("float32", *shape), scaling)[0, 0, 0].round(3).tolist()
        for scaling in ("bgr-minus-mean", "rgb-centred", "rgb-unit")
    }
    assert pixel["rgb-unit"] == pytest.approx([1, 0, 0.2])
    assert pixel["rgb-centred"] == pytest.approx([1, -1, -0.6])
    assert pixel["bgr-minus-mean"] == pytest.approx([51 - 104.006, -116.669, 255 - 122.679], abs=1e-3)
    bytes_ = photograph(tmp_path / "p.png", tensor("uint8", *shape, scale=0.1), "rgb-bytes")
    assert bytes_[0, 0, 0].tolist() == [255, 0, 51]
    with pytest.raises(ModelInputInvalid, match="takes no picture"):
        photograph(tmp_path / "p.png", tensor("float32", 1, 3), "rgb-unit")


def test_saved_inputs_keep_their_shape(tmp_path: Path) -> None:
    given = {"n": np.float32(3), "x": np.zeros((2, 3), np.int8).T, "none": np.zeros((0, 4), np.float32)}
    saved = save_inputs(given, tmp_path)  # type: ignore[arg-type]
    assert [name for name, _ in saved] == list(given)
    for (_, path), values in zip(saved, given.values()):
        assert np.load(path).shape == values.shape
        assert not np.isfortran(np.load(path))
