"""The kernels of TensorFlow Lite and what is patched into XNNPACK, under the emulator, against references."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.e2e.support import home
from tfport.command import run
from tfport.conan import Conan, render_profile
from tfport.environment import compile_jobs
from tfport.target import load_target

pytestmark = pytest.mark.e2e
NATIVE = Path(__file__).parent / "native"
FLAVOURS = {
    "float x float -> float",
    "uint8 x uint8 -> uint8",
    "uint8 x uint8 -> int16",
    "int8 x int8 -> int8, per tensor",
    "int8 x int8 -> int8, per channel",
    "int8 x int8 -> int16, per tensor",
    "int8 x int16 -> int16, per tensor",
    "int8 x int16 -> int16, per channel",
    "uint8 x uint8 -> int32",
    "int8 x int8 -> int32",
    "int8 x int16 -> int32",
    "BATCH_MATMUL int8 -> int8",
    "CONV_2D float",
    "CONV_2D uint8",
    "CONV_2D int8",
    "CONV_2D int16x8",
    "CONV_2D hybrid",
    "hybrid matrix x vectors",
    "int8 x int8 -> int16 and int8, LSTM",
}
LAYERS = {
    "1x1",
    "3x3",
    "few channels",
    "grouped",
    "depthwise",
    "depthwise, several for a channel",
    "transposed",
    "fully connected",
}
QS8_KERNELS = {
    "gemm_minmax_fp32_ukernel_1x8c2s8__asm_aarch32_neon_mlal",
    "gemm_minmax_fp32_ukernel_4x8c2s8__asm_aarch32_neon_mlal",
    "igemm_minmax_fp32_ukernel_1x8c2s8__asm_aarch32_neon_mlal",
    "igemm_minmax_fp32_ukernel_4x8c2s8__asm_aarch32_neon_mlal",
    "igemm_minmax_fp32_ukernel_4x8c2s8__neon_mlal_gather",
    "dwconv_minmax_fp32_ukernel_9p16c__asm_aarch32_neon_mla8",
    "dwconv_minmax_fp32_ukernel_25p8c__neon_mla8_ld64",
}


WHERE = [
    pytest.param(("zuluko", "sdk_all"), id="zuluko"),
    pytest.param(("zuluko-vfpv3", "sdk_vfpv3"), id="zuluko-vfpv3", marks=pytest.mark.full),
]


@pytest.fixture(scope="module", params=WHERE)
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the native tests print, built against the packages of an SDK and run on its target's CPU."""
    target, sdk = request.param
    request.getfixturevalue(sdk)
    folder = tmp_path_factory.mktemp("native")
    conan = Conan(home() / "conan", home() / "sources", folder / "logs")
    conan.prepare()
    profile = conan.write_profile(render_profile(load_target(target), compile_jobs()))
    words = ["build", NATIVE, f"--output-folder={folder}", "--build=missing", "--no-remote"]
    words += ["--profile:build=default", f"--profile:host={profile}"]
    env = {"CONAN_HOME": str(conan.home), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = run([sys.executable, "-m", "conans.conan", *words], cwd=folder, env=env)
    return done.stdout + done.stderr


def test_every_flavour_of_matrix_product_agrees_with_the_reference_kernels(said: str) -> None:
    lines = re.findall(r"^(\S.*?) +(\d+) products, (\d+) values, (\d+) differ$", said, re.MULTILINE)
    assert {name for name, *_ in lines} == FLAVOURS
    assert {name: int(differ) for name, _, _, differ in lines} == dict.fromkeys(FLAVOURS, 0)
    assert all(int(values) >= 40_000 for _, _, values, _ in lines)


def test_fourier_transforms_agree_with_their_definition(said: str) -> None:
    errors = dict(re.findall(r"^([^\s,][^,\n]*?) +worst error (\S+)$", said, re.MULTILINE))
    assert set(errors) == {"RFFT2D", "IRFFT2D", "audio spectrogram"}
    assert all(float(error) < 1e-11 for error in errors.values())


def test_8_bit_layers_of_xnnpack_agree_with_plain_loops(said: str) -> None:
    lines = re.findall(r"^(\S.*): (\d+) layers, (\d+) values, (\d+) differ$", said, re.MULTILINE)
    assert {name for name, *_ in lines} == LAYERS
    assert {name: int(differ) for name, _, _, differ in lines} == dict.fromkeys(LAYERS, 0)
    assert all(int(layers) >= 60 and int(values) >= 18_000 for _, layers, values, _ in lines)
    assert set(re.findall(r"^ran xnn_qs8_qc8w_(\w+)$", said, re.MULTILINE)) == QS8_KERNELS


def test_float_products_and_convolutions_of_xnnpack_agree_with_their_definition(said: str) -> None:
    lines = re.findall(r"^(\S.*?) +(\d+) cases, (\d+) values, worst error (\S+)$", said, re.MULTILINE)
    worst = {name: float(error) for name, _, _, error in lines}
    # Winograd's transform costs a digit. Zero would mean that nothing was compared.
    limits = {"GEMM 4x8": 1e-6, "IGEMM 4x8": 2e-6, "convolution": 2e-6, "depthwise": 1e-6}
    limits |= {"Winograd": 2e-5, "Winograd on threads": 2e-5}
    assert set(worst) == set(limits)
    assert all(0 < worst[name] < limit for name, limit in limits.items()), worst
