from __future__ import annotations

import pytest

from tests.unit import boards
from tfport.errors import NoTargetFits
from tfport.fit import Verdict, judge, refuse_unfit
from tfport.machine import read_machine
from tfport.target import load_target, target_names

TARGETS = [load_target(name) for name in target_names()]


def verdicts(cpuinfo: str, ldd: str | None = boards.DEBIAN_10) -> dict[str, Verdict]:
    found = judge(read_machine(cpuinfo, ldd), TARGETS)
    return {verdict.target.name: verdict for verdict in found}


@pytest.mark.parametrize(
    ("cpuinfo", "right"),
    [
        (boards.CORTEX_A7, "zuluko"),
        (boards.CORTEX_A53_32, "zuluko"),
        (boards.CORTEX_A72_64, "zuluko"),
        (boards.KRAIT, "zuluko"),
        (boards.CORTEX_A8, "zuluko-vfpv3"),
        (boards.CORTEX_A9, "zuluko-vfpv3"),
        (boards.CORTEX_A5, "zuluko-vfpv3"),  # VFPv4, but no division
        (boards.OLD_KERNEL, "zuluko-vfpv3"),
    ],
)
def test_the_right_target_comes_first(cpuinfo: str, right: str) -> None:
    found = verdicts(cpuinfo)
    assert next(iter(found)) == right and found[right].fits


@pytest.mark.parametrize("cpuinfo", [boards.PI_ZERO, boards.CORTEX_A9_D16, boards.CORTEX_A720_64, boards.X86])
def test_boards_that_nothing_fits(cpuinfo: str) -> None:
    machine = read_machine(cpuinfo, boards.DEBIAN_10)
    found = judge(machine, TARGETS)
    assert not any(verdict.fits for verdict in found)
    with pytest.raises(NoTargetFits) as caught:
        refuse_unfit(machine, found)
    assert all(target.name in caught.value.why for target in TARGETS)


def test_what_goes_wrong_is_said() -> None:
    nine = verdicts(boards.CORTEX_A9)["zuluko"].obstacles
    assert "VFPv4" in nine[0] and "SIGILL" in nine[0] and "idiva" in nine[1]
    assert "16 registers" in verdicts(boards.CORTEX_A9_D16)["zuluko-vfpv3"].obstacles[0]
    assert "ARMv6" in verdicts(boards.PI_ZERO)["zuluko-vfpv3"].obstacles[0]
    assert "64-bit code only" in verdicts(boards.CORTEX_A720_64)["zuluko"].obstacles[0]
    assert "Linux" in verdicts(boards.CORTEX_A7)["zuluko-baremetal"].obstacles[0]


def test_c_libraries_are_judged() -> None:
    old = verdicts(boards.CORTEX_A7, boards.DEBIAN_9)["zuluko"].obstacles
    assert len(old) == 1 and "GLIBC_2.28' not found" in old[0] and "2.24" in old[0]
    assert "musl" in verdicts(boards.CORTEX_A7, boards.MUSL)["zuluko"].obstacles[0]
    unknown = verdicts(boards.CORTEX_A7, None)["zuluko"]
    assert unknown.fits and any("--ldd-version" in line for line in unknown.remarks)


def test_remarks_on_what_runs() -> None:
    assert verdicts(boards.CORTEX_A7)["zuluko"].remarks == ()
    slow = verdicts(boards.CORTEX_A7)["zuluko-vfpv3"]
    assert slow.fits and any("slower" in line for line in slow.remarks)
    assert any("CONFIG_COMPAT" in line for line in verdicts(boards.CORTEX_A72_64)["zuluko"].remarks)
