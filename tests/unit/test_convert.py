from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tfport.convert import SIDE, cache_key, calibration_inputs, load_weights
from tfport.errors import ConversionFailed


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo tampered",)


def test_a_pickle_that_is_a_program_is_not_run(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConversionFailed, match=r"system, which is no array"):
        load_weights(pickle.dumps({"conv1": [Evil(), Evil()]}))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "data", [b"", b"nothing", pickle.dumps([1]), pickle.dumps({"a": 1}), pickle.dumps({})[:-1]]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ConversionFailed):
        load_weights(data)


def test_arrays_are_read_and_counted() -> None:
    layer = [np.zeros((1, 1, 2, 3), dtype=np.float32), np.zeros(3, dtype=np.float32)]
    with pytest.raises(ConversionFailed, match="1 layers and 9 numbers"):
        load_weights(pickle.dumps({"conv1": layer}))


def test_the_key_follows_what_a_conversion_depends_on() -> None:
    keys = {
        cache_key("squeezenet-int8", "w", ["p"], "2.14.1"),
        cache_key("squeezenet-int8", "w", ["q"], "2.14.1"),
        cache_key("squeezenet-int8", "v", ["p"], "2.14.1"),
        cache_key("squeezenet-int8", "w", ["p"], "2.15.0"),
        cache_key("squeezenet-float32", "w", ["p"], "2.14.1"),
    }
    assert len(keys) == 5
    # No picture goes into a float model.
    assert cache_key("squeezenet-float32", "w", ["q"], "2.14.1") in keys


def test_each_picture_gives_twelve_calibration_inputs(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(40 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3)
    image.fromarray(pixels).save(tmp_path / "p.png")
    inputs = list(calibration_inputs([tmp_path / "p.png"]))
    assert len(inputs) == 12
    assert {values.shape for values in inputs} == {(1, SIDE, SIDE, 3)}
    assert np.array_equal(inputs[0][:, :, ::-1], inputs[1])
