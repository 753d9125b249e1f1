"""The models that the core runtime is tested with, what each is fed, and their place in an SDK cut to all.

Keras and TensorFlow never save a model as the same bytes twice, so the models are made once and kept beside
the other models of the cache: a second session prepares and compiles nothing.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.e2e import core_models
from tests.e2e.pitch_notes import WINDOW
from tests.e2e.support import home
from tests.integration import core_cases
from tfport import convert
from tfport.catalogue import Shelf
from tfport.core.model import CoreModel
from tfport.inputs import Array, Names, picture
from tfport.locks import hold
from tfport.reference import TENSORFLOW_VERSION
from tfport.target import ROOT

PITCH = "basic_pitch"  # from its package; all others are made by the tests
# Model, as it is given to the front door, in this order -> its folder in the SDK.
FOLDERS = {
    "squeezenet.pb": "squeezenet",
    "squeezenet": "squeezenet-2",
    "squeezenet.keras": "squeezenet-3",
    PITCH: "basic_pitch",
    "text": "text",
    "lstm.keras": "lstm",
    "quantised.pb": "quantised",
    "norms.pb": "norms",
    "stateful": "stateful",
    "control": "control",
}
# The article's second experiment; made, but no SDK is cut to it.
QUANTISED_SQUEEZENET = "squeezenet_quantised.pb"
DEFAULT = "serving_default"
Case = tuple[str, str]  # a model and one of its signatures
Prepared = Callable[..., dict[str, CoreModel]]  # takes names of models
CASES: tuple[Case, ...] = (
    *((name, DEFAULT) for name in FOLDERS if name not in ("stateful", "control")),
    ("text", "look_up"),
    ("stateful", "count"),
    ("stateful", "age"),
    ("control", "walk"),
    ("control", "choose"),
    ("control", "record"),
)
SENTENCES = np.array([b"The cat, SAT!", b"", b"home   home", b"a fast dog ran home on the mat"])
KEYS = np.array([b"Peru", b"Mars", b"italy"])


def core_paths(shelf: Shelf) -> dict[str, Path]:
    """Every model by its name, made on first use."""
    weights = shelf.path("squeezenet_weights.pkl")
    sources = [Path(module.__file__ or "") for module in (core_models, core_cases, convert)]
    key = hashlib.sha256(TENSORFLOW_VERSION.encode())
    for path in (*sources, weights):
        key.update(path.read_bytes())
    folder = home() / "models" / f"tests-{key.hexdigest()[:16]}"
    with hold(home() / "models" / ".tests.lock", "Another session makes the models; waiting for it.", print):
        if not folder.is_dir():
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            words = [sys.executable, "-m", "tests.e2e.core_shelf", str(part), str(weights)]
            subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
            part.rename(folder)
    names = [*FOLDERS, QUANTISED_SQUEEZENET]
    return {name: shelf.tree(PITCH) if name == PITCH else folder / name for name in names}


def coffee_image(shelf: Shelf) -> Array:
    """coffee.png as SqueezeNet's input."""
    side = convert.SIDE
    return picture(shelf.path("coffee.png"), "image", (1, side, side, 3), "bgr-minus-mean")


def feeds(shelf: Shelf) -> dict[Case, Names]:
    """What each signature of the models is fed, by name."""
    draw = np.random.default_rng(5)
    image = {"image": coffee_image(shelf)}
    series = (3, core_models.STEPS, core_models.FEATURES)
    noise = np.random.default_rng(7).uniform(-1, 1, (1, WINDOW, 1))
    float32 = np.float32
    return {
        ("squeezenet.pb", DEFAULT): image,
        ("squeezenet", DEFAULT): image,
        ("squeezenet.keras", DEFAULT): image,
        # Not a tune: where that is silent the model takes logarithms of rounding errors, and ends 4e-4 apart.
        (PITCH, DEFAULT): {"input_2": noise.astype(float32)},
        ("text", DEFAULT): {"sentence": SENTENCES},
        ("text", "look_up"): {"key": KEYS},
        ("lstm.keras", DEFAULT): {"series": draw.normal(0, 1, series).astype(float32)},
        ("quantised.pb", DEFAULT): {"image": draw.normal(0, 1, (1, 12, 12, 3)).astype(float32)},
        ("norms.pb", DEFAULT): {"image": draw.normal(0, 1, (1, 5, 5, 2)).astype(float32)},
        ("stateful", "count"): {},
        ("stateful", "age"): {"name": np.array([b"bob", b"dan", b"ann"])},
        ("control", "walk"): {"n": np.array(9, dtype=np.int32)},
        ("control", "choose"): {"x": np.array(1.5, dtype=float32)},
        ("control", "record"): {"x": np.array(2, dtype=float32)},
    }


def main(folder: Path, weights: Path) -> None:
    """Make all models but basic-pitch in ``folder``, which must exist."""
    core_models.main(folder, weights.read_bytes())
    core_cases.norms(folder)
    core_cases.stateful(folder)
    core_cases.control(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
