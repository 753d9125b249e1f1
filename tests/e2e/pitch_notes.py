"""Notes out of what basic-pitch says about each frame, and a tune whose notes are known.

basic-pitch gives, for every frame of 256 samples and each of 88 keys of a piano, how sure it is that a note
begins there and that one sounds there. Notes are made of that as its package does: a note begins at a peak of
the first, and lasts until the second has stayed low for a while. Later notes are taken first, and what one
has used up, on its key and the two beside it, no other can have.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

RATE = 22050  # samples per second
WINDOW = 43844  # samples that the model takes: two seconds less one frame
HOP = 256  # samples of a frame
FRAMES = 172
LOWEST, KEYS = 21, 88  # A0 in MIDI, and how many keys follow
ONSET, SOUND = 0.5, 0.3  # the thresholds of basic-pitch's command line
SILENCE = 11  # frames below SOUND that end a note
SHORTEST = 11  # frames
# Start and end in seconds, and the key in MIDI: two single notes, then two at once.
TUNE = ((0.15, 0.60, 69), (0.70, 1.15, 72), (1.25, 1.85, 60), (1.25, 1.85, 67))
Floats = npt.NDArray[Any]


class Note(NamedTuple):
    """First frame, frame past the end, key in MIDI."""

    start: int
    end: int
    key: int


def tune() -> Floats:
    """TUNE as the model's input, float32 [1, WINDOW, 1]: plucked strings of six partials."""
    times = np.arange(WINDOW) / RATE
    sound = np.zeros(WINDOW)
    for start, end, key in TUNE:
        pitch = 440.0 * 2.0 ** ((key - 69) / 12)
        since = times - start
        envelope = np.clip(since / 0.01, 0, 1) * np.clip((end - times) / 0.02, 0, 1)
        envelope *= np.exp(-4.0 * since.clip(0))
        partials = sum(np.sin(2 * np.pi * pitch * k * since) / k**1.5 for k in range(1, 7))
        sound += 0.3 * envelope * partials
    return sound.astype(np.float32).reshape(1, WINDOW, 1)


def notes(onset: Floats, sound: Floats) -> list[Note]:
    """The notes in order of time and key; both arrays are [FRAMES, KEYS], from 0 to 1."""
    left = np.array(sound)
    before, after = onset[:-2], onset[2:]
    peaks = np.zeros(onset.shape, dtype=bool)
    peaks[1:-1] = (onset[1:-1] > before) & (onset[1:-1] > after) & (onset[1:-1] >= ONSET)
    found = []
    for frame, key in sorted(np.argwhere(peaks).tolist(), reverse=True):
        end = _end(left[:, key], frame)
        if end - frame > SHORTEST:
            left[frame:end, max(key - 1, 0) : key + 2] = 0
            found.append(Note(frame, end, key + LOWEST))
    return sorted(found)


def _end(left: Floats, start: int) -> int:
    """Past the last frame in which a key sounds that begins at ``start``."""
    silent = 0
    for frame in range(start + 1, len(left)):
        silent = silent + 1 if left[frame] < SOUND else 0
        if silent == SILENCE:
            return frame + 1 - silent
    return len(left) - silent
