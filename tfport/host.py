"""The process in which host TensorFlow works, seen from outside.

One process does a list of jobs, since TensorFlow's import costs seconds. Every result is a file named by all
that it depends on, so a second run starts no process at all.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfport import command, convert, reference, split
from tfport.catalogue import DemoModel, Shelf
from tfport.errors import CommandFailed, ConversionFailed, TfportError
from tfport.inputs import Array
from tfport.model import LiteModel

_RECIPE = 2  # part of a result's name: raise it when reference.py changes what it writes
TIME_LIMIT = 900.0  # seconds for one list of jobs


@dataclass
class Host:
    """Collects jobs and does them at once; ``folder`` keeps the results, ``log`` what TensorFlow says."""

    folder: Path
    log: Path
    _jobs: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def converted(self, model: DemoModel, shelf: Shelf) -> Path:
        """Where a demo model in its runtime's form is, or will be once ``work`` has returned."""
        source = shelf.path(model.file)
        if model.form == "lite":
            return source
        pictures = [shelf.path(name) for name in convert.CALIBRATION_PICTURES]
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (source, *pictures)]
        key = convert.cache_key(model.form, digests[0], digests[1:], reference.require())
        return self._want(
            f"{model.name}-{key}{convert.SUFFIXES[model.form]}",
            {
                "do": "squeezenet",
                "form": model.form,
                "weights": str(source),
                "pictures": [str(path) for path in pictures],
            },
        )

    def results(self, model: LiteModel, inputs: Mapping[str, Array], intermediates: bool) -> Path:
        """The .npz of ``reference.run_reference`` for these inputs."""
        setting = f"{_RECIPE} {model.sha256} {intermediates} {reference.require()}"
        digest = hashlib.sha256(setting.encode())
        for name, values in inputs.items():
            digest.update(f"{name} {values.dtype} {values.shape} ".encode())
            digest.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
        key = digest.hexdigest()[:16]
        fed = self.folder / f"inputs-{key}.npz"
        if not fed.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = fed.with_name(f".{fed.stem}.part.npz")
            # Names of tensors may hold anything; the order is that of the job's list.
            np.savez(part, *(_plain(values) for values in inputs.values()))
            part.replace(fed)
        return self._want(
            f"reference-{key}.npz",
            {
                "do": "run",
                "model": str(model.path),
                "inputs": str(fed),
                "names": list(inputs),
                "intermediates": intermediates,
            },
        )

    def unravelled(self, model: LiteModel) -> Path:
        """The unravelled form of a model, see ``tfport.split``."""
        return self._want(
            f"unravelled-{_RECIPE}-{model.sha256[:16]}.tflite", {"do": "unravel", "model": str(model.path)}
        )

    def work(self) -> None:
        """Do all that was asked for and is not there. Raises ``ReferenceMissing`` or ``ConversionFailed``."""
        jobs = [job for path, job in self._jobs.items() if not path.exists()]
        self._jobs.clear()
        if not jobs:
            return
        reference.require()
        try:
            command.run(
                [sys.executable, "-m", "tfport.host"],
                cwd=Path(__file__).resolve().parent.parent,
                stdin=json.dumps(jobs).encode(),
                log=self.log,
                timeout=TIME_LIMIT,
            )
        except CommandFailed as error:
            raise ConversionFailed("Host TensorFlow failed", error.why or error.what, error.hint) from None

    def _want(self, name: str, job: dict[str, Any]) -> Path:
        path = self.folder / name
        self._jobs[path] = {**job, "result": str(path)}
        return path


def _plain(values: Array) -> Array:
    return values.astype(bytes) if values.dtype == object else values


def _do(job: dict[str, Any]) -> dict[str, Any]:
    result = Path(job["result"])
    result.parent.mkdir(parents=True, exist_ok=True)
    if job["do"] == "squeezenet":
        pictures = [Path(path) for path in job["pictures"]]
        return convert.convert_squeezenet(job["form"], Path(job["weights"]), pictures, result)
    if job["do"] == "unravel":
        return split.unravel_file(Path(job["model"]), result)
    with np.load(job["inputs"]) as file:
        values = [file[f"arr_{position}"] for position in range(len(job["names"]))]
    inputs = dict(zip(job["names"], values))
    return reference.run_reference(Path(job["model"]), inputs, result, job["intermediates"])


def main() -> int:
    """Read a list of jobs from standard input and do them in order; one line of JSON each."""
    for job in json.load(sys.stdin):
        try:
            print(json.dumps({"job": job["do"], "result": job["result"], **_do(job)}), flush=True)
        except TfportError as error:
            print(f"error: {error.what} {error.why}", file=sys.stderr)
            return 1
        except Exception as error:
            traceback.print_exc()
            print(f"error: {job['do']} of {job.get('model', job.get('weights'))}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
