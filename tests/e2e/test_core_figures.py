"""The figures that the project promises for TensorFlow core, on SqueezeNet v1.1 with one thread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Sdk, home, is_static_and_stripped, tfport
from tfport.convert import PARAMETERS
from tfport.emulator import Emulator, build_counter

pytestmark = pytest.mark.e2e
MEGABYTE = 1_000_000
LEAST = 87e6  # instructions: the multiply-adds by four lanes
MOST = 220e6
KERNEL = "4x8__asm_aarch32_neon_ld128"  # ours for Cortex-A7 (patches/xnnpack/0010)
WEIGHTS = 4 * PARAMETERS  # bytes


@pytest.fixture(scope="module")
def prepared_squeezenet(core_sdk_squeezenet: Sdk) -> Path:
    return core_sdk_squeezenet.models / "squeezenet"


@pytest.fixture(scope="module")
def ran(core_sdk_squeezenet: Sdk, prepared_squeezenet: Path) -> dict[str, Any]:
    """What tfport-run reports of two inferences."""
    done = core_sdk_squeezenet.run(core_sdk_squeezenet.runner, prepared_squeezenet, "--json", "--repeat", "2")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_program_size(core_sdk_squeezenet: Sdk) -> None:
    """Static, stripped, C library included."""
    assert is_static_and_stripped(core_sdk_squeezenet.runner)
    assert core_sdk_squeezenet.runner.stat().st_size <= 3.0 * MEGABYTE


def test_instructions_per_inference(core_sdk_squeezenet: Sdk) -> None:
    """As the smoke test counted them, with the target's kernels and, beside it, TensorFlow's own."""
    counts = {count["xnnpack"]: count for count in core_sdk_squeezenet.report["smoke"]["counts"]}
    assert set(counts) == {True, False} and all(count["ok"] for count in counts.values())
    fast, stock = (counts[way]["per_inference"]["total"] for way in (True, False))
    assert LEAST < fast <= MOST
    assert fast < stock < 2 * MOST


@pytest.mark.full
def test_instructions_of_the_graph_as_it_was_given(
    core_sdk_squeezenet: Sdk, core_paths: dict[str, Path]
) -> None:
    """No node of it was touched: what is fast is Conv2D itself."""
    words = [core_sdk_squeezenet.runner, core_paths["squeezenet.pb"]]
    counts = Emulator.for_target(core_sdk_squeezenet.target).count_per_round(
        lambda rounds: [*words, "--repeat", str(rounds)], build_counter(home() / "tools"), timeout=600
    )
    assert LEAST < counts["total"] <= MOST


def test_memory_of_one_inference(ran: dict[str, Any]) -> None:
    """Counted in the guest: the most that lay on the heap at one time, and what of the model is mapped."""
    assert ran["heap_high_water_bytes"] + ran["mapped_model_bytes"] <= 25 * MEGABYTE
    # Below what the weights take the count would be wrong.
    assert ran["heap_high_water_bytes"] > WEIGHTS


def test_kernels_are_those_of_the_board(ran: dict[str, Any]) -> None:
    """QEMU shows this machine's /proc/cpuinfo; the kernels must be the Cortex-A7's all the same."""
    gemms = [name for name in ran["kernels"] if "f32_gemm" in name or "f32_igemm" in name]
    assert gemms and all(name.endswith(KERNEL) for name in gemms if "minmax" in name), ran["kernels"]
    assert ran["xnnpack"] and ran["delegated_nodes"] == 26  # every convolution


def test_only_what_the_model_needs_is_there(core_sdk_squeezenet: Sdk, core_sdk: Sdk) -> None:
    cut, more = (sdk.report["operators"]["ops"] for sdk in (core_sdk_squeezenet, core_sdk))
    assert cut["Conv2D"] == ["Conv2DOp<CPUDevice, float>"]
    assert set(cut) < set(more) and len(cut) < 30
    assert core_sdk_squeezenet.archive.stat().st_size < core_sdk.archive.stat().st_size


def test_a_second_run_has_nothing_to_do(core_sdk_squeezenet: Sdk, core_paths: dict[str, Path]) -> None:
    """Neither the network nor a compiler nor host TensorFlow is needed; `bench build` times it."""
    words = ("--target", "zuluko", "--runtime", "tensorflow", "--model", core_paths["squeezenet.pb"])
    done = tfport(*words, "--output", core_sdk_squeezenet.folder, "--offline", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["build"]["up_to_date"] and report["build"]["recipes"] == []
