from __future__ import annotations

import pytest

from tfport.core.selection import ALL, SelectionError, bare, canonical, header, ops, parse

PAIRS = [
    ("Conv2D", "Conv2DOp<CPUDevice, float>"),
    ("AddV2", "BinaryOp<CPUDevice, functor::add<float>>"),
    ("AccumulateNV2", ""),
    ("AddV2", "BinaryOp<CPUDevice,   functor::add<float>>"),
    ("NoOp", "NoOp"),
]
TEXT = (
    "AccumulateNV2;AddV2:BinaryOp<CPUDevice, functor::add<float>>;Conv2D:Conv2DOp<CPUDevice, float>;NoOp:NoOp"
)


def test_a_selection_has_one_spelling() -> None:
    assert canonical(PAIRS) == TEXT
    assert canonical(reversed(PAIRS)) == TEXT
    assert canonical(parse(TEXT)) == TEXT


def test_an_op_stands_alone_only_without_kernels() -> None:
    assert canonical([("Add", ""), ("Add", "AddOp")]) == "Add:AddOp"


def test_the_colons_of_a_class_are_its_own() -> None:
    assert ("AddV2", "BinaryOp<CPUDevice, functor::add<float>>") in parse(TEXT)
    assert ops(TEXT) == {"AccumulateNV2", "AddV2", "Conv2D", "NoOp"}


@pytest.mark.parametrize(
    "text",
    ["", ALL, "Conv2D;", "Conv2D:", ":Kernel", "A:b;;C", 'Op:Kernel"', "Op:Ke\\rnel", "Op:a\nb", "a b"],
)
def test_what_is_no_selection_is_refused(text: str) -> None:
    with pytest.raises(SelectionError):
        parse(text)


def test_a_name_that_would_break_the_text_is_refused() -> None:
    with pytest.raises(SelectionError, match="class"):
        canonical([("Op", "Kernel;Other")])


def test_spaces_do_not_make_another_class() -> None:
    assert bare("A<B, C >") == bare("A< B,C>") == "A<B,C>"


def test_the_header_defines_the_three_macros() -> None:
    for selection in (ALL, TEXT):
        for macro in ("OP(op)", "OP_KERNEL(clz)", "OP_GRADIENT"):
            assert f"#define SHOULD_REGISTER_{macro}" in header(selection)
    assert header(ALL).count(" true\n") == 3


def test_gradients_are_kept_for_the_op_that_asks_for_them() -> None:
    assert "OP_GRADIENT false" in header(TEXT)
    assert "OP_GRADIENT true" in header(TEXT + ";SymbolicGradient:SymbolicGradientOp")
