"""``--quantize int8`` on the command line: what it goes with, and the int8 model that a build then takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from tfport import reference
from tfport.core.recognise import GRAPHDEF, digest, recognise
from tfport.errors import ModelMissing, NotACoreModel, NotOffered, NotQuantisable, ReferenceMissing
from tfport.host import Host
from tfport.model import read_tflite
from tfport.quantise.accuracy import Agreement
from tfport.quantise.convert import FLOAT, INT8, SAMPLE
from tfport.quantise.samples import AUTO, has_pictures, read_samples
from tfport.sums import sha256_of

FOLDER = "share/tfport/int8"  # where the model lies in an SDK
_FORMS = "Give the Keras model (.keras, .h5) or the SavedModel that it was converted from."
_RANGES = {
    "rgb-unit": "pixels from 0 to 1",
    "rgb-centred": "pixels from -1 to 1",
    "rgb-bytes": "pixels from 0 to 255",
    "bgr-minus-mean": "pixels from 0 to 255, blue first, less ImageNet's mean",
}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for: ``precision`` "int8" or None, folders, and how pictures are scaled.

    ``accuracy`` None: the calibration's pictures.
    """

    precision: Optional[str] = None
    calibration: Optional[Path] = None
    accuracy: Optional[Path] = None
    scaling: Optional[str] = None


@dataclass(frozen=True)
class Quantised:
    """A model made int8. ``folder`` holds ``model`` and nothing else; ``inputs``: a real sample for it."""

    source: Path
    model: Path
    inputs: tuple[tuple[str, Path], ...]
    calibration: Path
    samples: int
    scaling: str  # "" where there were no pictures
    accuracy: Path
    agreement: Agreement

    @property
    def folder(self) -> Path:
        return self.model.parent

    def rows(self) -> list[tuple[str, str]]:
        """The plan for a person."""
        scaled = f", {_RANGES[self.scaling]}" if self.scaling else ""
        return [
            (
                "quantised",
                f"{self.source} to int8, with {self.samples} samples of {self.calibration}{scaled}",
            ),
            ("accuracy", self.told),
        ]

    @property
    def told(self) -> str:
        """The accuracy in a line."""
        return f"{self.agreement} on {self.accuracy}"

    def as_data(self) -> dict[str, Any]:
        """Its part of report.json."""
        model = {"path": f"{FOLDER}/{self.model.name}", "sha256": sha256_of(self.model)}
        return {
            "precision": "int8",
            "source": {"path": str(self.source), "sha256": digest(self.source)},
            "model": model,
            "calibration": {
                "folder": str(self.calibration),
                "samples": self.samples,
                "scaling": self.scaling,
            },
            "accuracy": {"folder": str(self.accuracy), **asdict(self.agreement), "told": self.told},
        }


def refuse(wish: Wish, runtime: str, models: Sequence[Path], reference: bool) -> None:
    """Raise ``NotOffered`` for options that do not go together."""
    if wish.precision is None:
        given: Mapping[str, object] = {
            "--calibration": wish.calibration,
            "--accuracy": wish.accuracy,
            "--scaling": wish.scaling,
        }
        for option, value in given.items():
            if value is not None:
                raise NotOffered(
                    f"{option} goes with --quantize int8", "Without it the model is built as it is."
                )
        return
    if wish.calibration is None:
        raise NotOffered(
            "--quantize int8 goes with --calibration",
            "The ranges of the activations come from real pictures.",
            "--calibration DIR, with pictures like those that the device will see; a hundred are enough.",
        )
    if len(models) != 1:
        raise NotOffered(
            f"--quantize int8 takes one --model, not {len(models)}",
            "The pictures belong to one model.",
            "Quantise one after the other; build with the int8 models of these SDKs then.",
        )
    if runtime == "tensorflow":
        raise NotOffered(
            "--quantize int8 is not offered for --runtime tensorflow",
            "TensorFlow's converter makes models of TensorFlow Lite.",
            "Use --runtime lite or acl.",
        )
    if not reference:
        raise NotOffered(
            "--no-reference and --quantize exclude each other", "Host TensorFlow quantises the model."
        )


def quantised(wish: Wish, path: Path, host: Host) -> Quantised:
    """Make the int8 model and compare it with the float one; a second run finds both in the cache.

    Raises ``NotQuantisable``, ``CalibrationInvalid``, ``ModelError``, ``ReferenceMissing`` and what
    ``Host.work`` raises.
    """
    assert wish.calibration is not None
    kind = form_of(path)
    try:
        reference.require()  # Pillow, which looks at the pictures, comes with it
        return _made(wish, wish.calibration, path, kind, host)
    except ReferenceMissing as error:
        raise ReferenceMissing(error.what, "It quantises the model.", error.hint) from None


def form_of(path: Path) -> str:
    """ "keras" or "saved_model". Raises ``NotQuantisable`` for other forms, and ``ModelError``."""
    if not path.exists():
        raise ModelMissing(f"There is no model {path}")
    if path.is_file() and path.open("rb").read(8)[4:] == b"TFL3":
        done = read_tflite(path).quantised
        raise NotQuantisable(
            f"{path} is a TensorFlow Lite model" + (", and quantised already" if done else ""),
            "" if done else "The converter quantises while it converts, and cannot take what it has made.",
            "Build it without --quantize." if done else _FORMS,
        )
    try:
        kind = recognise(path)
    except NotACoreModel as error:
        plain = "It holds no saved_model.pb." if path.is_dir() else "It is no Keras model and no SavedModel."
        raise NotQuantisable(f"{path} cannot be quantised", error.why or plain, _FORMS) from None
    if kind == GRAPHDEF:
        raise NotQuantisable(f"{path} is a GraphDef, which does not say what its inputs are", "", _FORMS)
    return kind


def _made(wish: Wish, calibration: Path, path: Path, kind: str, host: Host) -> Quantised:
    given = read_samples(calibration)
    compared = read_samples(wish.accuracy) if wish.accuracy else given
    facts_file = host.quantised(path, kind, digest(path), given, wish.scaling or AUTO)
    home = facts_file.parent
    stem = path.name if path.is_dir() else path.stem
    fp32, int8 = home / FLOAT / f"{stem}.tflite", home / INT8 / f"{stem}-int8.tflite"
    agreement = host.agreement(fp32, int8, compared)
    host.work()
    facts = json.loads(facts_file.read_text(encoding="utf-8"))
    return Quantised(
        source=path,
        model=int8,
        inputs=tuple((name, home / SAMPLE / file) for name, file in facts["sample"].items()),
        calibration=calibration,
        samples=facts["samples"],
        scaling=facts["scaling"] if has_pictures([*given.files, *compared.files]) else "",
        accuracy=compared.folder,
        agreement=Agreement(**json.loads(agreement.read_text(encoding="utf-8"))),
    )
