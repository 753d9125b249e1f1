"""Registrations in sources: which ops a source defines, which it serves, which sources a selection needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.trees import grow
from tfport.core.steps.registrations import (
    helpers_of,
    instantiating,
    portable_ops,
    read_kernels,
    read_ops,
    registered_kernels,
    registered_ops,
    sources_of,
)

KERNELS = "tensorflow/core/kernels/"


def test_ops_that_a_source_defines() -> None:
    text = (
        'REGISTER_OP("Relu")\n    .Input("features: T");\n'
        'REGISTER_SYSTEM_OP("_Arg").Output("o: T");\n'
        'REGISTER_OP(\n    "LongName")\n'
        '// REGISTER_OP("Comment")\n/* REGISTER_OP("Block")\n REGISTER_OP("Block2") */\n'
        'REGISTER_STATELESS_OP("Random");\n'
        'TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder("Bitcast");\n'
        'REGISTER_OP_GRADIENT("Grad", f);\nMY_REGISTER_OP("Other");\n'
    )
    assert registered_ops(text) == {"Relu", "_Arg", "LongName", "Random", "Bitcast"}


@pytest.mark.parametrize(
    "text",
    [
        'REGISTER_KERNEL_BUILDER(Name("Relu").Device(DEVICE_CPU), ReluOp);',
        'REGISTER_KERNEL_BUILDER(\n    Name(\n        "Relu")\n        .Device(DEVICE_CPU),\n    ReluOp);',
        'REGISTER_SYSTEM_KERNEL_BUILDER(Name("Relu").Device(DEVICE_CPU), ReluOp);',
        '#define REGISTER(T)  \\\n  REGISTER_KERNEL_BUILDER(Name("Relu").TypeConstraint<T>("T"), Op<T>);\n',
        'TF_NewKernelBuilder("Relu", "CPU", &create, &compute, &drop)',
        'REGISTER2(UnaryOp, CPU, "Relu", functor::relu, float, double);',
        'REGISTER(BinaryOp, CPU, "Relu",\n         functor::relu, float);',
        'REGISTER_RELU("Relu");',
        "#define REGISTER(name, T)  \\\n  REGISTER_KERNEL_BUILDER(Name(#name)  \\\n      .Device(D), Op);\n"
        "#define REGISTER_TYPES(T) REGISTER(Relu, T); REGISTER(Elu, T);\n",
        'constexpr char kRelu[] = "Relu";\nREGISTER_KERNEL_BUILDER(Name(kRelu).Device(DEVICE_CPU), ReluOp);',
        '/* static */ constexpr char* const Op::kRelu = "Relu";\nREGISTER_KERNEL_BUILDER(Name(kRelu), Op);',
    ],
)
def test_kernels_that_a_source_registers(text: str) -> None:
    assert "Relu" in registered_kernels(text)


@pytest.mark.parametrize(
    "text",
    [
        '// REGISTER_KERNEL_BUILDER(Name("Relu").Device(DEVICE_CPU), ReluOp);',
        '/* REGISTER2(UnaryOp, CPU, "Relu", functor::relu, float); */',
        'SetName("Relu"); errors::Internal("Relu");',
        'REGISTER_NOTHING(float); return "Relu";',
        'constexpr char kRelu[] = "Relu";',
        'REGISTER_KERNEL_BUILDER(Name("Relu")  \\\n    .Device(DEVICE_GPU).Priority(1), ReluOp);',
    ],
)
def test_what_registers_nothing(text: str) -> None:
    assert "Relu" not in registered_kernels(text)


def test_the_name_of_an_attribute_is_no_op() -> None:
    text = 'REGISTER_KERNEL_BUILDER(Name("Cast").TypeConstraint<float>("T"), CastOp);'
    assert registered_kernels(text) == {"Cast"}


NAMES = {"One", "Two", "Three", "Four", "Five"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "{One}\n#if GOOGLE_CUDA || TENSORFLOW_USE_ROCM\n{Two}\n#endif  // GOOGLE_CUDA\n{Three}",
            "One Three",
        ),
        ("#if (defined(GOOGLE_CUDA) && GOOGLE_CUDA) || \\\n    X\n{One}\n#endif\n{Two}", "Two"),
        ("#ifdef INTEL_MKL\n{One}\n#else\n{Two}\n#endif\n{Three}", "Two Three"),
        ("#if GOOGLE_CUDA\n#if X\n{One}\n#else\n{Two}\n#endif\n{Three}\n#endif\n{Four}", "Four"),
        (
            "#if X\n{One}\n#if GOOGLE_CUDA\n{Two}\n#endif\n{Three}\n#else\n{Four}\n#endif\n{Five}",
            "One Three Four Five",
        ),
        ("#ifndef INTEL_MKL\n{One}\n#endif\n#if !GOOGLE_CUDA\n{Two}\n#endif", "One Two"),
        ("#ifndef IS_MOBILE_PLATFORM\n{One}\n#endif\n{Two}", "Two"),
        ("#  if !defined(IS_MOBILE_PLATFORM)  // big\n{One}\n#endif\n{Two}", "Two"),
        ("#if defined(IS_MOBILE_PLATFORM)\n{One}\n#endif\n{Two}", "One Two"),
        ("#if defined(__ANDROID__)\n{One}\n#endif\n{Two}", "One Two"),
    ],
)
def test_what_is_for_other_platforms_does_not_count(text: str, left: str) -> None:
    ops = text.format(**{name: f'REGISTER_OP("{name}")' for name in NAMES})
    assert registered_ops(ops) == set(left.split())
    kernels = text.format(**{name: f'REGISTER_KERNEL_BUILDER(Name("{name}"), Op);' for name in NAMES})
    assert registered_kernels(kernels) == set(left.split())


def test_files_are_read_from_the_tree(tmp_path: Path) -> None:
    grow(tmp_path, {"o/a_ops.cc": 'REGISTER_OP("A")', "o/b_ops.cc": "", "o/c_ops.cc": 'REGISTER_OP("C")'})
    assert read_ops(tmp_path, ["o/a_ops.cc", "o/b_ops.cc"]) == {
        "o/a_ops.cc": {"A"},
        "o/b_ops.cc": frozenset(),
    }


def test_kernels_that_a_header_of_the_source_registers(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {
            f"{KERNELS}sum_op.cc": f'#include "{KERNELS}sum_op.h"\n  #include "{KERNELS}sum_op_impl.h"\n',
            f"{KERNELS}sum_op_impl.h": 'REGISTER_KERNEL_BUILDER(Name("Sum").Device(DEVICE_CPU), SumOp);',
            f"{KERNELS}sum_op.h": 'REGISTER_KERNEL_BUILDER(Name("Other").Device(DEVICE_CPU), Op);',
            f"{KERNELS}bare.cc": f'#include "{KERNELS}gone_impl.h"\n',
            f"{KERNELS}grad_ops.h": '#define REGISTER(T) REGISTER_KERNEL_BUILDER(Name("Grad"), GradOp<T>)\n',
            f"{KERNELS}grad_ops_float.cc": f'#include "{KERNELS}grad_ops.h"\nTF_CALL_float(REGISTER);\n',
            f"{KERNELS}gradient.cc": f'#include "{KERNELS}grad_ops.h"\n',
            f"{KERNELS}linalg/solve_op_real.cc": f'#include "{KERNELS}linalg/solve_op_impl.h"\n',
            f"{KERNELS}linalg/solve_op_impl.h": 'REGISTER_KERNEL_BUILDER(Name("Solve"), SolveOp<type>);',
        },
    )
    names = ("sum_op", "bare", "grad_ops_float", "gradient", "linalg/solve_op_real")
    sources = [f"{KERNELS}{name}.cc" for name in names]
    found = read_kernels(tmp_path, sources)
    assert [found[path] for path in sources] == [{"Sum", "Other"}, set(), {"Grad"}, set(), {"Solve"}]


def test_bytes_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.cc").write_bytes(b'// \xff\xfe\nREGISTER_OP("A")')
    assert read_ops(tmp_path, ["a.cc"]) == {"a.cc": {"A"}}


def test_an_op_is_portable_if_it_is_defined_and_served() -> None:
    ops = {"a": frozenset({"Relu", "Log", "_Arg"}), "b": frozenset({"Sum"})}
    kernels = {"k": frozenset({"Sum", "T", "Undefined"}), "l": frozenset({"Relu"})}
    # _Arg's kernel stands in a source that is always compiled.
    assert portable_ops(ops, kernels) == ["Relu", "Sum", "_Arg"]
    assert portable_ops({}, {}) == []


def chosen(*pairs: tuple[str, str]) -> list[str]:
    kernels = {
        "k/conv_ops.cc": {"Conv2D"},
        "k/conv_ops_float.cc": {"Conv2D"},
        "k/conv_ops_double.cc": {"Conv2D"},
        "k/matmul_op_int32.cc": {"MatMul", "BatchMatMul"},
        "k/matmul_op_real.cc": {"MatMul", "BatchMatMul"},
        "k/relu_op.cc": {"Relu", "Relu6"},
        "k/helper.cc": set(),
    }
    return sources_of({path: frozenset(names) for path, names in kernels.items()}, pairs)


def test_sources_that_serve_an_op() -> None:
    assert chosen(("Relu6", "Relu6Op<CPUDevice, float>")) == ["k/relu_op.cc"]
    assert chosen(("Relu6", "A"), ("Relu", "B")) == ["k/relu_op.cc"]
    assert chosen(("Gone", "A")) == [] == chosen()


def test_a_source_named_for_a_type_serves_that_type() -> None:
    assert chosen(("Conv2D", "Conv2DOp<CPUDevice, float>")) == ["k/conv_ops.cc", "k/conv_ops_float.cc"]
    assert chosen(("Conv2D", "Conv2DOp<CPUDevice, double>")) == ["k/conv_ops.cc", "k/conv_ops_double.cc"]
    assert chosen(("MatMul", "MatMulOp<CPUDevice, int32>")) == [
        "k/matmul_op_int32.cc",
        "k/matmul_op_real.cc",
    ]
    assert chosen(("MatMul", "MatMulOp<CPUDevice, float>")) == ["k/matmul_op_real.cc"]


def test_the_type_is_that_of_an_op_of_the_source() -> None:
    pairs = [("Conv2D", "Conv2DOp<CPUDevice, float>"), ("Relu", "ReluOp<CPUDevice, double>")]
    assert "k/conv_ops_double.cc" not in chosen(*pairs)


def test_helpers_of_included_headers(tmp_path: Path) -> None:
    headers = ("cast_op.h", "cast_op_impl.h", "fill_functor.h", "tile_functor.h", "tile_functor_cpu.h")
    grow(tmp_path, {f"k/{name}": "" for name in headers})
    helpers = [
        "k/cast_op_impl_bool.cc",
        "k/cast_op_impl_float.cc",
        "k/fill_functor.cc",
        "k/tile_functor_cpu_float.cc",
        "k/orphan.cc",
    ]

    def of(*names: str) -> list[str]:
        return helpers_of(tmp_path, [f"k/{name}" for name in names], reversed(helpers))

    assert of("cast_op_impl.h") == ["k/cast_op_impl_bool.cc", "k/cast_op_impl_float.cc"]
    assert of("cast_op.h") == [], "the longest header is cast_op_impl.h"
    assert of("fill_functor.h", "fill_functor.cc") == ["k/fill_functor.cc"]
    assert of("tile_functor.h") == ["k/tile_functor_cpu_float.cc"] == of("tile_functor_cpu.h")
    assert of() == []


def test_a_helper_of_a_header_in_another_folder_is_none(tmp_path: Path) -> None:
    grow(tmp_path, {"k/cast_op.h": "", "k/sub/cast_op.h": ""})
    assert helpers_of(tmp_path, ["k/cast_op.h"], ["k/sub/cast_op_bool.cc"]) == []


def test_what_a_source_promises_is_instantiated_elsewhere(tmp_path: Path) -> None:
    folder = "tensorflow/core/kernels"
    files = {
        f"{folder}/tile_ops.cc": "  extern template struct Tile<CPUDevice, T, int32>; \\\n",
        f"{folder}/slice_op.cc": "int x;\n",
        f"{folder}/tile_functor_cpu_float.cc": "template struct Tile<CPUDevice, float, int32>;\n",
        f"{folder}/tile_ops_cpu_impl.h": "  template struct Tile<Eigen::ThreadPoolDevice, T, 1>;\n",
        f"{folder}/tile_ops_cpu_impl_1.cc": f'#include "{folder}/tile_ops_cpu_impl.h"\n',
        f"{folder}/other_cpu.cc": "extern template struct Tile<CPUDevice, T>;\n"
        "template struct Other<CPUDevice>;\n",
    }
    grow(tmp_path, files)
    helpers = [name for name in files if "cpu" in name and name.endswith(".cc")]
    found = [f"{folder}/tile_functor_cpu_float.cc", f"{folder}/tile_ops_cpu_impl_1.cc"]
    assert instantiating(tmp_path, [f"{folder}/tile_ops.cc"], helpers) == found
    assert instantiating(tmp_path, [f"{folder}/slice_op.cc"], helpers) == []
