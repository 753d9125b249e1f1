"""basic-pitch hears the same notes through TensorFlow Lite and through TensorFlow core."""

from __future__ import annotations

import numpy as np
import pytest

from tests.e2e.core_shelf import PITCH
from tests.e2e.pitch_notes import FRAMES, HOP, KEYS, RATE, TUNE, Note, notes, tune
from tests.e2e.support import Sdk
from tfport.catalogue import Shelf
from tfport.emulator import Emulator
from tfport.target_run import Runner, Setting

pytestmark = pytest.mark.e2e
SLACK = 5  # frames of 12 ms


@pytest.fixture(scope="module")
def heard(
    sdk_all: Sdk, core_sdk: Sdk, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Note]]:
    """The notes of the tune by runtime."""
    work = tmp_path_factory.mktemp("tune")
    np.save(work / "tune.npy", tune())
    found = {}
    for name, sdk, model in (
        ("lite", sdk_all, shelf.path("basic_pitch.tflite")),
        ("tensorflow", core_sdk, core_sdk.models / PITCH),
    ):
        runner = Runner(Emulator.for_target(sdk.target), sdk.runner, work)
        run = runner.run(
            model, [("input_2", work / "tune.npy")], Setting(2, True), ("--signature", "serving_default")
        )
        assert run.facts["runtime"] == name
        outputs = dict(zip((entry["name"] for entry in run.facts["outputs"]), run.outputs))
        onset, sound = outputs["onset"], outputs["note"]
        assert onset.shape == sound.shape == (1, FRAMES, KEYS)
        found[name] = notes(onset[0], sound[0])
    return found


def test_both_runtimes_hear_the_same_notes(heard: dict[str, list[Note]]) -> None:
    assert heard["tensorflow"] == heard["lite"]


def test_the_notes_are_those_that_were_played(heard: dict[str, list[Note]]) -> None:
    played = sorted(Note(round(start * RATE / HOP), round(end * RATE / HOP), key) for start, end, key in TUNE)
    for found in heard.values():
        assert [note.key for note in found] == [note.key for note in played]
        for note, wanted in zip(found, played):
            assert abs(note.start - wanted.start) <= SLACK and abs(note.end - wanted.end) <= SLACK
