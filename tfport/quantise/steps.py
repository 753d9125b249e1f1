"""The two jobs of host TensorFlow: their names, by all that goes into them, and the work itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tfport.quantise.samples import Samples, Tell

RECIPE = 1  # part of every result's name: raise it when what these jobs write changes
FACTS = "facts.json"
_SECONDS = 10.0  # that a job may take for each file, on a slow machine
Job = dict[str, Any]


def quantising(
    path: Path, kind: str, sha256: str, given: Samples, scaling: str, tensorflow: str
) -> tuple[str, Job]:
    """Name and job of ``convert.make_int8``. The model's name is that of its results, so it counts too."""
    stem = path.name if path.is_dir() else path.stem
    key = _key("int8", stem, kind, sha256, given.digest, scaling, tensorflow)
    job = {"do": "quantise", "model": str(path.resolve()), "stem": stem, "kind": kind, "scaling": scaling}
    return f"quantised-{key}/{FACTS}", {**job, **_files(given)}


def comparing(fp32: Path, int8: Path, given: Samples, scaling: str, tensorflow: str) -> tuple[str, Job]:
    """Name and job of ``accuracy.agreement``; the models' names, too, are by all that went into them."""
    names = ["/".join(path.parts[-3:]) for path in (fp32, int8)]
    job = {"do": "compare", "model": str(int8), "fp32": str(fp32), "scaling": scaling}
    return f"agreement-{_key('agreement', *names, given.digest, scaling, tensorflow)}.json", {
        **job,
        **_files(given),
    }


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join([str(RECIPE), *parts]).encode()).hexdigest()[:16]


def _files(given: Samples) -> Job:
    return {"files": [str(path.absolute()) for path in given.files], "patience": _SECONDS * len(given.files)}


def _quantise(job: Job, result: Path, tell: Tell) -> Job:
    from tfport.quantise.convert import make_int8

    files = [Path(path) for path in job["files"]]
    make_int8(Path(job["model"]), job["stem"], job["kind"], files, job["scaling"], result, tell)
    return {}


def _compare(job: Job, result: Path, tell: Tell) -> Job:
    from tfport.quantise.accuracy import agreement, slots_of

    fp32, int8, scaling = Path(job["fp32"]), Path(job["model"]), job["scaling"]
    if not scaling:
        scaling = json.loads((int8.parents[1] / FACTS).read_text(encoding="utf-8"))["scaling"]
    files = [Path(path) for path in job["files"]]
    agreement(fp32, int8, files, slots_of(fp32), scaling, result, tell)
    return {}


WORK: Mapping[str, Callable[[Job, Path, Tell], Job]] = {"quantise": _quantise, "compare": _compare}
