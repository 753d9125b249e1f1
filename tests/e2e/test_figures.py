"""The figures that the project promises, on SqueezeNet v1.1 in float32 with one thread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Sdk, home, is_static_and_stripped
from tfport.convert import PARAMETERS
from tfport.emulator import Emulator, build_counter

pytestmark = pytest.mark.e2e
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def report(sdk_squeezenet: Sdk, squeezenet: Path) -> dict[str, Any]:
    done = sdk_squeezenet.run(sdk_squeezenet.runner, squeezenet, "--json", "--repeat", "2")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_program_size(sdk_squeezenet: Sdk) -> None:
    """Static, stripped, C library included."""
    assert is_static_and_stripped(sdk_squeezenet.runner)
    assert sdk_squeezenet.runner.stat().st_size <= 1.5 * MEGABYTE


def test_instructions_per_inference(sdk_squeezenet: Sdk, squeezenet: Path) -> None:
    counter = build_counter(home() / "tools")
    counts = Emulator.for_target(sdk_squeezenet.target).count_per_round(
        lambda rounds: [sdk_squeezenet.runner, squeezenet, "--repeat", str(rounds)], counter, timeout=600
    )
    # Below the number of multiply-adds / 4 lanes something would be missing.
    assert 87e6 < counts["total"] <= 195e6


def test_memory_of_one_inference(report: dict[str, Any]) -> None:
    weights = 4 * PARAMETERS
    assert weights <= report["packed_weights_bytes"] <= 1.1 * weights
    used = report["heap_high_water_bytes"] + report["mapped_model_bytes"]
    assert used <= report["packed_weights_bytes"] + 5 * MEGABYTE
    # The model's own copy of the weights was given back once it was packed.
    assert report["mapped_model_bytes"] < weights / 4


def test_kernels_are_those_of_the_board(report: dict[str, Any]) -> None:
    """QEMU shows this machine's /proc/cpuinfo; the kernels must be the Cortex-A7's all the same."""
    gemms = [name for name in report["kernels"] if "f32_gemm" in name or "f32_igemm" in name]
    assert gemms and all("cortex_a7" in name for name in gemms if "minmax" in name), report["kernels"]
    assert report["xnnpack"] and report["delegated_nodes"] > 0
