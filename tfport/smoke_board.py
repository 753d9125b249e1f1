"""What the smoke test does on a board without an operating system only: images, and the work of each core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport.emulator import CORE_COUNTER_SOURCE, build_counter
from tfport.errors import TfportError
from tfport.image import boot, build_image, count_boot, hash_of, idle_addresses, loaded_size
from tfport.inputs import Array, save_inputs
from tfport.pack import pack_models
from tfport.smoke_results import CoresResult, ImageResult, sentence
from tfport.target import Target
from tfport.target_run import Runner, Setting


@dataclass(frozen=True)
class Linked:
    """A model to be linked into an image; ``inputs`` by name in its order, ``source`` is their origin.

    ``flash``: what the image holds instead; None stands for the model with its weights packed.
    """

    name: str
    model: Path
    source: str
    inputs: dict[str, Array]
    flash: Optional[Path] = None


def try_image(
    sdk: Path, target: Target, linked: Linked, runner: Runner, folder: Path, tools: Path
) -> ImageResult:
    """Build the image in ``folder``, boot it with nothing but its board, and hold it against tfport-run.

    tfport-run takes the model as it is. ``tools`` keeps the counter.
    """
    fed = save_inputs(linked.inputs, folder / "inputs")
    try:
        flash = linked.flash
        if flash is None:
            pack_models(sdk, [linked.model], runner.emulator, folder / "packed")
            (flash,) = (folder / "packed").iterdir()
        image = build_image(sdk, flash, list(linked.inputs.values()), folder / "image")
        booted = boot(target, image)
        start_up = count_boot(target, image, build_counter(tools, CORE_COUNTER_SOURCE))
        run = runner.run(linked.model, fed, Setting(target.cpu.cores, True))
    except TfportError as error:
        return ImageResult(linked.name, linked.source, (sentence(error),))
    problems = []
    if booted.hash != hash_of(run.outputs):
        problems.append("its results are not those of tfport-run")
    if booted.cores != target.cpu.cores:
        problems.append(f"{booted.cores} of {target.cpu.cores} cores ran")
    return ImageResult(
        model=linked.name,
        input=linked.source,
        problems=tuple(problems),
        size=loaded_size(image),
        cores=booted.cores,
        heap_bytes=booted.heap_bytes,
        ready_bytes=booted.ready_bytes,
        arena_bytes=run.facts["arena_bytes"],
        start_up=start_up,
        seconds=booted.seconds,
    )


def count_cores(
    name: str,
    words: Callable[[int, int], Sequence[str]],
    threads: Iterable[int],
    runner: Runner,
    tools: Path,
) -> CoresResult:
    """Instructions of an inference on each core; ``words(threads, n)`` is the command of n inferences."""
    per_core = {}
    try:
        counter = build_counter(tools, CORE_COUNTER_SOURCE)
        idle = idle_addresses(runner.program)
        for number in threads:

            def rounds(n: int, number: int = number) -> Sequence[str]:
                return words(number, n)

            per_core[number] = runner.emulator.count_cores(rounds, counter, idle, timeout=runner.timeout)
    except TfportError as error:
        return CoresResult(name, {}, (sentence(error),))
    return CoresResult(name, per_core)
