"""The bare-metal runtime: each test boots an image in the emulator, under a time limit."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.baremetal_images import Bench, Board

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not shutil.which("arm-none-eabi-g++") or not shutil.which("qemu-system-arm"),
        reason="needs gcc-arm-none-eabi, libstdc++-arm-none-eabi-newlib and qemu-system-arm",
    ),
]

VIRT = Board.of("zuluko-baremetal")
RASPI = Board.of("raspi2-baremetal")
# The emulated Orange Pi gives its image no firmware that starts cores or switches the board off.
ORANGE_PI = Board.of(
    "zuluko-baremetal",
    machine=("-M", "orangepi-pc", "-m", "1G", "-net", "none"),
    cores=1,
    core_start="none",
    power_off="none",
    uart="ns16550",
    uart_base=0x01C28000,
    devices=[{"base": 0x01C00000, "size": 0x00400000}],
)
HYP = Board.of(
    "zuluko-baremetal",
    machine=("-M", "virt,virtualization=on", "-cpu", "cortex-a15", "-smp", "4", "-m", "512"),
    core_start="psci-smc",
    power_off="psci-smc",
)
boards = pytest.mark.parametrize("board", [VIRT, RASPI], ids=["virt", "raspi2b"])
semihosting = pytest.mark.parametrize("semihosting", [False, True], ids=["alone", "semihosting"])

SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV = (128 + n for n in (4, 5, 6, 10, 11))  # newlib's numbers


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("baremetal"))


@boards
@semihosting
def test_clocks_files_and_streams(bench: Bench, board: Board, semihosting: bool) -> None:
    """The same image with a debugger and without; its exit status comes out both ways."""
    boot = bench.run(board, "system", semihosting=semihosting)
    assert boot.verdict == 0, boot.text
    assert f"semihosting {int(semihosting)}" in boot.lines
    assert boot.lines[-4:] == ["0 wrong", "atexit", "a global is destroyed", "tfport: exit 0"]
    for letter in "abcd":
        assert boot.lines.count(letter * 40) == 20
    assert "one, two, three" in boot.lines


@boards
def test_threads(bench: Bench, board: Board) -> None:
    boot = bench.run(board, "threads", timeout=180)
    assert boot.verdict == 0, boot.text
    assert "4 cores" in boot.lines


@boards
def test_heap(bench: Bench, board: Board) -> None:
    boot = bench.run(board, "heap", timeout=180)
    assert boot.verdict == 0, boot.text


@pytest.mark.full
def test_ten_thousand_rounds(bench: Bench) -> None:
    """Threads with exceptions, statics and thread_locals on four cores, without one wrong result."""
    boot = bench.run(VIRT, "rounds", timeout=1800)
    assert boot.verdict == 0, boot.text
    assert "10000 rounds, 0 wrong" in boot.lines


FAULTS = {
    0: (0, ""),
    1: (SIGSEGV, "null pointer write"),
    2: (SIGSEGV, "null pointer read"),
    3: (SIGSEGV, "null pointer call"),
    4: (SIGSEGV, "the address is in the program's code, which is read-only"),
    5: (SIGSEGV, "the address is in the program's constants, which are read-only"),
    6: (SIGILL, "fault: undefined instruction at"),
    7: (SIGBUS, ": alignment (status"),
    8: (0, ""),
    9: (SIGSEGV, "stack overflow of main"),
    10: (SIGSEGV, "stack overflow of digger"),
    11: (0, "MiB of heap were used up"),
    12: (SIGABRT, "tfport: ended by signal 6 (abort)"),
    13: (SIGABRT, "St13runtime_error: nobody catches this"),
    14: (125, "tfport: deadlock: all 2 threads wait for each other"),
    15: (SIGSEGV, "fault: prefetch abort at"),
    16: (SIGSEGV, "reading address f0000000: nothing is mapped there"),
    17: (5, ""),
    18: (SIGABRT, 'assertion "variable == 6" failed'),
    19: (SIGTRAP, "fault: unexpected SVC at"),
    20: (SIGBUS, ": alignment (status"),
}


@boards
@pytest.mark.parametrize("case", FAULTS)
def test_fault(bench: Bench, board: Board, case: int) -> None:
    """Ends in a report that a person can read, and a status that tells."""
    status, words = FAULTS[case]
    boot = bench.boot(board, bench.image(board, "faults", case=case))
    assert boot.verdict == status, boot.text
    assert words in boot.text
    assert f"case {case}" in boot.lines, "what was printed before is not lost"
    if "fault:" in boot.text:
        assert " pc " in boot.text and " cpsr " in boot.text and "thread: " in boot.text


def test_fault_status_reaches_a_debugger(bench: Bench) -> None:
    boot = bench.boot(VIRT, bench.image(VIRT, "faults", case=1), semihosting=True)
    assert boot.status == SIGSEGV


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_fewer_cores_by_choice(bench: Bench, limit: int) -> None:
    boot = bench.run(VIRT, "cores", defines=[f"-DLIMIT={limit}"])
    assert boot.verdict == 0, boot.text
    assert f"{limit} cores, threads ran on" in boot.text


def test_core_that_the_firmware_refuses(bench: Bench) -> None:
    """The board says four; the machine has two."""
    boot = bench.run(VIRT, "cores", words=["-smp", "2"])
    assert boot.verdict == 0, boot.text
    assert "tfport: core 2 did not start (error -2)" in boot.lines
    assert "tfport: goes on with 2 of 4 cores" in boot.lines


def test_core_that_never_comes(bench: Bench) -> None:
    boot = bench.run(VIRT, "cores", defines=["-DSILENT_CORE"])
    assert boot.verdict == 0, boot.text
    assert "tfport: core 3 did not start within 2000 ms" in boot.lines
    assert "tfport: goes on with 1 of 4 cores" in boot.lines


def test_instructions_repeat(bench: Bench) -> None:
    """Under -icount the clock counts instructions, also on four cores."""
    words = ["-icount", "shift=0,sleep=off"]
    first, second = (bench.run(VIRT, "count", words=words, timeout=180) for _ in range(2))
    assert first.verdict == 0, first.text
    assert first.text == second.text


def test_other_uart(bench: Bench) -> None:
    """Another kind of UART, one core, and no way to switch the board off but the debugger's."""
    boot = bench.run(ORANGE_PI, "system", semihosting=True)
    assert boot.verdict == 0, boot.text
    assert boot.status == 0


def test_image_that_starts_in_hyp_mode(bench: Bench) -> None:
    """As some boot loaders start it; the firmware is then reached by SMC."""
    boot = bench.run(HYP, "threads", timeout=180)
    assert boot.verdict == 0, boot.text
    assert "4 cores" in boot.lines


def test_pieces_can_be_replaced(bench: Bench) -> None:
    boot = bench.run(VIRT, "hooks", semihosting=True)
    assert "0 WRONG" in boot.text, boot.text
    assert boot.status == 77
