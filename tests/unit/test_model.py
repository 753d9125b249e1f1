from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lite_bytes import ModelBytes
from tfport.errors import ModelBroken, ModelError, ModelMissing, ModelTooNew, NotALiteModel
from tfport.lite_schema import BUILTIN_OPERATORS, TENSOR_TYPES
from tfport.model import LiteModel, OpUse, Signature, parse_tflite, read_tflite

TINY = ModelBytes().build()


def parse(**changes: Any) -> LiteModel:
    return parse_tflite(ModelBytes(**changes).build(), Path("tiny.tflite"))


def test_reads_operators_tensors_and_signatures() -> None:
    model = parse()
    assert model.ops == (OpUse("ADD", 1, False, ("float32",)),)
    assert [(t.name, t.dtype, t.shape) for t in model.inputs] == [("a", "float32", (2,))]
    assert [t.name for t in model.outputs] == ["c"]
    assert model.signatures == (Signature("add", 0, (("x", 0),), (("sum", 2),)),)
    assert [t.constant_bytes for t in model.graphs[0].tensors] == [0, 8, 0]
    assert (model.description, model.weight_bytes, model.quantised) == ("tiny", 8, False)


def test_reads_operator_numbers_that_do_not_fit_a_byte() -> None:
    assert parse(builtin=161).ops[0].name == "RIGHT_SHIFT"
    assert parse(builtin=126, version=3).ops[0] == OpUse("BATCH_MATMUL", 3, False, ("float32",))


def test_reads_custom_operators_by_name() -> None:
    assert parse(builtin=32, custom="MyOp").ops == (OpUse("MyOp", 1, True, ("float32",)),)


def test_reads_quantisation() -> None:
    model = parse(dtype=TENSOR_TYPES.index("int8"), scale=0.5)
    assert (model.inputs[0].scales, model.inputs[0].zero_points) == ((0.5,), (-3,))
    assert model.quantised


def test_an_optional_input_may_be_left_out() -> None:
    assert parse(node_inputs=(0, -1)).graphs[0].nodes[0].inputs == (0, -1)


def test_the_fingerprint_follows_every_byte() -> None:
    assert parse().sha256 != parse_tflite(TINY + b"\0", Path("x")).sha256


def test_the_tables_hold_what_the_schema_holds() -> None:
    assert len(BUILTIN_OPERATORS) == len(set(BUILTIN_OPERATORS)) == 162
    named = {"ADD": 0, "CUSTOM": 32, "DENSIFY": 124, "VAR_HANDLE": 142, "RIGHT_SHIFT": 161}
    assert {name: BUILTIN_OPERATORS.index(name) for name in named} == named
    assert (TENSOR_TYPES.index("int8"), TENSOR_TYPES[-1]) == (9, "int4")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (TINY[:9], "has 9 bytes"),
        (b"PK\x03\x04" + bytes(40), "not a TensorFlow Lite model"),
        (TINY[:4] + b"TFL9" + TINY[8:], "not a TensorFlow Lite model"),
    ],
)
def test_other_files_are_no_models(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    with pytest.raises(NotALiteModel, match=words):
        read_tflite(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="No such file"):
        read_tflite(tmp_path / "none.tflite")
    with pytest.raises(NotALiteModel, match="folder"):
        read_tflite(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"opcode_index": 7}, "operator code 7 of 1"),
        ({"inputs": (3,)}, "tensor index 3"),
        ({"inputs": (-1,)}, "tensor index -1"),
        ({"node_inputs": (0, -2)}, "tensor index -2"),
        ({"buffer": 9}, "buffer 9 of 2"),
        ({"shape": (-5,)}, r"shape \[-5\]"),
        ({"graphs": 0}, "no graph"),
        ({"builtin": 32}, "without a name"),
    ],
)
def test_contradictions_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelBroken, match=words):
        parse(**changes)


@pytest.mark.parametrize("changes", [{"builtin": 162}, {"dtype": 18}, {"schema_version": 4}])
def test_models_of_a_later_release_are_named_as_such(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelTooNew):
        parse(**changes)


def test_every_truncation_is_refused_or_loses_nothing() -> None:
    whole = parse_tflite(TINY, Path("x")).graphs
    for length in range(len(TINY)):
        try:
            model = parse_tflite(TINY[:length], Path("x"))
        except ModelError:
            continue
        assert model.graphs == whole  # only padding was cut


@given(st.data())
def test_changed_bytes_raise_nothing_but_model_errors(data: st.DataObject) -> None:
    mutant = bytearray(TINY)
    for _ in range(data.draw(st.integers(1, 6))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_tflite(bytes(mutant), Path("x"))
    except ModelError as error:
        assert error.exit_code in range(40, 45)


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_model_errors(tail: bytes) -> None:
    with contextlib.suppress(ModelError):
        parse_tflite(b"\x10\0\0\0TFL3" + tail, Path("x"))
