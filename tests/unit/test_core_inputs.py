from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np
import pytest

from tfport.core.inputs import core_inputs, seeded
from tfport.core.model import CoreModel, Port, Signature
from tfport.errors import ModelInputInvalid
from tfport.inputs import seeded_input


def port(name: str, dtype: str, shape: Optional[tuple[int, ...]]) -> Port:
    return Port(name, f"{name}:0", dtype, shape)


SIGNATURE = Signature("run", (port("a", "float32", (-1, 3)), port("b", "string", (2,))), ())
MODEL = CoreModel(Path("m.pb"), "graphdef", "", Path(), (SIGNATURE,), (), {})


def refused(tmp_path: Path, name: str, values: object) -> str:
    np.save(tmp_path / "x.npy", values, allow_pickle=True)  # type: ignore[arg-type]
    with pytest.raises(ModelInputInvalid) as caught:
        core_inputs(MODEL, SIGNATURE, {name: tmp_path / "x.npy"})
    return f"{caught.value.what} {caught.value.why} {caught.value.hint}"


def test_inputs_that_are_not_given_hold_the_runner_s_pattern() -> None:
    found = core_inputs(MODEL, SIGNATURE, {}, seed=5)
    assert (
        found["a"].shape == (1, 3) and found["a"].tobytes() == seeded_input(5, 0, (1, 3), "float32").tobytes()
    )
    assert found["b"].tolist() == seeded_input(5, 1, (2,), "string").tolist()


def test_a_file_is_taken_with_any_size_of_an_open_dimension(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 3), dtype=np.float32))
    np.save(tmp_path / "b.npy", np.array([b"long text", b""]))
    found = core_inputs(MODEL, SIGNATURE, {"a": tmp_path / "a.npy", "b": tmp_path / "b.npy"})
    assert found["a"].shape == (4, 3) and found["b"].tolist() == [b"long text", b""]


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    assert "Its inputs are: a, b." in refused(tmp_path, "c", np.zeros(1))
    assert "holds float64, but 'a' takes float32" in refused(tmp_path, "a", np.zeros((1, 3)))
    assert "np.float32" in refused(tmp_path, "a", np.zeros((1, 3)))
    assert "has the shape [3], but 'a' takes [-1, 3]" in refused(tmp_path, "a", np.zeros(3, dtype=np.float32))
    assert "shape [1, 4]" in refused(tmp_path, "a", np.zeros((1, 4), dtype=np.float32))
    assert "'b' takes string" in refused(tmp_path, "b", np.array(["text", "text"]))
    assert "np.bytes_" in refused(tmp_path, "b", np.zeros(2))
    assert "cannot be read" in refused(tmp_path, "b", np.array([object(), object()]))
    with pytest.raises(ModelInputInvalid, match="cannot be read"):
        core_inputs(MODEL, SIGNATURE, {"a": tmp_path / "nothing.npy"})


def test_several_arrays_are_no_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.zeros((1, 3), dtype=np.float32))
    with pytest.raises(ModelInputInvalid, match="several arrays"):
        core_inputs(MODEL, SIGNATURE, {"a": tmp_path / "a.npz"})


def test_no_pattern_fits_any_rank_or_a_handle(tmp_path: Path) -> None:
    with pytest.raises(ModelInputInvalid) as caught:
        seeded(port("x", "float32", None), 0)
    assert "--input x=FILE.npy" in caught.value.hint
    with pytest.raises(ModelInputInvalid, match="resource"):
        seeded(port("x", "resource", ()), 0)
    anything = Signature("run", (port("x", "float32", None),), ())
    np.save(tmp_path / "x.npy", np.zeros((2, 2, 2), dtype=np.float32))
    assert core_inputs(MODEL, anything, {"x": tmp_path / "x.npy"})["x"].shape == (2, 2, 2)
