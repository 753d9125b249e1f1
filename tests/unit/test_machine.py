from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import boards
from tfport.errors import BoardUnreadable
from tfport.machine import read_libc, read_machine


@pytest.mark.parametrize(
    ("text", "core", "cores", "arm", "bits", "vfpv4", "divides"),
    [
        (boards.CORTEX_A7, "cortex-a7", 4, 7, 32, True, True),
        (boards.CORTEX_A9, "cortex-a9", 2, 7, 32, False, False),
        (boards.CORTEX_A9_D16, "cortex-a9", 2, 7, 32, False, False),
        (boards.CORTEX_A8, "cortex-a8", 1, 7, 32, False, False),
        (boards.CORTEX_A5, "cortex-a5", 1, 7, 32, True, False),
        (boards.OLD_KERNEL, "cortex-a9", 2, 7, 32, False, False),
        (boards.CORTEX_A53_32, "cortex-a53", 4, 7, 32, True, True),
        (boards.PI_ZERO, "arm1176jz-s", 1, 6, 32, False, False),
        (boards.CORTEX_A72_64, "cortex-a72", 4, 8, 64, True, True),
        (boards.KRAIT, "ARMv7 Processor rev 1 (v7l)", 4, 7, 32, True, True),
    ],
)
def test_real_boards(
    text: str, core: str, cores: int, arm: int, bits: int, vfpv4: bool, divides: bool
) -> None:
    machine = read_machine(text)
    assert (machine.core, machine.cores, machine.arm, machine.bits) == (core, cores, arm, bits)
    assert (machine.has_vfpv4, machine.divides) == (vfpv4, divides)
    assert machine.libc is None and machine.runs_aarch32


def test_a_core_without_32_bit_code_is_known() -> None:
    assert not read_machine(boards.CORTEX_A720_64).runs_aarch32


def test_a_pc_is_no_arm() -> None:
    machine = read_machine(boards.X86)
    assert machine.bits == 0 and "Atom" in machine.description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boards.DEBIAN_10, ("glibc", (2, 28))),
        (boards.DEBIAN_9, ("glibc", (2, 24))),
        (boards.UBUNTU_22, ("glibc", (2, 35))),
        (boards.YOCTO, ("glibc", (2, 31))),
        (boards.MUSL, ("musl", (1, 2, 4))),
        ("uClibc-ng 1.0.43", ("uclibc", (1, 0, 43))),
    ],
)
def test_c_libraries(text: str, expected: tuple[str, tuple[int, ...]]) -> None:
    assert read_libc(text) == expected


@pytest.mark.parametrize("text", ["", "ldd: command not found\n", "ldd: not found 2.28"[:14], "bash 5.1"])
def test_what_ldd_never_prints(text: str) -> None:
    with pytest.raises(BoardUnreadable, match="not what ldd"):
        read_libc(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_machine, read_libc):
        try:
            read(text)
        except BoardUnreadable as error:
            assert error.what and error.hint


@given(st.sampled_from(sorted(boards.ALL)), st.data())
def test_any_part_of_a_cpuinfo_is_read_or_refused(name: str, data: st.DataObject) -> None:
    text = boards.ALL[name]
    try:
        machine = read_machine(text[: data.draw(st.integers(0, len(text)))])
        assert machine.cores >= 1
    except BoardUnreadable:
        pass
