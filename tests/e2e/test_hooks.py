"""The hooks of the C API, as a program of the consumer uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.support import PROGRAMS, Sdk

pytestmark = pytest.mark.e2e
THREADS = 3  # what hooks.c asks for


@pytest.fixture(scope="module")
def program(sdk_all: Sdk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = ("-D_GNU_SOURCE", "-static")
    return sdk_all.c_program(PROGRAMS / "hooks.c", tmp_path_factory.mktemp("hooks") / "hooks", *flags)


def said(sdk: Sdk, program: Path, mode: str, model: Path) -> dict[str, int]:
    done = sdk.run(program, mode, model)
    assert done.returncode == 0, (done.returncode, done.stderr)
    result: dict[str, int] = json.loads(done.stdout)
    return result


def test_every_hook_is_called_and_balanced(sdk_all: Sdk, program: Path, models: Path) -> None:
    counts = said(sdk_all, program, "count", models / "conv.tflite")
    assert (counts["stage"], counts["same"], counts["wrong"], counts["misaligned"]) == (0, 1, 0, 0)
    assert counts["allocated"] == counts["freed"] >= 4
    # The delegate has a pool, and so may the kernels; each holds one thread less than asked for.
    assert counts["created"] == counts["joined"] and counts["created"] in (THREADS - 1, 2 * (THREADS - 1))
    assert counts["logged"] >= 2  # a file that is not there, the delegate that was made


def test_an_allocator_without_memory_is_an_error_and_no_crash(
    sdk_all: Sdk, program: Path, models: Path
) -> None:
    counts = said(sdk_all, program, "starve", models / "conv.tflite")
    assert counts["rounds"] >= 4 and counts["leaks"] == 0 and counts["wrong"] == 0
    # Less memory may mean doing without XNNPACK, so some starved runs may go through as well.
    assert counts["whole"] >= 1 and counts["refused"] >= 1


def test_inference_goes_on_without_threads(sdk_all: Sdk, program: Path, models: Path) -> None:
    counts = said(sdk_all, program, "lonely", models / "conv.tflite")
    assert (counts["stage"], counts["same"], counts["joined"], counts["wrong"]) == (0, 1, 0, 0)
    assert counts["created"] >= 1


def test_wrong_use_is_told(sdk_all: Sdk, program: Path, models: Path) -> None:
    busy, invalid = 2, 1
    assert said(sdk_all, program, "misuse", models / "conv.tflite") == {
        "busy": busy,
        "idle": 0,
        "no_allocate": invalid,
        "no_join": invalid,
        "no_options": invalid,
    }
