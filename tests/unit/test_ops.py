"""The op set is read from TensorFlow Lite's own sources; the shapes of its lines are pinned down here."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfport.ops import OpError, OpSet, canonical, read_op_set

REGISTER = """
  AddBuiltin(BuiltinOperator_ABS, Register_ABS(), /* min_version = */ 1,
             /* max_version = */ 5);
  AddBuiltin(BuiltinOperator_IF, tflite::ops::builtin::Register_IF());
  AddBuiltin(BuiltinOperator_CONV_2D, Register_CONV_2D(), /* min_version = */ 2,
             /* max_version = */ 7);
  AddCustom("Mfcc", tflite::ops::custom::Register_MFCC());
"""
DELEGATE = """
      case kTfLiteBuiltinConv2d: {
        if constexpr (!selected_ops::Delegated(kTfLiteBuiltinConv2d))
          return kTfLiteError;
      case kTfLiteBuiltinCustom: {
        if constexpr (!selected_ops::Delegated(kTfLiteBuiltinCustom))
"""
BUILTIN_OPS = "  kTfLiteBuiltinConv2d = 3,\n  kTfLiteBuiltinCustom = 32,\n  kTfLiteBuiltinAbs = 101,\n"
SCHEMA = "  BuiltinOperator_CONV_2D = 3,\n  BuiltinOperator_ABS = 101,\n  BuiltinOperator_IF = 118,\n"
SCHEMA += "  BuiltinOperator_CALL = 31,\n  BuiltinOperator_CUSTOM = 32,\n  BuiltinOperator_MIN = 0,\n"


@pytest.fixture
def ops() -> OpSet:
    return read_op_set(register=REGISTER, delegate=DELEGATE, builtin_ops=BUILTIN_OPS, schema=SCHEMA)


def test_versions_are_those_of_the_registration(ops: OpSet) -> None:
    assert ops.builtin == {"ABS": (1, 5), "IF": (1, 1), "CONV_2D": (2, 7)}
    assert ops.custom == {"Mfcc"}


def test_the_delegates_share_is_read_by_code(ops: OpSet) -> None:
    assert ops.delegated == {"CONV_2D"}


def test_a_selection_keeps_what_it_names(ops: OpSet) -> None:
    some = ops.select("CONV_2D,custom:Mfcc")
    assert set(some.builtin) == {"CONV_2D"} and some.custom == {"Mfcc"} and some.delegated == {"CONV_2D"}
    assert some.cases(some.builtin) == [3]
    assert ops.select("all") is ops


def test_every_missing_op_is_named(ops: OpSet) -> None:
    with pytest.raises(OpError, match=r"CALL, custom:Sine"):
        ops.select("ABS,CALL,custom:Sine")


def test_the_manifest_starts_with_its_mark(ops: OpSet) -> None:
    text = ops.select("ABS").manifest(version="2.14.1", target="zuluko")
    assert text.startswith('{"tfport_manifest": 1')
    assert json.loads(text)["ops"] == {"ABS": [1, 5]}


@given(st.lists(st.sampled_from(["ABS", "IF", "CONV_2D"])), st.lists(st.sampled_from(["a", "b"])))
def test_one_op_set_has_one_spelling(builtin: list[str], custom: list[str]) -> None:
    assert canonical(builtin, custom) == canonical(reversed(builtin), set(custom))
