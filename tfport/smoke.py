"""Prove an SDK: run models on the target's CPU under the emulator and hold them against host TensorFlow.

Every demo model runs on its pictures, a user's model on seeded input or on given files. fp32 results are
judged end to end. A quantised network is judged operator by operator, each fed the reference's inputs; end to
end it must choose the same class, and its worst step is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Optional

import numpy as np

from tfport import command
from tfport.catalogue import DemoModel, Shelf
from tfport.compare import Difference, compare, is_classification, same_top_class, top_class
from tfport.emulator import Emulator, build_counter
from tfport.errors import EmulatorFailed, NotAnSdk, TfportError
from tfport.host import Host
from tfport.inputs import DEFAULT_SEED, Array, Names, model_inputs, photograph, save_inputs
from tfport.model import LiteModel, read_tflite
from tfport.smoke_results import CountResult, OpsResult, RunResult, SmokeResults
from tfport.split import plan
from tfport.target import Target
from tfport.target_run import PROGRAM, Runner, Setting

ALL_SETTINGS = (Setting(1, True), Setting(4, True), Setting(1, False), Setting(4, False))
# For the further demo models: threads where they matter, and the builtin kernels once.
FEW_SETTINGS = (Setting(4, True), Setting(1, False))
COUNTED = ("squeezenet-float32", "squeezenet-int8")
SEEDED = "seeded"
Report = Callable[[int, int, str], None]  # done, of, what


@dataclass(frozen=True)
class UserModel:
    """A model given by ``--model``; ``inputs`` maps names of its inputs to .npy files."""

    path: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A model on one input. ``labels`` may be empty; ``expected`` is the class to be found, or ""."""

    name: str
    model: LiteModel
    source: str  # a picture, "seeded" or "files"
    inputs: Names
    settings: tuple[Setting, ...]
    labels: tuple[str, ...] = ()
    expected: str = ""


