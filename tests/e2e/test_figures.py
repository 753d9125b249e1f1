"""The figures that the project promises, on SqueezeNet v1.1 in float32 with one thread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import build
from tests.e2e.support import Sdk, home, is_static_and_stripped
from tfport.convert import PARAMETERS
from tfport.emulator import Emulator, build_counter
from tfport.target import Target

pytestmark = pytest.mark.e2e
MEGABYTE = 1_000_000
WEIGHTS = 4 * PARAMETERS  # bytes
QUADS = 87e6  # the number of multiply-adds / 4 lanes
KERNEL = "4x8__asm_aarch32_neon_ld128"  # ours for Cortex-A7 (patches/xnnpack/0010)


@pytest.fixture(scope="module")
def report(sdk_squeezenet: Sdk, squeezenet: Path) -> dict[str, Any]:
    return ran(sdk_squeezenet, squeezenet)


def ran(sdk: Sdk, model: Path) -> dict[str, Any]:
    done = sdk.run(sdk.runner, model, "--json", "--repeat", "2")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def instructions(sdk: Sdk, model: Path) -> float:
    return Emulator.for_target(sdk.target).count_per_round(
        lambda rounds: [sdk.runner, model, "--repeat", str(rounds)],
        build_counter(home() / "tools"),
        timeout=600,
    )["total"]


def test_program_size(sdk_squeezenet: Sdk) -> None:
    """Static, stripped, C library included."""
    assert is_static_and_stripped(sdk_squeezenet.runner)
    assert sdk_squeezenet.runner.stat().st_size <= 1.5 * MEGABYTE


def test_instructions_per_inference(sdk_squeezenet: Sdk, squeezenet: Path) -> None:
    # Winograd's transform leaves 56 of 87 million multiply-adds by four lanes: below that, some are missing.
    assert 56e6 < instructions(sdk_squeezenet, squeezenet) <= 95e6


def test_memory_of_one_inference(report: dict[str, Any]) -> None:
    # Of a 3x3 kernel Winograd's transform makes 6x6 weights.
    assert WEIGHTS <= report["packed_weights_bytes"] <= 2.5 * WEIGHTS
    used = report["heap_high_water_bytes"] + report["mapped_model_bytes"]
    assert used <= report["packed_weights_bytes"] + 5 * MEGABYTE
    # The model's own copy of the weights was given back once it was packed.
    assert report["mapped_model_bytes"] < WEIGHTS / 4


def test_kernels_are_those_of_the_board(report: dict[str, Any]) -> None:
    """QEMU shows this machine's /proc/cpuinfo; the kernels must be the Cortex-A7's all the same."""
    gemms = [name for name in report["kernels"] if "f32_gemm" in name or "f32_igemm" in name]
    assert gemms and all(name.endswith(KERNEL) for name in gemms if "minmax" in name), report["kernels"]
    assert [name for name in report["kernels"] if "winograd" in name]
    assert report["xnnpack"] and report["delegated_nodes"] > 0


@pytest.mark.full
def test_lean_has_no_transformed_weights(
    zuluko: Target, squeezenet: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sdk = build(tmp_path_factory.mktemp("lean"), zuluko, "--model", str(squeezenet), "--memory", "lean")
    report = ran(sdk, squeezenet)
    assert WEIGHTS <= report["packed_weights_bytes"] <= 1.1 * WEIGHTS
    assert not [name for name in report["kernels"] if "winograd" in name]
    assert QUADS < instructions(sdk, squeezenet) <= 140e6
