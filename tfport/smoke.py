"""Prove an SDK: run models on the target's CPU under the emulator and hold them against host TensorFlow.

What is the same for every runtime: cases run in every setting, several at a time, results are judged against
the reference, instructions are counted. What a runtime adds: which cases there are, and how one is judged.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Optional, Protocol, TypeVar

import numpy as np

from tfport import command
from tfport.catalogue import Shelf
from tfport.compare import Difference, is_classification, top_class
from tfport.emulator import Emulator, build_counter
from tfport.errors import EmulatorFailed, NotAnSdk, TfportError
from tfport.host import Host
from tfport.inputs import DEFAULT_SEED, Array, Names, save_inputs
from tfport.smoke_board import count_cores
from tfport.smoke_results import (
    CoresResult,
    CountResult,
    ImageResult,
    OpsResult,
    PackResult,
    RunResult,
    SmokeResults,
    sentence,
)
from tfport.target import Target
from tfport.target_run import PROGRAM, Runner, Setting

ALL_SETTINGS = (Setting(1, True), Setting(4, True), Setting(1, False), Setting(4, False))
# Without an operating system the number of cores is a question of its own.
BOARD_SETTINGS = (*ALL_SETTINGS[:1], Setting(2, True), *ALL_SETTINGS[1:])
SEEDED = "seeded"
# Counting takes several times as long as a run; a model above this is not counted.
COUNT_LIMIT = 60.0  # seconds of one run
Report = Callable[[int, int, str], None]  # done, of, what
Task = tuple[str, Callable[[], Any]]


@dataclass(frozen=True)
class Setup:
    """What every smoke test works with.

    ``home`` keeps converted models and references, ``work`` logs. ``inputs`` are the user's: name -> .npy.
    ``count_given``: count the instructions of the user's models too.
    """

    sdk: Path
    target: Target
    shelf: Shelf
    home: Path
    work: Path
    inputs: tuple[tuple[str, Path], ...] = ()
    reference: bool = True
    seed: int = DEFAULT_SEED
    jobs: int = 2
    count: bool = True
    count_given: bool = False
    report: Report = lambda done, of, what: None
    emulator: Optional[Emulator] = None

    @property
    def settings(self) -> tuple[Setting, ...]:
        """In which the models that matter most run."""
        return ALL_SETTINGS if self.target.board is None else BOARD_SETTINGS


class Net(Protocol):
    """What is run: a model as tfport-run takes it, and how its results are judged."""

    @property
    def path(self) -> Path:
        """What tfport-run loads."""

    @property
    def options(self) -> tuple[str, ...]:
        """Further words for tfport-run."""

    def judge(
        self, outputs: Sequence[Array], want: Mapping[str, Array]
    ) -> tuple[list[Difference], list[str]]:
        """Compare the outputs with the reference's; the second list says what is wrong."""

    def score(self, value: float) -> float:
        """A class's score as a number between 0 and 1, from the stored one."""


N = TypeVar("N", bound=Net)


@dataclass(frozen=True)
class Case(Generic[N]):
    """A net on one input.

    ``labels`` may be empty; ``expected`` is the class to be found, or "". ``counted``: the settings in which
    its instructions are counted, for the last of the cases that share a name.
    """

    name: str
    net: N
    source: str  # a picture, "seeded" or "files"
    inputs: Names
    settings: tuple[Setting, ...]
    labels: tuple[str, ...] = ()
    expected: str = ""
    counted: tuple[Setting, ...] = ()


