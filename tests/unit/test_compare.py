from __future__ import annotations

import numpy as np
import pytest

from tfport.compare import compare, is_classification, same_top_class


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_the_float_limit_scales_with_the_largest_reference_but_never_below_one() -> None:
    small = compare("x", floats(0.5), floats(0.5))
    large = compare("x", floats(0, -169.00004), floats(0, -169))
    assert small.limit == pytest.approx(1e-4)
    assert large.limit == pytest.approx(1.69e-2)
    assert small.ok and large.ok and large.worst > 0
    assert not compare("x", floats(0.50011), floats(0.5)).ok


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_turned_nan_or_infinite_fails(bad: float) -> None:
    assert not compare("x", floats(bad, 1), floats(1, 1)).ok
    assert not compare("x", floats(bad, 1), floats(1, 1), judge=False).ok


def test_the_reference_s_own_infinities_must_be_met() -> None:
    assert compare("x", floats(np.inf, np.nan), floats(np.inf, np.nan)).ok
    assert not compare("x", floats(-np.inf, 1), floats(np.inf, 1)).ok
    assert not compare("x", floats(5, 1), floats(np.nan, 1)).ok


def test_one_step_is_allowed_for_an_operator_and_steps_do_not_wrap() -> None:
    want = np.array([127, -128, 0], dtype=np.int8)
    assert compare("x", np.array([126, -128, 1], dtype=np.int8), want, quantised=True).ok
    far = compare("x", np.array([-128, 127, 0], dtype=np.int8), want, quantised=True)
    assert (far.worst, far.ok) == (255, False)
    assert compare("x", np.array([120, -128, 1], dtype=np.int8), want, quantised=True, judge=False).ok


def test_whole_numbers_booleans_and_strings_are_equal_or_wrong() -> None:
    for want, got in (
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([True]), np.array([False])),
        (np.array([b"a", b"bc"]), np.array([b"a", b"b"])),
    ):
        assert compare("x", want, want).ok
        assert compare("x", got, want).worst == 1
        assert not compare("x", got, want).ok


def test_another_type_or_shape_is_wrong_however_judged() -> None:
    assert not compare("x", floats(1), np.array([1]), judge=False).ok
    assert not compare("x", floats(1), floats(1, 1), judge=False).ok
    assert "float32[1]" in str(compare("x", floats(1), floats(1, 1)))


def test_empty_tensors_agree() -> None:
    assert compare("x", floats(), floats()).ok


def test_top_class_and_ties() -> None:
    want = np.array([[3, 9, 9, 1]], dtype=np.int8)
    assert same_top_class(np.array([[0, 0, 5, 0]], dtype=np.int8), want)
    assert not same_top_class(np.array([[5, 0, 0, 0]], dtype=np.int8), want)


def test_what_is_a_classification() -> None:
    assert is_classification(floats(1, 2).reshape(1, 2))
    assert not is_classification(floats(1).reshape(1, 1))
    assert not is_classification(np.zeros((2, 3), dtype=np.float32))
