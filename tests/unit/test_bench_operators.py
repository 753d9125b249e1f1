from __future__ import annotations

import pytest

from tests.unit.bench_fakes import CLASSES
from tfport.bench.charts import OPERATORS
from tfport.bench.data import load
from tfport.bench.operators import REST, Symbols, group_of, operator_of, split
from tfport.bench.profile import Profile


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        ("xnn_f32_igemm_minmax_ukernel_4x8__asm_aarch32_neon_cortex_a7", "convolution"),
        ("xnn_qs8_qc8w_gemm_minmax_fp32_ukernel_4x8c4__neondot", "convolution"),
        ("xnn_f32_conv_hwc2chw_ukernel_3x3s2p1c3x4__neon_2x2", "convolution"),
        ("xnn_f32_dwconv_minmax_ukernel_9p8c__neonfma", "depthwise convolution"),
        ("xnn_f32_maxpool_minmax_ukernel_9p8x__neon_c4", "pooling"),
        ("xnn_f32_gavgpool_minmax_ukernel_7p7x__neon_c4", "pooling"),
        ("xnn_f32_rdsum_ukernel_7p7x__neon_c16", "pooling"),
        ("xnn_f32_raddstoreexpminusmax_ukernel__neonfma_rr1_p5_u8", "softmax"),
        ("_ZN6tflite13reference_ops7SoftmaxERKNS_13SoftmaxParams", "softmax"),
        ("xnn_xx_copy_ukernel__scalar_memcpy", "concatenate"),
        ("memcpy", "concatenate"),
        ("xnn_qs8_vcvt_ukernel__neon_u32", "requantisation"),
        ("xnn_f32_vadd_minmax_ukernel__neon_u8", "element-wise"),
        ("_ZN8arm_gemm13a32_sgemm_8x6EPKfS1_Pfiii", "convolution"),
        ("_ZN11arm_compute3cpu7kernels10run_im2colIfLb1ELb0EEEvPKNS_7ITensorE", "convolution"),
        ("_ZN11arm_compute3cpu7kernels31CpuGemmLowpMatrixMultiplyKernel6run_opE", "convolution"),
        ("_ZN8arm_conv9depthwise31a32_fp32_nhwc_3x3_s1", "depthwise convolution"),
        ("_ZN11arm_compute3cpu7kernels48run_offset_contribution_output_stage_window_symmE", "requantisation"),
        ("_ZN11arm_compute3cpu25poolingMxN_fp32_neon_nhwcEPKNS_7ITensorE", "pooling"),
        ("_ZN11arm_compute3cpu20neon_softmax_x_floatIfLb0EEEvPKNS_7ITensorE", "softmax"),
        ("_ZN11arm_compute3cpu30neon_qasymm8_signed_activationEPKNS_7ITensorE", "element-wise"),
        ("_ZNK11arm_compute6Tensor4infoEv", REST),
        ("malloc", REST),
        ("", REST),
    ],
)
def test_a_function_works_for_one_operator(function: str, operator: str) -> None:
    assert operator_of(function) == operator


def test_what_is_copied_in_the_arm_compute_library_is_for_its_convolutions() -> None:
    assert operator_of("memcpy", ["arm_compute"]) == "convolution"
    blocks = {0x10: (4.0,) * len(CLASSES), 0x20: (1.0,) * len(CLASSES)}
    for beside, operator in (("_ZN11arm_compute6TensorE", "convolution"), ("xnn_f32_gemm", "concatenate")):
        parts = split(Profile(CLASSES, blocks), Symbols([0x10, 0x40], ["__memcpy_neon", beside]), False)
        assert list(parts) == [operator]


def test_the_articles_groups_hold_known_operators_only() -> None:
    named = {rule["operator"] for rule in load("operators.toml")["rule"]}
    assert named | {REST} == set(OPERATORS)
    assert {operator for members in load("operators.toml")["group"].values() for operator in members} <= named
    assert group_of("convolution") == "convolution, ReLU, concatenate"
    assert group_of("softmax") == "pooling, softmax"
    assert group_of(REST) == REST


def test_requantisation_is_taken_out_of_quantised_convolutions_only() -> None:
    symbols = Symbols([0x100, 0x200], ["xnn_qs8_gemm", "xnn_qs8_maxpool"])
    blocks = {0x100: (4.0, 3.0, 2.0, 1.0), 0x180: (1.0, 0.0, 0.0, 0.0), 0x200: (0.0, 5.0, 0.0, 0.0)}
    parts = split(Profile(CLASSES, blocks), symbols, quantised=True)
    assert {name: part["total"] for name, part in parts.items()} == {
        "convolution": 8,
        "pooling": 5,
        "requantisation": 3,
    }
    assert next(iter(parts)) == "convolution"
    plain = split(Profile(CLASSES, blocks), symbols, quantised=False)
    assert {name: part["total"] for name, part in plain.items()} == {"convolution": 11, "pooling": 5}


def test_code_before_every_symbol_is_the_rest() -> None:
    parts = split(Profile(CLASSES, {0x10: (1.0, 0.0, 0.0, 0.0)}), Symbols([0x100], ["f"]), quantised=False)
    assert list(parts) == [REST]