class Smoke(ABC, Generic[N]):
    """One smoke test; a runtime fills in ``cases`` and ``wanted``."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.host = Host(setup.home / "models", setup.work / "tensorflow.log")
        self.skipped: list[str] = []

    @abstractmethod
    def cases(self) -> list[Case[N]]:
        """All that is to run; what does not is said in ``skipped``."""

    @abstractmethod
    def wanted(self, case: Case[N]) -> Path:
        """Ask the host for the reference's results; they are in that .npz once the host has worked."""

    def further(self, position: int, case: Case[N], want: Mapping[str, Array]) -> Iterator[Task]:
        """More to do for a case that has a reference; each task returns an ``OpsResult``."""
        yield from ()

    def beside(self, case: Case[N], feeds: Sequence[tuple[str, Path]]) -> Iterator[Task]:
        """More to do for a case, with or without a reference; each task returns a ``PackResult``."""
        yield from ()

    def images(self, position: int, case: Case[N]) -> Iterator[Task]:
        """Images to build and boot for a case; each task returns an ``ImageResult``."""
        yield from ()

    def run(self) -> SmokeResults:
        """Run it all; failures of single runs are results, not errors.

        Raises ``NotAnSdk``, ``ModelError`` for a user's model or input, ``ConversionFailed``,
        ``ReferenceMissing``, and what fetching raises.
        """
        started = time.monotonic()
        setup = self.setup
        program = setup.sdk / PROGRAM
        if not program.is_file():
            raise NotAnSdk(f"{setup.sdk} has no {PROGRAM}", "It is not the folder of a built SDK.")
        emulator = setup.emulator or Emulator.for_target(setup.target)
        self.runner = Runner(emulator, program, setup.work / "outputs")
        cases = self.cases()
        references = self._references(cases)
        feeds = [
            save_inputs(case.inputs, setup.work / "inputs" / str(position))
            for position, case in enumerate(cases)
        ]
        tasks = list(self._tasks(cases, references, feeds))
        counted = self._counted(cases) if setup.count else {}
        total = len(tasks) + len(counted)
        results = self._all(tasks, 0, total)
        counts = list(self._counts(cases, feeds, counted, results))
        results += self._all(counts, total - len(counts), total)
        return SmokeResults(
            setup.target.name,
            setup.reference,
            tuple(r for r in results if isinstance(r, RunResult)),
            tuple(r for r in results if isinstance(r, OpsResult)),
            tuple(r for r in results if isinstance(r, CountResult)),
            tuple(self.skipped),
            time.monotonic() - started,
            tuple(r for r in results if isinstance(r, ImageResult)),
            tuple(r for r in results if isinstance(r, CoresResult)),
            tuple(r for r in results if isinstance(r, PackResult)),
        )

    def _references(self, cases: Sequence[Case[N]]) -> dict[int, dict[str, Array]]:
        """The reference's tensors for each case, by position in ``cases``."""
        if not self.setup.reference or not cases:
            return {}
        self.setup.report(0, 0, "computing the reference with host TensorFlow")
        files = [self.wanted(case) for case in cases]
        self.host.work()
        return {position: _load(path) for position, path in enumerate(files)}

    def _tasks(
        self,
        cases: Sequence[Case[N]],
        references: Mapping[int, dict[str, Array]],
        feeds: Sequence[Sequence[tuple[str, Path]]],
    ) -> Iterator[Task]:
        for position, case in enumerate(cases):
            want = references.get(position)
            if want is not None:
                yield from self.further(position, case, want)
            if self.setup.target.board is not None:
                yield from self.images(position, case)
            for setting in case.settings:
                yield (
                    f"{case.name}, {case.source}, {setting}",
                    partial(self._run, case, setting, want, feeds[position]),
                )
            yield from self.beside(case, feeds[position])

    def _counted(self, cases: Sequence[Case[N]]) -> dict[tuple[str, Setting], int]:
        """Name and setting of what is counted -> position of its case."""
        return {
            (case.name, setting): position for position, case in enumerate(cases) for setting in case.counted
        }

    def _counts(
        self,
        cases: Sequence[Case[N]],
        feeds: Sequence[Sequence[tuple[str, Path]]],
        counted: Mapping[tuple[str, Setting], int],
        results: Sequence[Any],
    ) -> Iterator[Task]:
        took: dict[str, float] = {}
        for run in results:
            if isinstance(run, RunResult) and run.threads == 1:
                took[run.model] = max(run.seconds, took.get(run.model, 0.0))
        for (name, setting), position in counted.items():
            if took.get(name, 0.0) > COUNT_LIMIT:
                self.skipped.append(
                    f"{name}, counting instructions, {setting}: one run takes {took[name]:.0f} s here"
                )
            else:
                yield (
                    f"{name}, counting instructions",
                    partial(self._count, cases[position], feeds[position], setting),
                )
                if self.setup.target.board is not None and setting.xnnpack:
                    yield f"{name}, counting cores", self._cores(cases[position], feeds[position])

    def _all(self, tasks: Sequence[Task], before: int, total: int) -> list[Any]:
        results: list[Any] = [None] * len(tasks)
        with ThreadPoolExecutor(max_workers=self.setup.jobs) as pool:
            waiting = {pool.submit(work): k for k, (_, work) in enumerate(tasks)}
            try:
                for done, future in enumerate(as_completed(waiting), 1):
                    k = waiting[future]
                    results[k] = future.result()
                    self.setup.report(before + done, total, tasks[k][0])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                command.end_all()
                raise
        return results

    def _run(
        self,
        case: Case[N],
        setting: Setting,
        want: Optional[Mapping[str, Array]],
        feeds: Sequence[tuple[str, Path]],
    ) -> RunResult:
        try:
            done = self.runner.run(case.net.path, feeds, setting, case.net.options)
        except EmulatorFailed as error:
            return RunResult(case.name, case.source, setting.threads, setting.xnnpack, (sentence(error),))
        problems: list[str] = []
        differences: list[Difference] = []
        if want is not None:
            differences, problems = case.net.judge(done.outputs, want)
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

    def _cores(self, case: Case[N], feeds: Sequence[tuple[str, Path]]) -> Callable[[], CoresResult]:
        def words(threads: int, rounds: int) -> list[str]:
            more = (*case.net.options, "--repeat", str(rounds), "--json")
            return self.runner.words(case.net.path, feeds, Setting(threads, True), *more)

        threads = [setting.threads for setting in self.setup.settings if setting.xnnpack]
        return partial(count_cores, case.name, words, threads, self.runner, self.setup.home / "tools")

    def _count(self, case: Case[N], feeds: Sequence[tuple[str, Path]], setting: Setting) -> CountResult:
        try:
            counts = self.runner.emulator.count_per_round(
                lambda n: self.runner.words(
                    case.net.path, feeds, setting, *case.net.options, "--repeat", str(n), "--json"
                ),
                build_counter(self.setup.home / "tools"),
                timeout=self.runner.timeout,
            )
        except TfportError as error:
            return CountResult(case.name, {}, (sentence(error),), setting.xnnpack)
        return CountResult(case.name, counts, (), setting.xnnpack)


def _classify(case: Case[N], outputs: Sequence[Array]) -> tuple[Optional[int], str, Optional[float]]:
    """Class number, its label and its score, for a model that gives one row of scores and nothing else."""
    if len(outputs) != 1 or not is_classification(outputs[0]):
        return None, "", None
    best = top_class(outputs[0])
    score = case.net.score(float(outputs[0].reshape(-1)[best]))
    return best, case.labels[best] if best < len(case.labels) else "", score


def _load(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
