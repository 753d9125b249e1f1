"""Drive ``tfport-run`` for one model on one input and read what it leaves."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfport.command import Completed, describe_returncode
from tfport.emulator import Emulator
from tfport.errors import CommandTimedOut, EmulatorFailed
from tfport.inputs import Array

PROGRAM = "bin/tfport-run"
_VERDICT = re.compile(r"tfport: exit -?\d+$")


@dataclass(frozen=True)
class Setting:
    """How a model is run."""

    threads: int
    xnnpack: bool

    @property
    def options(self) -> list[str]:
        return ["--threads", str(self.threads), *([] if self.xnnpack else ["--no-xnnpack"])]

    def __str__(self) -> str:
        return f"{self.threads} thread{'s' * (self.threads > 1)}{'' if self.xnnpack else ', XNNPACK off'}"


@dataclass(frozen=True)
class TargetRun:
    """``facts`` is the JSON of tfport-run, ``outputs`` in the model's order, ``seconds`` of wall clock."""

    facts: dict[str, Any]
    outputs: tuple[Array, ...]
    seconds: float


@dataclass(frozen=True)
class Runner:
    """The tfport-run of an SDK under an emulator; ``scratch`` takes outputs for as long as they are read.

    timeout: seconds for one run. It ends what hangs, and must not end a large model on a busy machine.
    """

    emulator: Emulator
    program: Path
    scratch: Path
    timeout: float = 1800.0

    def words(
        self, model: Path, inputs: Sequence[tuple[str, Path]], setting: Setting, *more: str
    ) -> list[str]:
        """The command line, without the emulator."""
        feeds = [word for name, path in inputs for word in ("--input", f"{name}={path}")]
        return [str(self.program), str(model), *feeds, *setting.options, *more]

    def run(
        self,
        model: Path,
        inputs: Sequence[tuple[str, Path]],
        setting: Setting,
        options: Sequence[str] = (),
        plugin: str = "",
    ) -> TargetRun:
        """Run once, with further ``options``; ``plugin`` as QEMU's ``-plugin`` takes it.

        Raises ``EmulatorFailed`` with what tfport-run said.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            words = self.words(model, inputs, setting, *options, "--json", "--output", folder)
            if (
                self.emulator.boots
            ):  # what an image can be given is short, and models with many inputs need more
                listed = Path(folder) / "words"
                listed.write_text("\n".join(words[1:]) + "\n", encoding="utf-8")
                words = [words[0], f"@{listed}"]
            try:
                done = self.emulator.run(words, timeout=self.timeout, plugin=plugin, check=False)
            except CommandTimedOut:
                late = f"tfport-run did not end within {self.timeout:g} s"
                raise EmulatorFailed(late, "It hangs, or this machine is very busy.") from None
            if done.returncode != 0:
                said = told(done, self.emulator)
                raise EmulatorFailed(
                    f"tfport-run {describe_returncode(done.returncode)}", said[-1] if said else ""
                )
            try:
                facts = report_of(done.stdout)
                outputs = tuple(read_output(Path(folder) / entry["file"]) for entry in facts["outputs"])
            except (ValueError, KeyError, OSError) as error:
                raise EmulatorFailed("tfport-run left no readable results", str(error)) from None
        return TargetRun(facts, outputs, done.seconds)


def report_of(said: str) -> dict[str, Any]:
    """The JSON of a program of ours; an image's runtime adds its verdict to what is printed."""
    facts: dict[str, Any] = json.loads(
        next((line for line in said.splitlines() if line.startswith("{")), said)
    )
    return facts


def told(done: Completed, emulator: Emulator) -> list[str]:
    """The lines in which a program of ours says what went wrong."""
    # An image has one console for all that it prints.
    said = done.stderr or (done.stdout if emulator.boots else "")
    return [line for line in said.splitlines() if line.strip() and not _VERDICT.match(line)]


def read_output(path: Path) -> Array:
    """What tfport-run wrote of one output: strings as JSON, all else as .npy."""
    if path.suffix == ".json":
        entry = json.loads(path.read_text(encoding="utf-8"))
        # Without the type, no strings at all would make an array of numbers.
        return np.array([text.encode() for text in entry["data"]], dtype=bytes).reshape(entry["shape"])
    values: Array = np.load(path, allow_pickle=False)
    return values
