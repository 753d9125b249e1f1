"""The process in which host TensorFlow works, seen from outside.

One process does a list of jobs, since TensorFlow's import costs seconds. Every result is a file named by all
that it depends on, so a second run starts no process at all.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfport import command, convert, errors, networks, reference, split
from tfport.catalogue import DemoModel, Shelf
from tfport.core.model import FACTS, CoreModel
from tfport.core.recognise import KERAS
from tfport.errors import CommandFailed, CommandTimedOut, ConversionFailed, TfportError
from tfport.inputs import Array
from tfport.model import LiteModel
from tfport.quantise import steps
from tfport.quantise.samples import Samples

# Parts of a result's name: raise one when reference.py, or what is in core/, changes what it writes.
_RECIPE = 2
_CORE_RECIPE = 2
TIME_LIMIT = 900.0  # seconds for one list of jobs, and what a long job adds to it
_PROGRESS = "progress: "  # and what ``Host.tell`` hears, as JSON


@dataclass
class Host:
    """Collects jobs and does them at once; ``folder`` keeps the results, ``log`` what TensorFlow says.

    ``tell`` hears how far a long job is: done, of, what.
    """

    folder: Path
    log: Path
    tell: Callable[[int, int, str], None] = lambda done, of, what: None
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

    def network(self, name: str, form: str, pictures: Sequence[Path]) -> Path:
        """A network of ``networks.NETWORKS`` with seeded weights, in one of ``networks.FORMS``."""
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures]
        setting = "\n".join([name, form, str(networks.RECIPE), *digests, reference.require()])
        key = hashlib.sha256(setting.encode()).hexdigest()[:16]
        return self._want(
            f"{name}-{form}-{key}{networks.FORMS[form]}",
            {"do": "network", "network": name, "form": form, "pictures": [str(path) for path in pictures]},
        )

    def results(self, model: LiteModel, inputs: Mapping[str, Array], intermediates: bool) -> Path:
        """The .npz of ``reference.run_reference`` for these inputs."""
        setting = f"{_RECIPE} {model.sha256} {intermediates} {reference.require()}"
        return self._run(
            setting, inputs, {"do": "run", "model": str(model.path), "intermediates": intermediates}
        )

    def prepared(self, path: Path, kind: str, sha256: str) -> Path:
        """The facts.json of a model of the core runtime; the prepared model lies beside it.

        ``kind`` and ``sha256`` as in ``CoreModel``; use ``core.model.read_core_models``.
        """
        setting = f"{_CORE_RECIPE} {kind} {sha256} {reference.require()}"
        key = hashlib.sha256(setting.encode()).hexdigest()[:16]
        return self._want(
            f"prepared-{key}/{FACTS}", {"do": "prepare", "model": str(path.resolve()), "kind": kind}
        )

    def core_results(self, model: CoreModel, signature: str, inputs: Mapping[str, Array]) -> Path:
        """The .npz of ``core.reference.run_reference`` for a signature and these inputs."""
        setting = f"{_CORE_RECIPE} {model.kind} {model.sha256} {signature} {reference.require()}"
        job = {"do": "run_core", "model": str(model.path.resolve()), "kind": model.kind}
        return self._run(setting, inputs, {**job, "signature": signature})

    def quantised(self, path: Path, kind: str, sha256: str, given: Samples, scaling: str) -> Path:
        """The facts of a Keras model or SavedModel in int8; see ``tfport.quantise.convert``."""
        name, job = steps.quantising(path, kind, sha256, given, scaling, reference.require())
        return self._want(name, job)

    def agreement(self, fp32: Path, int8: Path, given: Samples, scaling: str = "") -> Path:
        """How well two results of this folder agree; see ``tfport.quantise.accuracy``.

        ``scaling`` "": as the facts beside a quantised model say.
        """
        name, job = steps.comparing(fp32, int8, given, scaling, reference.require())
        return self._want(name, job)

    def unravelled(self, model: LiteModel) -> Path:
        """The unravelled form of a model, see ``tfport.split``."""
        return self._want(
            f"unravelled-{_RECIPE}-{model.sha256[:16]}.tflite", {"do": "unravel", "model": str(model.path)}
        )

    def work(self) -> None:
        """Do all that was asked for and is not there.

        Raises ``ReferenceMissing``, ``ConversionFailed``, or the error that a job ended with.
        """
        jobs = [job for path, job in self._jobs.items() if not path.exists()]
        self._jobs.clear()
        # Keras numbers names over the life of a process, and a prepared model must be the same bytes again.
        alone = [job for job in jobs if job["do"] == "prepare" and job["kind"] == KERAS]
        for part in ([job for job in jobs if job not in alone], *([job] for job in alone)):
            if part:
                self._work(part)

    def _work(self, jobs: Sequence[dict[str, Any]]) -> None:
        reference.require()
        try:
            command.run(
                [sys.executable, "-m", "tfport.host"],
                cwd=Path(__file__).resolve().parent.parent,
                stdin=json.dumps(jobs).encode(),
                log=self.log,
                timeout=TIME_LIMIT + sum(job.get("patience", 0.0) for job in jobs),
                on_line=self._hear,
            )
        except CommandFailed as error:
            raise _told(error, jobs) from None

    def _hear(self, line: str) -> None:
        if line.startswith(_PROGRESS):
            self.tell(*json.loads(line[len(_PROGRESS) :]))

    def _run(self, setting: str, inputs: Mapping[str, Array], job: dict[str, Any]) -> Path:
        """A job that reads inputs from a file, named by ``setting`` and by their values."""
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
        return self._want(f"reference-{key}.npz", {**job, "inputs": str(fed), "names": list(inputs)})

    def _want(self, name: str, job: dict[str, Any]) -> Path:
        path = self.folder / name
        self._jobs[path] = {**job, "result": str(path)}
        return path


def _plain(values: Array) -> Array:
    return values.astype(bytes) if values.dtype == object else values


def _subject(job: dict[str, Any]) -> str:
    """What a job is about, for messages."""
    return str(job.get("model") or job.get("weights") or job.get("network"))


def _told(failed: CommandFailed, jobs: Sequence[dict[str, Any]]) -> TfportError:
    """The error that the process has printed, or what can be said of one that said nothing."""
    done = 0
    for line in failed.stdout.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        kind = getattr(errors, str(said.get("error", "")), None) if isinstance(said, dict) else None
        if isinstance(kind, type) and issubclass(kind, TfportError):
            return kind(said["what"], said["why"], said["hint"])
        done += isinstance(said, dict) and "job" in said
    if failed.returncode < 0 and done < len(jobs) and not isinstance(failed, CommandTimedOut):
        job = jobs[done]
        name = signal.Signals(-failed.returncode).name
        return ConversionFailed(
            f"Host TensorFlow crashed ({name}) over {_subject(job)}",
            failed.why,
            "The model may be corrupted: fetch or save it again and compare its sha256.",
        )
    return ConversionFailed("Host TensorFlow failed", failed.why or failed.what, failed.hint)


def _do(job: dict[str, Any]) -> dict[str, Any]:
    result = Path(job["result"])
    if job["do"] == "prepare":
        from tfport.core.prepare import prepare

        return prepare(Path(job["model"]), job["kind"], result)
    if job["do"] in steps.WORK:
        return steps.WORK[job["do"]](job, result, _tell)
    result.parent.mkdir(parents=True, exist_ok=True)
    if job["do"] == "squeezenet":
        pictures = [Path(path) for path in job["pictures"]]
        return convert.convert_squeezenet(job["form"], Path(job["weights"]), pictures, result)
    if job["do"] == "network":
        pictures = [Path(path) for path in job["pictures"]]
        return networks.make(job["network"], job["form"], pictures, result)
    if job["do"] == "unravel":
        return split.unravel_file(Path(job["model"]), result)
    with np.load(job["inputs"]) as file:
        values = [file[f"arr_{position}"] for position in range(len(job["names"]))]
    inputs = dict(zip(job["names"], values))
    if job["do"] == "run_core":
        from tfport.core.reference import run_reference

        return run_reference(Path(job["model"]), job["kind"], job["signature"], inputs, result)
    expose = split.expose if job["intermediates"] else None
    return reference.run_reference(Path(job["model"]), inputs, result, expose)


def _tell(done: int, of: int, what: str) -> None:
    print(f"{_PROGRESS}{json.dumps([done, of, what])}", flush=True)


def main() -> int:
    """Read a list of jobs from standard input and do them in order; one line of JSON each."""
    for job in json.load(sys.stdin):
        try:
            print(json.dumps({"job": job["do"], "result": job["result"], **_do(job)}), flush=True)
        except TfportError as error:
            traceback.print_exc()
            said = {"error": type(error).__name__, "what": error.what, "why": error.why, "hint": error.hint}
            print(json.dumps(said), flush=True)
            return 1
        except Exception as error:
            traceback.print_exc()
            print(
                f"error: {job['do']} of {_subject(job)}: {error}",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
