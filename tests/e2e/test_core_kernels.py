"""Convolutions and matrix products of TensorFlow core through XNNPACK, on the target's CPU.

programs/core_xnnpack.cc runs some hundred graphs of many shapes twice, with XNNPACK and without.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.support import PROGRAMS, Sdk, exported, profile_of
from tests.e2e.support import conan_lock as lock
from tfport.core.port import FAST
from tfport.core.selection import canonical
from tfport.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.full]
FLOATS = "<CPUDevice, float>"
INT32 = "::tensorflow::int32"
KERNELS = canonical(
    [
        ("Add", "BinaryOp<CPUDevice, functor::add<float>>"),
        ("AddV2", "BinaryOp<CPUDevice, functor::add<float>>"),
        ("AddV2", "BinaryOp<CPUDevice, functor::add<int32>>"),
        ("Less", "BinaryOp<CPUDevice, functor::less<int32>>"),
        ("BiasAdd", f"BiasOp{FLOATS}"),
        ("Conv2D", f"Conv2DOp{FLOATS}"),
        ("DepthwiseConv2dNative", f"DepthwiseConv2dNativeOp{FLOATS}"),
        ("MatMul", "BatchMatMulOp<CPUDevice, float, float, float, true>"),
        ("MatMul", f"BatchMatMulOp<CPUDevice, {INT32}, {INT32}, {INT32}, true>"),
        ("Pad", "PadOp<CPUDevice, float, int32>"),
        ("Relu", f"ReluOp{FLOATS}"),
        ("Relu6", f"Relu6Op{FLOATS}"),
        ("Reshape", "ReshapeOp"),
        *((name, f"{name}Op") for name in ("Enter", "Exit", "Merge", "NextIteration", "Switch", "LoopCond")),
        *((name, f"{name}Op") for name in ("Identity", "Placeholder")),
        ("NoOp", "NoOp"),
        ("Const", "ConstantOp"),
        ("_Arg", "ArgOp"),
        ("_Retval", "RetvalOp"),
        *FAST.values(),
    ]
)
GROUPS = 13  # lines that the program prints, one for each group of graphs


@pytest.fixture(scope="module")
def program(zuluko: Target, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sdk, Path]:
    """The test program, in a library cut to the ops of its graphs."""
    folder = tmp_path_factory.mktemp("kernels")
    conan = exported(folder / "logs")
    with lock():
        package = conan.install("tfport-core/2.14.1", profile_of(zuluko), [f"tfport-core/*:ops={KERNELS}"])
    sdk = Sdk(package, zuluko, "tensorflow-core")
    flags = (f"-I{PROGRAMS}", "-static", "-Wl,--gc-sections")
    return sdk, sdk.cxx_program(PROGRAMS / "core_xnnpack.cc", folder / "core_xnnpack", *flags)


@pytest.mark.parametrize("threads", [1, 4])
def test_fast_kernels_agree_with_the_stock_ones(program: tuple[Sdk, Path], threads: int) -> None:
    sdk, path = program
    done = sdk.run(path, str(threads), timeout=1800)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if " runs, " in line]
    assert len(lines) >= GROUPS and all(line.endswith(" 0 differ") for line in lines)
