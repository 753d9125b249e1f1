"""Pack the weights of models ahead of time, with the ``tfport-pack`` of an SDK under the emulator.

XNNPACK packs weights at start-up, for the microkernels of the device. Running the library of the device does
the same on this machine, once; the result is a model file whose weights are used where they lie.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tfport.command import describe_returncode
from tfport.emulator import Emulator
from tfport.errors import CommandTimedOut, NotAnSdk, PackFailed
from tfport.target_run import report_of, told

PROGRAM = "bin/tfport-pack"
FOLDER = str(PurePosixPath("share", "tfport", "models"))  # of packed models, in an SDK
_PATIENCE = 600.0  # seconds; a model runs twice, emulated


def packed_names(models: Sequence[Path]) -> list[str]:
    """What the packed files of ``models`` are called: as the models are, with a number where that repeats."""
    names: list[str] = []
    for path in models:
        name, number = f"{path.stem}.tflite", 2
        while name in names:
            name, number = f"{path.stem}-{number}.tflite", number + 1
        names.append(name)
    return names


def pack_models(sdk: Path, models: Sequence[Path], emulator: Emulator, folder: Path) -> list[dict[str, Any]]:
    """Write the packed files of ``models`` into ``folder``, which is emptied before.

    Returns what tfport-pack says of each. Raises ``NotAnSdk`` and ``PackFailed``.
    """
    program = sdk / PROGRAM
    if not program.is_file():
        raise NotAnSdk(f"{sdk} has no {PROGRAM}", "It is not the folder of a built SDK of TensorFlow Lite.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return [
        _pack(program, model, folder / name, emulator) for model, name in zip(models, packed_names(models))
    ]


def _pack(program: Path, model: Path, output: Path, emulator: Emulator) -> dict[str, Any]:
    try:
        done = emulator.run([program, model, output, "--json"], timeout=_PATIENCE, check=False)
    except CommandTimedOut:
        raise PackFailed(
            f"Packing {model} did not end within {_PATIENCE:g} s",
            "The model runs twice under the emulator, to compare.",
            "Give --no-pack-weights, or run tfport-pack on the device.",
        ) from None
    if done.returncode != 0:
        said = told(done, emulator)
        raise PackFailed(
            f"The weights of {model} cannot be packed: tfport-pack {describe_returncode(done.returncode)}",
            said[-1] if said else "",
            "Give --no-pack-weights; the model then packs them at start-up.",
        )
    return report_of(done.stdout)
