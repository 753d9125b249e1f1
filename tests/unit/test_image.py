from __future__ import annotations

import numpy as np
import pytest

from tfport.command import Completed
from tfport.errors import EmulatorFailed
from tfport.image import hash_of, read_console

CONSOLE = (
    "output 0: largest at 285, 0.949219\r\n"
    "hash 811c9dc5, 4 cores, 512345 us, heap 5242880 bytes, before the inference 300000\r\n"
    "tfport: exit 0\r\n"
)


def console(text: str) -> Completed:
    return Completed(("qemu",), 0, text, "", 1.5)


def test_what_an_image_says_is_read() -> None:
    booted = read_console(console(CONSOLE))
    assert (booted.hash, booted.cores, booted.seconds) == (0x811C9DC5, 4, 1.5)
    assert (booted.heap_bytes, booted.ready_bytes) == (5242880, 300000)


def test_the_verdict_decides_and_not_how_the_emulator_ended() -> None:
    with pytest.raises(EmulatorFailed) as caught:
        read_console(console(CONSOLE.replace("exit 0", "exit 70")))
    assert caught.value.what == "The image ended with 70"
    assert "largest at 285" in caught.value.why
    with pytest.raises(EmulatorFailed) as caught:
        read_console(console(CONSOLE.replace("tfport: exit 0", "")))
    assert caught.value.what == "The image came to no verdict"


def test_an_image_that_says_nothing_of_its_outputs_has_failed() -> None:
    with pytest.raises(EmulatorFailed):
        read_console(console("tfport: exit 0\n"))


def test_the_hash_is_that_of_the_example() -> None:
    # FNV-1a's published values of "" and "foobar".
    assert hash_of([]) == 0x811C9DC5
    values = [np.frombuffer(part, dtype=np.uint8) for part in (b"foo", b"bar")]
    assert hash_of(values) == 0xBF9CF968
