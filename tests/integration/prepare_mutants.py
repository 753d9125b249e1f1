"""Prepares corrupted copies of models one after another, in a process that may crash.

``python -m tests.integration.prepare_mutants FOLDER COUNT MODEL...``: one line of JSON for each copy, with
the class of the error that it ended with, or "" where it was prepared.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from tfport.core.prepare import prepare
from tfport.core.recognise import recognise
from tfport.errors import TfportError


def mutant(data: bytes, seed: int) -> bytes:
    """A copy with one to four bytes changed, or with a piece cut out or doubled."""
    rng = random.Random(seed)
    copy = bytearray(data)
    place = rng.randrange(len(data))
    if seed % 8 == 0:
        del copy[place : place + rng.choice((1, 3, 50))]
    elif seed % 8 == 1:
        copy[place:place] = data[place : place + rng.choice((1, 3, 50))]
    else:
        for _ in range(rng.choice((1, 1, 2, 4))):
            place = rng.randrange(len(data))
            copy[place] = rng.choice((0, 1, 127, 128, 255, copy[place] ^ (1 << rng.randrange(8))))
    return bytes(copy)


def main(folder: Path, count: int, models: list[Path]) -> None:
    for seed in range(count):
        path = folder / f"{seed}.pb"
        path.write_bytes(mutant(models[seed % len(models)].read_bytes(), seed // len(models)))
        try:
            prepare(path, recognise(path), folder / "prepared" / "facts.json")
            print(json.dumps(""), flush=True)
        except TfportError as error:
            assert error.what and str(path.name) in error.what, error.what
            print(json.dumps(type(error).__name__), flush=True)
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
