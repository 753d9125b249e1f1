"""A library built for more than the CPU has says so, by check and at run time; zuluko-vfpv3 runs there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import build
from tests.e2e.support import ESPRESSO, EXAMPLE, FEATURES, PROGRAMS, Sdk, classified, on_board, tfport
from tfport.catalogue import load_catalogue
from tfport.errors import AboveTarget
from tfport.target import Target, load_target

pytestmark = pytest.mark.e2e
CORTEX_A9 = "cortex-a9"


@pytest.fixture(scope="session")
def vfpv3() -> Target:
    return load_target("zuluko-vfpv3")


def test_tfport_run_names_what_is_missing(sdk_squeezenet: Sdk, squeezenet: Path) -> None:
    done = sdk_squeezenet.run(sdk_squeezenet.runner, squeezenet, "--json", cpu=CORTEX_A9)
    assert done.returncode == 7
    error = json.loads(done.stdout)["error"]
    assert error["code"] == 7 and all(feature in error["message"] for feature in FEATURES)
    assert all(feature in done.stderr for feature in FEATURES)


@pytest.mark.parametrize("cpu", [CORTEX_A9, "cortex-a8"])
@pytest.mark.parametrize("how", ["static", "dynamic", "c++"])
def test_program_ends_with_the_named_error(
    sdk_all: Sdk, squeezenet: Path, coffee: Path, tmp_path: Path, how: str, cpu: str
) -> None:
    program = tmp_path / "classify"
    if how == "c++":
        sdk_all.cxx_program(PROGRAMS / "classify.cc", program)
    else:
        sdk_all.c_program(EXAMPLE, program, *(["-static"] if how == "static" else []))
    done = sdk_all.run(program, squeezenet, coffee, cpu=cpu)
    assert 0 < done.returncode < 10, (done.returncode, done.stderr)  # its own code, not a signal's
    assert all(feature in done.stderr for feature in FEATURES), done.stderr
    assert "zuluko" in done.stderr


def test_check_refuses_it_for_the_smaller_target(sdk_squeezenet: Sdk, zuluko: Target, vfpv3: Target) -> None:
    done = tfport("check", "--sdk", sdk_squeezenet.folder, "--target", vfpv3.name)
    said = done.stdout + done.stderr
    assert done.returncode == AboveTarget.exit_code, said
    assert "uses FPU VFPv4" in said and "hardware division" in said and vfpv3.name in said
    assert int(re.findall(r"(\d+) findings", said)[0]) > 100  # instructions too, not attributes alone
    assert tfport("check", "--sdk", sdk_squeezenet.folder, "--target", zuluko.name).returncode == 0


@pytest.mark.full
def test_the_smaller_target_s_library_runs_there(
    sdk_vfpv3: Sdk, squeezenet: Path, coffee: Path, espresso: float, tmp_path: Path
) -> None:
    program = sdk_vfpv3.c_program(EXAMPLE, tmp_path / "classify", "-static")
    for cpu in (CORTEX_A9, "cortex-a8", "cortex-a7"):
        top, score = classified(sdk_vfpv3.run(program, squeezenet, coffee, cpu=cpu))
        assert top == ESPRESSO and abs(score - espresso) <= 1e-4


@pytest.mark.full
def test_the_main_job_of_the_smaller_target(vfpv3: Target, tmp_path: Path) -> None:
    """All ops, every demo model on a Cortex-A9; nothing that it lacks in any object, program or kernel."""
    sdk = build(tmp_path / "sdk", vfpv3)
    report = json.loads((sdk.folder / "report.json").read_text(encoding="utf-8"))
    assert report["smoke"]["ok"] and report["smoke"]["problems"] == []
    assert {run["model"] for run in report["smoke"]["runs"]} == {m.name for m in load_catalogue().of("lite")}
    assert report["check"]["fused_multiply_adds"] == 0
    assert report["check"]["attributes"]["fp_arch"] == "VFPv3" and not report["check"]["attributes"]["divide"]
    kernels = {name for run in report["smoke"]["runs"] for name in run["kernels"]}
    assert kernels and not [name for name in kernels if "neonfma" in name or "neonv8" in name]
    counts = {count["model"]: count["per_inference"]["total"] for count in report["smoke"]["counts"]}
    assert 56e6 < counts["squeezenet-float32"] <= 195e6
    done = tfport("check", "--sdk", sdk.folder, "--target", "zuluko")
    assert done.returncode == 0, "a Cortex-A7 runs all that a Cortex-A9 does\n" + done.stderr


@pytest.mark.full
def test_the_smaller_target_s_library_still_asks_for_neon(sdk_vfpv3: Sdk, squeezenet: Path) -> None:
    done = sdk_vfpv3.run(sdk_vfpv3.runner, squeezenet, cpu="cortex-a9,neon=off")
    assert done.returncode == 7 and "NEON" in done.stderr and "VFPv4" not in done.stderr


def test_the_emulator_tells_the_two_apart(zuluko: Target, tmp_path: Path) -> None:
    """What the tests above rest on: one fused multiply-add dies on QEMU's Cortex-A9, not on its Cortex-A7."""
    source = tmp_path / "fma.c"
    source.write_text('int main(void) { __asm__ volatile("vfma.f32 s0, s1, s2"); return 0; }\n')
    sdk = Sdk(tmp_path, zuluko)
    sdk.gcc(*zuluko.compile_flags, "-static", source, "-o", tmp_path / "fma")
    assert on_board(zuluko, [tmp_path / "fma"]).returncode == 0
    assert on_board(zuluko, [tmp_path / "fma"], CORTEX_A9).returncode == -4  # SIGILL
