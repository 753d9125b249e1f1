"""The header of a selection through a compiler, read as TensorFlow's macros read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tfport.core.selection import ALL, header

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")

SELECTION = "AddV2:BinaryOp<CPUDevice, functor::add<float>>;AccumulateNV2;Conv2D:Conv2DOp<CPUDevice, float>"
PROGRAM = r"""
#include <type_traits>
#include "ops_to_register.h"
#if !(defined(SHOULD_REGISTER_OP) && defined(SHOULD_REGISTER_OP_GRADIENT) && \
      defined(SHOULD_REGISTER_OP_KERNEL))
#error a macro is missing
#endif
#define OP(name) std::integral_constant<bool, !(false || SHOULD_REGISTER_OP(name))>::value
#define KERNEL(...) std::integral_constant<bool, !(SHOULD_REGISTER_OP_KERNEL(#__VA_ARGS__))>::value
"""


def compile_(folder: Path, selection: str, *asserts: str) -> str:
    """What the compiler says; "" is consent."""
    (folder / "ops_to_register.h").write_text(header(selection))
    lines = "".join(f"static_assert({text});\n" for text in asserts)
    (folder / "use.cc").write_text(PROGRAM + lines + "int main() { return SHOULD_REGISTER_OP_GRADIENT; }\n")
    words = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "use.cc"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True).stderr


def test_what_is_selected_and_nothing_else_registers(tmp_path: Path) -> None:
    said = compile_(
        tmp_path,
        SELECTION,
        '!OP("AddV2")',
        '!OP("AccumulateNV2")',
        'OP("Add")',
        'OP("AddV22")',
        'OP("")',
        "!KERNEL(BinaryOp<CPUDevice, functor::add<float>>)",
        "!KERNEL(BinaryOp< CPUDevice,functor::add<float> >)",
        "KERNEL(BinaryOp<CPUDevice, functor::add<double>>)",
        "KERNEL(Conv2DOp<CPUDevice, float>s)",
        "KERNEL(Conv2DOp)",
        "!SHOULD_REGISTER_OP_GRADIENT",
    )
    assert said == ""
    assert 'OP("Conv2D")' in compile_(tmp_path, SELECTION, 'OP("Conv2D")')


def test_all_registers_everything(tmp_path: Path) -> None:
    said = compile_(tmp_path, ALL, '!OP("Anything")', "!KERNEL(Any<thing>)", "SHOULD_REGISTER_OP_GRADIENT")
    assert said == ""


def test_ops_without_any_kernel_compile(tmp_path: Path) -> None:
    assert compile_(tmp_path, "AccumulateNV2", '!OP("AccumulateNV2")', "KERNEL(Any)") == ""


def test_two_thousand_kernels_are_within_the_compiler_s_limits(tmp_path: Path) -> None:
    many = ";".join(f"Op{n}:Some::KernelClass{n}<CPUDevice, float>" for n in range(2000))
    said = compile_(tmp_path, many, '!OP("Op1999")', "!KERNEL(Some::KernelClass1999<CPUDevice, float>)")
    assert said == ""