@dataclass
class Smoke:
    """What a smoke test works with. ``home`` keeps converted models and references, ``work`` logs."""

    sdk: Path
    target: Target
    shelf: Shelf
    home: Path
    work: Path
    users: Sequence[UserModel] = ()
    demos: Optional[Sequence[str]] = None  # names of demo models; None: all
    reference: bool = True
    seed: int = DEFAULT_SEED
    jobs: int = 2
    count: bool = True
    report: Report = lambda done, of, what: None
    emulator: Optional[Emulator] = None

    def run(self) -> SmokeResults:
        """Run it all; failures of single runs are results, not errors.

        Raises ``NotAnSdk``, ``ModelError`` for a user's model or input, ``ConversionFailed``,
        ``ReferenceMissing``, and what fetching raises.
        """
        started = time.monotonic()
        program = self.sdk / PROGRAM
        if not program.is_file():
            raise NotAnSdk(f"{self.sdk} has no {PROGRAM}", "It is not the folder of a built SDK.")
        self.runner = Runner(
            self.emulator or Emulator.for_target(self.target), program, self.work / "outputs"
        )
        self.host = Host(self.home / "models", self.work / "tensorflow.log")
        self.skipped: list[str] = []
        cases = [*self._demo_cases(), *self._user_cases()]
        references = self._references(cases)
        tasks = list(self._tasks(cases, references))
        results = self._all(tasks)
        return SmokeResults(
            self.target.name,
            self.reference,
            tuple(r for r in results if isinstance(r, RunResult)),
            tuple(r for r in results if isinstance(r, OpsResult)),
            tuple(r for r in results if isinstance(r, CountResult)),
            tuple(self.skipped),
            time.monotonic() - started,
        )

    def _demo_cases(self) -> list[Case]:
        chosen = [m for m in self.shelf.catalogue.models if self.demos is None or m.name in self.demos]
        if not self.reference:
            self.skipped += [
                f"{model.name}: host TensorFlow makes it, and --no-reference leaves that out"
                for model in chosen
                if model.form != "lite"
            ]
            chosen = [model for model in chosen if model.form == "lite"]
        paths = {}
        if chosen:
            self.report(0, 0, "fetching and converting demo models")
        for model in chosen:
            paths[model.name] = self.host.converted(model, self.shelf)
        self.host.work()
        cases = []
        for model in chosen:
            lite = read_tflite(paths[model.name])
            settings = ALL_SETTINGS if model.form != "lite" else FEW_SETTINGS
            labels = self.shelf.labels(model)
            for source, inputs in self._demo_inputs(model, lite):
                expected = model.pictures.get(source, "")
                cases.append(Case(model.name, lite, source, inputs, settings, labels, expected))
        return cases

    def _demo_inputs(self, model: DemoModel, lite: LiteModel) -> Iterator[tuple[str, Names]]:
        if not model.pictures:
            yield SEEDED, model_inputs(lite, {}, self.seed)
        for picture in model.pictures:
            tensor = lite.inputs[0]
            try:
                values = photograph(self.shelf.path(picture), tensor, model.scaling)
            except ImportError:  # Pillow comes with host TensorFlow's requirements
                self.skipped.append(f"{model.name} on {picture}: Pillow is not installed")
                yield SEEDED, model_inputs(lite, {}, self.seed)
                return
            yield picture, {tensor.name: values}

    def _user_cases(self) -> list[Case]:
        models = [read_tflite(user.path) for user in self.users]
        names = {tensor.name for model in models for tensor in model.inputs}
        cases = []
        for user, lite in zip(self.users, models):
            # With several models each takes what it has an input for; a name that none has is an error.
            own = {tensor.name for tensor in lite.inputs}
            given = {name: path for name, path in user.inputs.items() if name in own or name not in names}
            inputs = model_inputs(lite, given, self.seed)
            cases.append(Case(user.path.name, lite, "files" if given else SEEDED, inputs, ALL_SETTINGS))
        return cases

    def _references(self, cases: Sequence[Case]) -> dict[int, dict[str, Array]]:
        """The reference's tensors for each case, by position in ``cases``."""
        if not self.reference:
            return {}
        self.report(0, 0, "computing the reference with host TensorFlow")
        files = []
        for case in cases:
            files.append(self.host.results(case.model, case.inputs, case.model.quantised))
            if case.model.quantised:
                self.host.unravelled(case.model)
        self.host.work()
        return {position: _load(path) for position, path in enumerate(files)}

    def _tasks(
        self, cases: Sequence[Case], references: Mapping[int, dict[str, Array]]
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        for position, case in enumerate(cases):
            want = references.get(position)
            feeds = save_inputs(case.inputs, self.work / "inputs" / str(position))
            if want is not None and case.model.quantised:
                unravelled = self.host.unravelled(case.model)
                parts = self.work / "inputs" / f"{position}-ops"
                for xnnpack in (True, False):
                    yield (
                        f"{case.name}, op by op",
                        partial(self._ops, case, xnnpack, want, unravelled, parts),
                    )
            for setting in case.settings:
                yield (
                    f"{case.name}, {case.source}, {setting}",
                    partial(self._run, case, setting, want, feeds),
                )
        if self.count and cases:
            counted = {case.name: position for position, case in enumerate(cases) if case.name in COUNTED}
            for name, position in counted.items():
                feeds = [
                    (tensor, self.work / "inputs" / str(position) / f"in{k}.npy")
                    for k, tensor in enumerate(cases[position].inputs)
                ]
                yield f"{name}, counting instructions", partial(self._count, cases[position], feeds)

    def _all(self, tasks: Sequence[tuple[str, Callable[[], Any]]]) -> list[Any]:
        results: list[Any] = [None] * len(tasks)
        with ThreadPoolExecutor(max_workers=self.jobs) as pool:
            waiting = {pool.submit(work): k for k, (_, work) in enumerate(tasks)}
            try:
                for done, future in enumerate(as_completed(waiting), 1):
                    k = waiting[future]
                    results[k] = future.result()
                    self.report(done, len(tasks), tasks[k][0])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                command.end_all()
                raise
        return results

    def _run(
        self,
        case: Case,
        setting: Setting,
        want: Optional[Mapping[str, Array]],
        feeds: Sequence[tuple[str, Path]],
    ) -> RunResult:
        try:
            done = self.runner.run(case.model.path, feeds, setting)
        except EmulatorFailed as error:
            return RunResult(case.name, case.source, setting.threads, setting.xnnpack, (_sentence(error),))
        problems: list[str] = []
        differences: list[Difference] = []
        if want is not None:
            differences, problems = _judge(case.model, done.outputs, want)
        best, label, score = _classify(case, done.outputs)
        if case.expected and case.expected not in [part.strip() for part in label.split(",")]:
            problems.append(f"{case.source} is a {label or best}, expected: {case.expected}")
        facts = done.facts
        times = facts.get("seconds_per_inference") or [0.0]
        return RunResult(
            model=case.name,
            input=case.source,
            threads=setting.threads,
            xnnpack=setting.xnnpack,
            problems=tuple(problems),
            differences=tuple(differences),
            top_class=best,
            label=label,
            score=score,
            seconds=done.seconds,
            seconds_per_inference=min(times),
            nodes=facts.get("nodes", 0),
            delegated_nodes=facts.get("delegated_nodes", 0),
            kernels=tuple(facts.get("kernels", ())),
            memory={key: value for key, value in facts.items() if key.endswith("_bytes")},
        )

    def _ops(
        self, case: Case, xnnpack: bool, want: Mapping[str, Array], unravelled: Path, folder: Path
    ) -> OpsResult:
        parts = plan(case.model)
        folder = folder / ("on" if xnnpack else "off")
        fed = save_inputs({port.name: want[f"t{port.tensor}"] for port in parts.inputs}, folder)
        try:
            done = self.runner.run(unravelled, fed, Setting(1, xnnpack))
        except EmulatorFailed as error:
            return OpsResult(case.name, case.source, xnnpack, (_sentence(error),))
        graph = case.model.graphs[0]
        found = []
        for port, got in zip(parts.outputs, done.outputs):
            node = graph.nodes[port.node]
            name = f"{case.model.op_codes[node.op].name} (node {port.node})"
            quantised = bool(graph.tensors[port.tensor].scales)
            found.append(compare(name, got, want[f"t{port.tensor}"], quantised))
        steps = [difference for difference in found if difference.rule == "steps"]
        worst = max(steps, key=lambda difference: difference.worst, default=None)
        problems = [str(difference) for difference in found if not difference.ok]
        if len(done.outputs) != len(parts.outputs):
            problems.append(f"{len(done.outputs)} results of {len(parts.outputs)} came back")
        return OpsResult(
            model=case.name,
            input=case.source,
            xnnpack=xnnpack,
            problems=tuple(problems),
            ops=len(parts.nodes),
            left_out=len(graph.nodes) - len(parts.nodes),
            delegated_nodes=done.facts.get("delegated_nodes", 0),
            worst_steps=worst.worst if worst else 0.0,
            worst_op=worst.name if worst and worst.worst else "",
            off_by_one=sum(difference.worst >= 1 for difference in steps),
            worst_float=max((d.worst for d in found if d.rule == "float"), default=0.0),
            seconds=done.seconds,
        )

    def _count(self, case: Case, feeds: Sequence[tuple[str, Path]]) -> CountResult:
        try:
            counts = self.runner.emulator.count_per_round(
                lambda n: self.runner.words(
                    case.model.path, feeds, Setting(1, True), "--repeat", str(n), "--json"
                ),
                build_counter(self.home / "tools"),
                timeout=self.runner.timeout,
            )
        except TfportError as error:
            return CountResult(case.name, {}, (_sentence(error),))
        return CountResult(case.name, counts)


def _judge(
    model: LiteModel, outputs: Sequence[Array], want: Mapping[str, Array]
) -> tuple[list[Difference], list[str]]:
    """Compare the outputs of a whole network; the second list says what is wrong."""
    expected = [want[f"out{k}"] for k in range(len(model.outputs))]
    if len(outputs) != len(expected):
        return [], [f"{len(outputs)} outputs came back, the model has {len(expected)}"]
    differences = []
    problems = []
    for tensor, got, wanted in zip(model.outputs, outputs, expected):
        difference = compare(tensor.name, got, wanted, bool(tensor.scales), judge=not model.quantised)
        differences.append(difference)
        if not difference.ok:
            problems.append(str(difference))
        elif model.quantised and is_classification(wanted) and not same_top_class(got, wanted):
            problems.append(
                f"{tensor.name} chooses class {top_class(got)}, the reference {top_class(wanted)}"
            )
    return differences, problems


def _classify(case: Case, outputs: Sequence[Array]) -> tuple[Optional[int], str, Optional[float]]:
    """Class number, its label and its score, for a model that gives one row of scores and nothing else."""
    if len(outputs) != 1 or not is_classification(outputs[0]):
        return None, "", None
    best = top_class(outputs[0])
    score = float(outputs[0].reshape(-1)[best])
    tensor = case.model.outputs[0]
    if tensor.scales and outputs[0].dtype.kind in "iu":
        score = (score - tensor.zero_points[0]) * tensor.scales[0]
    return best, case.labels[best] if best < len(case.labels) else "", score


def _sentence(error: TfportError) -> str:
    return error.what + (f": {error.why}" if error.why else "")


def _load(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
