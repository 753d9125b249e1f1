"""What of a small TensorFlow belongs to the port, and what of it a selection needs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.trees import grow
from tfport.core.steps.sources import ALONE, Portable, gather_kernels, write_index

KERNELS = "tensorflow/core/kernels/"
OPS = "tensorflow/core/ops/"
# Taken by every build, as in registrations.ALWAYS.
SYSTEM = [f"{folder}{name}.cc" for folder in (KERNELS, OPS) for name in ("function_ops", "no_op")]
ADD, CAST = ("Add", "AddOp<CPUDevice, float>"), ("Cast", "CpuCastOp")


def includes(*names: str) -> str:
    return "".join(f'#include "{name}"\n' for name in names)


def kernel(op: str, *headers: str) -> str:
    return includes(*headers) + f'REGISTER_KERNEL_BUILDER(Name("{op}").Device(DEVICE_CPU), {op}Op);\n'


def group(name: str, sources: str) -> str:
    return f'filegroup(name = "{name}", srcs = {sources})\n'


FILES = {
    "tensorflow/core/BUILD": group(
        "mobile_srcs", '["//tensorflow/core/framework:all", "//tensorflow/core/util:all"]'
    ),
    "tensorflow/core/framework/BUILD": group("all", 'glob(["*.cc", "*.h"])'),
    "tensorflow/core/framework/tensor.cc": includes(
        "tensorflow/core/framework/tensor.h", "tensorflow/core/platform/env.h"
    ),
    "tensorflow/core/framework/tensor.h": includes("tensorflow/core/framework/tensor.pb.h"),
    "tensorflow/core/framework/tensor.proto": 'import "tensorflow/core/framework/types.proto";\n',
    "tensorflow/core/framework/types.proto": "",
    "tensorflow/core/framework/unused.proto": "",
    "tensorflow/core/framework/tensor_test.cc": "",
    "tensorflow/core/framework/gpu_device.cc": "",
    "tensorflow/core/platform/env.h": "",
    "tensorflow/core/platform/default/env.cc": "",
    "tensorflow/core/util/BUILD": group("all", '["mkl_util.cc", "example_helper.cc", "util.cc"]'),
    "tensorflow/core/util/mkl_util.cc": "",
    "tensorflow/core/util/example_helper.cc": "",
    "tensorflow/core/util/example_helper.h": "",
    "tensorflow/core/util/util.cc": "",
    "tensorflow/cc/saved_model/loader.cc": includes("tensorflow/cc/saved_model/reader.h"),
    "tensorflow/cc/saved_model/reader.h": "",
    "tensorflow/cc/saved_model/reader.cc": "",
    f"{OPS}BUILD": group(
        "portable_op_registrations_and_gradients", 'glob(["**/*.cc"], exclude = ["**/*test.cc"])'
    ),
    f"{OPS}array_ops.cc": 'REGISTER_OP("Cast")\nREGISTER_OP("Unserved")\n',
    f"{OPS}math_ops.cc": 'REGISTER_OP("Add")\nREGISTER_OP("Sub")\n',
    f"{OPS}parsing_ops.cc": includes("tensorflow/core/util/example_helper.h") + 'REGISTER_OP("Parse")\n',
    f"{OPS}math_grad.cc": "",
    f"{OPS}function_ops.cc": 'REGISTER_SYSTEM_OP("_Arg")',
    f"{OPS}no_op.cc": 'REGISTER_OP("NoOp")',
    f"{KERNELS}BUILD": group("portable_all_ops", 'glob(["*.cc", "*.h"])'),
    f"{KERNELS}function_ops.cc": "REGISTER_SYSTEM_KERNEL_BUILDER(Name(kArgOp), ArgOp);\n",
    f"{KERNELS}no_op.cc": kernel("NoOp"),
    f"{KERNELS}add_op_float.cc": kernel("Add", f"{KERNELS}functor.h", "tensorflow/core/framework/tensor.h"),
    f"{KERNELS}add_op_double.cc": kernel("Add", f"{KERNELS}functor.h"),
    f"{KERNELS}sub_op.cc": kernel("Sub", f"{KERNELS}cast_op.h"),
    f"{KERNELS}parse_op.cc": kernel("Parse"),
    f"{KERNELS}functor.h": "",
    f"{KERNELS}functor.cc": includes(f"{KERNELS}fill.h"),
    f"{KERNELS}fill.h": "",
    f"{KERNELS}fill_int.cc": "",
    f"{KERNELS}fill_float.cc": "",
    f"{KERNELS}cast_op.h": includes(f"{KERNELS}cast_op_impl.h"),
    f"{KERNELS}cast_op.cc": kernel("Cast", f"{KERNELS}cast_op.h"),
    f"{KERNELS}cast_op_impl.h": "",
    f"{KERNELS}cast_op_impl_bool.cc": "",
    f"{KERNELS}orphan.cc": "",
    f"{KERNELS}gpu_op.cc": kernel("Gpu"),
    f"{KERNELS}deep_conv2d.cc": "",
    f"{KERNELS}string_lower_op.cc": kernel("StringLower"),
    f"{KERNELS}string_upper_op.cc": kernel("StringUpper"),
}


@pytest.fixture
def portable(tmp_path: Path) -> Portable:
    return Portable(grow(tmp_path, FILES))


def kernels(*names: str) -> list[str]:
    return [f"{KERNELS}{name}.cc" for name in names]


def test_the_framework_is_what_mobile_lists_name_and_what_they_include(portable: Portable) -> None:
    assert portable.framework == [
        "tensorflow/cc/saved_model/loader.cc",
        "tensorflow/cc/saved_model/reader.cc",
        "tensorflow/core/framework/tensor.cc",
        "tensorflow/core/platform/default/env.cc",
        "tensorflow/core/util/util.cc",
    ]


def test_sources_of_ops_and_kernels_with_what_they_register(portable: Portable) -> None:
    assert portable.ops[f"{OPS}math_ops.cc"] == {"Add", "Sub"}
    assert portable.kernels[f"{KERNELS}add_op_double.cc"] == {"Add"}
    assert portable.kernels[f"{KERNELS}fill_int.cc"] == frozenset()
    assert f"{KERNELS}gpu_op.cc" not in portable.kernels


def test_ops_that_the_port_serves(portable: Portable) -> None:
    assert portable.served_ops == ["Add", "Cast", "NoOp", "Parse", "Sub", "_Arg"]


def test_messages_whose_headers_something_includes(portable: Portable) -> None:
    names = ("tensor", "types")
    assert portable.protos() == [f"tensorflow/core/framework/{name}.proto" for name in names]


def selected(portable: Portable, pairs: Iterable[tuple[str, str]] | None, more: bool = False) -> list[str]:
    return portable.selected(pairs, portable.framework, more)


def test_a_selection_takes_the_sources_of_its_kernels_their_helpers_and_ops(portable: Portable) -> None:
    # fill.h stands beside no fill.cc: what is named for it implements it.
    wanted = kernels("add_op_float", "functor", "fill_int", "fill_float")
    assert selected(portable, [ADD]) == sorted([*wanted, f"{OPS}math_ops.cc", *SYSTEM])


def test_what_is_compiled_already_is_not_compiled_again(portable: Portable) -> None:
    found = portable.selected(iter([ADD]), [*portable.framework, f"{KERNELS}functor.cc"])
    assert found == sorted([f"{KERNELS}add_op_float.cc", f"{OPS}math_ops.cc", *SYSTEM])


def test_what_is_compiled_already_is_not_followed(portable: Portable) -> None:
    """It may include what a mobile build leaves out, or what other kernels need."""
    source = f"{KERNELS}functor.cc"
    (portable.root / source).write_text(includes("tensorflow/core/useless.h"))
    grow(portable.root, {"tensorflow/core/useless.h": "", "tensorflow/core/useless.cc": ""})
    for pairs in ([ADD], None):
        found = portable.selected(pairs, [*portable.framework, source])
        assert "tensorflow/core/useless.cc" not in found
        found = portable.selected(pairs, [*portable.framework, source], more=True)
        assert "tensorflow/core/useless.cc" in found and source not in found


def test_sources_that_register_other_kernels_come_only_when_more_is_asked(portable: Portable) -> None:
    pairs = [("Sub", "SubOp")]
    few = sorted([*kernels("sub_op", "cast_op_impl_bool"), f"{OPS}math_ops.cc", *SYSTEM])
    assert selected(portable, pairs) == few
    assert selected(portable, pairs, more=True) == sorted([*few, f"{KERNELS}cast_op.cc"])


def test_what_an_op_calls_comes_with_it(portable: Portable) -> None:
    found = selected(portable, [("Parse", "ParseOp")])
    helper = "tensorflow/core/util/example_helper.cc"
    assert found == sorted([f"{KERNELS}parse_op.cc", f"{OPS}parsing_ops.cc", helper, *SYSTEM])
    assert helper not in selected(portable, [ADD, CAST])
    assert helper in selected(portable, None)


def test_an_op_without_a_kernel_is_defined(portable: Portable) -> None:
    assert selected(portable, [("Unserved", "")]) == sorted([f"{OPS}array_ops.cc", *SYSTEM])


def test_no_pairs_need_what_every_graph_has(portable: Portable) -> None:
    assert selected(portable, []) == sorted(SYSTEM)


def test_all_takes_every_source(portable: Portable) -> None:
    found = selected(portable, None)
    assert {*portable.kernels, *portable.ops} <= set(found)
    assert not set(found) & set(portable.framework)
    assert {f"{KERNELS}orphan.cc", f"{OPS}math_grad.cc"} <= set(found)
    assert f"{KERNELS}gpu_op.cc" not in found


def test_costly_kernels_come_first_and_alone() -> None:
    names = ("a", "b", "conv_ops_float", "matmul_op_real", "z")
    paths = [*kernels(*names), f"{OPS}math_ops.cc", f"{OPS}no_op.cc"]
    units = gather_kernels(paths)
    assert list(units.values()) == [
        kernels("conv_ops_float"),
        kernels("matmul_op_real"),
        [f"{OPS}math_ops.cc"],
        kernels("a", "b", "z"),
        [f"{OPS}no_op.cc"],
    ]


def test_kernels_that_define_one_name_share_no_unit() -> None:
    # Two templates BinaryOp, two classes DeserializeSparseOp.
    paths = kernels(
        "bias_op", "cwise_op_add_1", "deserialize_sparse_string_op", "deserialize_sparse_variant_op"
    )
    assert list(gather_kernels(paths).values()) == [
        kernels("bias_op", "deserialize_sparse_string_op"),
        kernels("cwise_op_add_1"),
        kernels("deserialize_sparse_variant_op"),
    ]


@pytest.mark.parametrize("name", ["lower_if_op", "lower_while_op", "gradients"])
def test_what_would_define_a_name_twice_stays_alone(name: str) -> None:
    assert ALONE.search(f"tensorflow/core/common_runtime/{name}.cc")
    assert not ALONE.search(f"tensorflow/core/common_runtime/follow_{name}.cc")


def test_the_index_names_what_was_compiled_and_what_can_be(portable: Portable, tmp_path: Path) -> None:
    write_index(portable, tmp_path / "index.json")
    index = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    assert index == {"framework": portable.framework, "ops": portable.served_ops}
