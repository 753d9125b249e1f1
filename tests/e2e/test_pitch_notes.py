"""The notes that test_core_pitch.py compares, on posteriors that one can see through."""

from __future__ import annotations

import numpy as np

from tests.e2e.pitch_notes import FRAMES, KEYS, LOWEST, RATE, WINDOW, Note, notes, tune


def silence() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((FRAMES, KEYS)), np.zeros((FRAMES, KEYS))


def test_a_note_begins_at_a_peak_and_ends_when_it_has_been_silent_for_long() -> None:
    onset, sound = silence()
    onset[20:23, 40] = 0.4, 0.9, 0.6
    sound[21:60, 40] = 0.8
    sound[40:45, 40] = 0.1  # too short to end it
    assert notes(onset, sound) == [Note(21, 60, LOWEST + 40)]


def test_a_key_that_is_struck_again_sounds_twice() -> None:
    onset, sound = silence()
    onset[[20, 60], 40] = 0.9
    sound[20:110, 40] = 0.8
    assert notes(onset, sound) == [Note(20, 60, LOWEST + 40), Note(60, 110, LOWEST + 40)]


def test_what_is_faint_short_or_beside_a_note_is_none() -> None:
    onset, sound = silence()
    onset[20, 40], sound[20:60, 40] = 0.49, 0.8  # not struck
    onset[20, 50], sound[20:30, 50] = 0.9, 0.8  # too short
    onset[21, 60], sound[21:90, 60] = 0.9, 0.8
    onset[20, 61], sound[20:80, 61] = 0.9, 0.8  # used up by the key beside it
    assert notes(onset, sound) == [Note(21, 90, LOWEST + 60)]


def test_the_last_note_may_sound_on() -> None:
    onset, sound = silence()
    onset[150, 0], sound[150:, 0] = 0.9, 0.8
    assert notes(onset, sound) == [Note(150, FRAMES, LOWEST)]


def test_the_tune_fills_the_window() -> None:
    sound = tune()
    assert sound.shape == (1, WINDOW, 1) and sound.dtype == np.float32 and np.abs(sound).max() <= 1
    assert np.abs(sound[0, : RATE // 10]).max() == 0  # nothing before the first note
