"""An image with a model linked in: built from a finished SDK as a firmware team does, and booted.

It is the example of the SDK, which says on its console what it found. It needs nothing of the machine that
runs it: its console is the UART, and its verdict a line there.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport import command
from tfport.command import Completed
from tfport.elf import SHF_ALLOC, SHT_NOBITS, parse
from tfport.emulator import Emulator
from tfport.errors import CommandTimedOut, EmulatorFailed
from tfport.inputs import Array
from tfport.sdk_bare import KEPT_SYMBOLS
from tfport.target import Target

_FIRST_INFERENCE = "TfLiteInterpreterInvoke"
EXAMPLE = Path("share") / "tfport" / "examples" / "image"
_FACTS = re.compile(
    r"^hash ([0-9a-f]{8}), (\d+) cores, (\d+) us, heap (\d+) bytes, before the inference (\d+)$", re.MULTILINE
)
_VERDICT = re.compile(r"^tfport: exit (-?\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Boot:
    """What an image said: hash over all outputs, cores that ran threads, heap in bytes.

    The heap at its highest, and what of it was in use when all was ready for the first inference.
    """

    hash: int
    cores: int
    heap_bytes: int
    ready_bytes: int
    seconds: float


def build_image(
    sdk: Path, model: Path, inputs: Sequence[Array], folder: Path, example: Optional[Path] = None
) -> Path:
    """The image ``example`` with ``model`` and ``inputs`` (in the model's order), made in ``folder``.

    ``example`` is a folder like that of the SDK, which stands in for None.

    Raises ``CommandFailed`` with the compiler's words.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fed = folder / "input.bin"
    fed.write_bytes(b"".join(values.tobytes() for values in inputs))
    example = example or sdk / EXAMPLE
    settings = {
        "CMAKE_TOOLCHAIN_FILE": example / "toolchain.cmake",
        "TensorFlowLite_DIR": sdk / "lib" / "cmake" / "TensorFlowLite",
        "MODEL_FILE": model.absolute(),
        "INPUT_FILE": fed.absolute(),
    }
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    log = folder / "cmake.log"
    command.run(["cmake", "-S", example, "-B", folder / "build", "-G", "Ninja", *defines], log=log)
    command.run(["cmake", "--build", folder / "build"], log=folder / "build.log")
    return folder / "build" / "image.elf"


def boot(target: Target, image: Path, timeout: float = 120.0, words: Sequence[str] = ()) -> Boot:
    """Boot ``image`` on the emulated board, without semihosting; ``words`` are further ones for the emulator.

    Raises ``EmulatorFailed``.
    """
    try:
        done = _board(target, words).run([image], timeout=timeout, check=False)
    except CommandTimedOut:
        raise EmulatorFailed(f"{image.name} did not end within {timeout:g} s") from None
    return read_console(done)


def read_console(done: Completed) -> Boot:
    """What an image left on its console. Raises ``EmulatorFailed`` when its verdict is not 0."""
    # An emulator that was switched off by its board says 0 whatever happened, so the line decides.
    said = done.stdout.replace("\r", "")
    verdict, facts = _VERDICT.search(said), _FACTS.search(said)
    if verdict is None or verdict[1] != "0" or facts is None:
        raise EmulatorFailed(
            f"The image ended with {verdict[1]}" if verdict else "The image came to no verdict",
            "\n".join(line for line in said.splitlines() if line.strip()),
        )
    return Boot(int(facts[1], 16), int(facts[2]), int(facts[4]), int(facts[5]), done.seconds)


def loaded_size(image: Path) -> int:
    """Bytes that a loader, or a flash, must hold: all that is neither zeroed nor left alone at boot."""
    sections = parse(image.read_bytes(), image.name).sections
    return sum(s.size for s in sections if s.flags & SHF_ALLOC and s.kind != SHT_NOBITS)


def idle_addresses(image: Path) -> tuple[int, int]:
    """Between which addresses the code of ``image`` only waits. Raises ``EmulatorFailed``."""
    begin, end = _addresses(image, KEPT_SYMBOLS, "Its waiting cannot be told from its work.")
    return begin, end


def count_boot(target: Target, image: Path, counter: Path, timeout: float = 300.0) -> int:
    """Instructions from reset to the start of the first inference, waiting left out, on all cores together.

    ``image`` keeps its symbols; ``counter`` from ``build_counter(..., CORE_COUNTER_SOURCE)``. Raises
    ``EmulatorFailed`` and ``PluginFailed``.
    """
    (place,) = _addresses(image, (_FIRST_INFERENCE,), "Its first inference cannot be found.")
    # The lowest bit tells that the function is Thumb code.
    return _board(target).count_until([image], counter, idle_addresses(image), place & ~1, timeout)


def _board(target: Target, words: Sequence[str] = ()) -> Emulator:
    """The emulated board with nothing that a board lacks."""
    *board, kernel = target.board_command
    return dataclasses.replace(Emulator.for_target(target), prefix=(*board, *words, kernel))


def _addresses(image: Path, names: Sequence[str], lost: str) -> list[int]:
    found = {symbol.name: symbol.value for symbol in parse(image.read_bytes(), image.name).symbols}
    for name in names:
        if name not in found:
            raise EmulatorFailed(f"{image} does not name {name}", lost, "Keep that symbol when you strip it.")
    return [found[name] for name in names]


def hash_of(outputs: Sequence[Array]) -> int:
    """The hash that the example prints: FNV-1a over the bytes of all outputs."""
    total = 2166136261
    for byte in b"".join(values.tobytes() for values in outputs):
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return total
