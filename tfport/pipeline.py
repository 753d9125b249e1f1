"""The main job, stage by stage: plan, fetch, build, check, smoke, report.

A stage takes the finished result of the stage before it. All output goes through a ``Reporter``, all files
below the folders of a ``Plan``.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from tfport import __version__
from tfport.catalogue import Shelf, load_catalogue
from tfport.check import check_sdk
from tfport.conan import Conan, RecipeEvent, render_profile
from tfport.deploy import (
    REPORT,
    Stamp,
    deploy,
    digest_inputs,
    hash_files,
    is_current,
    read_stamp,
    refuse_foreign,
    write_stamp,
    write_whole,
)
from tfport.environment import check_compiler, compile_jobs, needs, provide, tfport_home
from tfport.errors import NotOffered
from tfport.locks import hold
from tfport.manifest import read_manifest, refuse_unportable
from tfport.model import LiteModel, read_tflite
from tfport.ops import ALL, canonical
from tfport.recipe import Recipe, load_recipes
from tfport.report import Reporter
from tfport.smoke import Smoke, UserModel
from tfport.smoke_results import SmokeResults
from tfport.sources import SourceCache, fetch
from tfport.summary import SCHEMA, sizes
from tfport.target import ROOT, TOOLCHAINS, Target, load_target

SDK_RECIPE = "tfport-lite"


@dataclass(frozen=True)
class Request:
    """What the command line asks for; ``inputs`` are NAME=FILE.npy pairs."""

    target: str
    runtime: str = "lite"
    models: tuple[Path, ...] = ()
    inputs: tuple[tuple[str, Path], ...] = ()
    output: Optional[Path] = None
    reference: bool = True
    install_deps: bool = False
    offline: bool = False
    jobs: Optional[int] = None


@dataclass(frozen=True)
class Plan:
    """All that is decided before anything starts."""

    request: Request
    target: Target
    models: tuple[LiteModel, ...]
    recipes: tuple[Recipe, ...]
    ops: str  # the value of the SDK recipe's option
    sdk: Path
    work: Path
    home: Path
    jobs: int

    @property
    def sdk_recipe(self) -> Recipe:
        """The recipe whose package is the SDK."""
        return next(recipe for recipe in self.recipes if recipe.name == SDK_RECIPE)

    @property
    def cache(self) -> SourceCache:
        """Where sources lie."""
        return SourceCache(self.home / "sources")

    @property
    def stamp(self) -> Path:
        """The stamp of the SDK folder."""
        return self.work / "stamps" / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', str(self.sdk)).strip('_')}.json"

    def rows(self) -> list[tuple[str, str]]:
        """The plan for a person."""
        ops = "all" if self.ops == ALL else f"{len(self.ops.split(','))}: {self.ops}"
        models = ", ".join(str(model.path) for model in self.models)
        return [
            ("target", f"{self.target.name}: {self.target.description}"),
            ("flags", " ".join(self.target.compile_flags)),
            ("runtime", f"TensorFlow Lite {self.sdk_recipe.version}, XNNPACK on"),
            ("operators", ops),
            *([("models", models)] if models else []),
            ("recipes", f"{len(self.recipes)}: {', '.join(recipe.reference for recipe in self.recipes)}"),
            ("compile jobs", f"{self.jobs}{', through ccache' if shutil.which('ccache') else ''}"),
            ("reference", "host TensorFlow" if self.request.reference else "none: nothing is compared"),
            ("stages", "fetch, build, check, smoke, report"),
            ("result", str(self.sdk)),
            ("caches", str(self.home)),
        ]


@dataclass
class Outcome:
    """What a run did; becomes report.json."""

    built: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    up_to_date: bool = False
    inputs: str = ""
    compiler: str = ""
    smoke: Optional[SmokeResults] = None


def make_plan(request: Request, root: Path = ROOT) -> Plan:
    """Read every file that the plan depends on; raises what is wrong with them, before anything starts."""
    if request.runtime != "lite":
        raise NotOffered(
            f"The runtime {request.runtime} is not offered yet",
            "This version builds TensorFlow Lite.",
            "Leave --runtime out.",
        )
    if request.inputs and not request.models:
        raise NotOffered("--input goes with --model", "Without one, the demo models run on their own inputs.")
    target = load_target(request.target)
    models = tuple(read_tflite(path) for path in request.models)
    for model in models:
        refuse_unportable(model, root)
    uses = [op for model in models for op in model.ops]
    ops = canonical([u.name for u in uses if not u.custom], [u.name for u in uses if u.custom]) or ALL
    name = "-".join(["lite", *(re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem) for path in request.models)])
    sdk = (request.output or root / "dist" / target.name / name).absolute()
    refuse_foreign(sdk)
    return Plan(
        request=request,
        target=target,
        models=models,
        recipes=tuple(load_recipes(root)),
        ops=ops,
        sdk=sdk,
        work=root / "build" / target.name,
        home=tfport_home(),
        jobs=request.jobs or compile_jobs(),
    )


def build(plan: Plan, reporter: Reporter) -> dict[str, Any]:
    """The whole main job; returns the report. Raises ``SmokeFailed`` after the report is written."""
    outcome = Outcome()
    log = plan.work / "logs" / "apt"
    provide(needs(plan.target), install=plan.request.install_deps, log=log, say=reporter.say)
    outcome.compiler = check_compiler(plan.target)
    with hold(plan.work.parent / ".lock", "Another build runs in this tree; waiting for it.", reporter.say):
        with _timed(outcome, "fetch"):
            shelf = fetch_all(plan, reporter)
        make_sdk(plan, outcome, reporter)
        with _timed(outcome, "smoke"):
            outcome.smoke = smoke(plan, shelf, reporter)
        report = as_data(plan, outcome)
        write_whole(plan.sdk / REPORT, json.dumps(report, indent=2) + "\n")
    reporter.final(report)
    outcome.smoke.raise_if_failed()
    return report


def as_data(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The report: every figure of the run as plain data."""
    manifest = read_manifest(plan.sdk)
    cut = "" if plan.ops == ALL else ", cut to the models"
    return {
        "schema": SCHEMA,
        "tfport": __version__,
        "target": asdict(plan.target),
        "runtime": {"name": plan.request.runtime, "version": plan.sdk_recipe.version},
        "compiler": outcome.compiler,
        "sdk": str(plan.sdk),
        "models": [{"path": str(model.path), "sha256": model.sha256} for model in plan.models],
        "operators": {
            "summary": f"{len(manifest.ops)} builtin, {len(manifest.custom)} custom{cut}",
            "builtin": {name: list(versions) for name, versions in manifest.ops.items()},
            "custom": sorted(manifest.custom),
            "xnnpack": sorted(manifest.xnnpack),
        },
        "recipes": {recipe.name: recipe.version for recipe in plan.recipes},
        "inputs": outcome.inputs,
        "build": {"up_to_date": outcome.up_to_date, "jobs": plan.jobs, "recipes": outcome.built},
        "sizes": sizes(plan.sdk),
        "check": outcome.facts,
        "reference": plan.request.reference,
        "smoke": outcome.smoke.to_dict() if outcome.smoke is not None else None,
        "seconds": outcome.seconds,
    }


def fetch_all(plan: Plan, reporter: Reporter) -> Shelf:
    """Bring every source, and every demo model that will run, into the cache."""
    sources = [source for recipe in plan.recipes for source in recipe.sources]
    catalogue = load_catalogue()
    demos = catalogue.refs() if not plan.models else []
    with reporter.downloads() as progress:
        fetch([*sources, *demos], plan.cache, progress, plan.request.offline)
        return Shelf(catalogue, plan.home / "files", plan.cache, progress, plan.request.offline)


def make_sdk(plan: Plan, outcome: Outcome, reporter: Reporter) -> None:
    """Build, check and deploy, unless the SDK is already what these inputs make."""
    with _timed(outcome, "plan"):
        outcome.inputs = _digest(plan, outcome.compiler)
        stamp = read_stamp(plan.stamp)
        if stamp is not None and is_current(stamp, outcome.inputs, plan.sdk):
            outcome.up_to_date, outcome.facts = True, stamp.facts
            reporter.say(f"{plan.sdk} is up to date")
            return
    with _timed(outcome, "build"):
        package = _build(plan, outcome, reporter)
    with _timed(outcome, "check"):
        reporter.say("Checking the artefact: machine, symbols, every instruction")
        outcome.facts = check_sdk(package, plan.target).as_dict()
    deploy(package, plan.sdk)
    write_stamp(plan.stamp, Stamp(outcome.inputs, hash_files(plan.sdk), outcome.facts))


def smoke_again(plan: Plan, reporter: Reporter) -> dict[str, Any]:
    """The smoke test of a finished SDK; renews that part of its report."""
    provide(needs(plan.target), install=plan.request.install_deps, log=plan.work / "apt", say=reporter.say)
    results = smoke(plan, fetch_all(plan, reporter), reporter)
    path = plan.sdk / REPORT
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        outcome = Outcome(up_to_date=True)
        report = as_data(plan, outcome)
    report["smoke"], report["reference"] = results.to_dict(), plan.request.reference
    write_whole(path, json.dumps(report, indent=2) + "\n")
    reporter.final(report)
    results.raise_if_failed()
    return report


def smoke(plan: Plan, shelf: Shelf, reporter: Reporter) -> SmokeResults:
    """Run the SDK under the emulator: the demo models, or with ``--model`` the user's own."""
    with reporter.progress("Smoke test") as report:
        return Smoke(
            sdk=plan.sdk,
            target=plan.target,
            shelf=shelf,
            home=plan.home,
            work=plan.work / "smoke",
            users=[UserModel(model.path, _inputs_of(model, plan)) for model in plan.models],
            demos=() if plan.models else None,
            reference=plan.request.reference,
            jobs=plan.jobs,
            report=report,
        ).run()


def _build(plan: Plan, outcome: Outcome, reporter: Reporter) -> Path:
    def listen(event: RecipeEvent) -> None:
        reporter.recipe(event)
        if event.state != "started":
            outcome.built.append(
                {"recipe": event.reference, "state": event.state, "seconds": round(event.seconds, 1)}
            )

    conan = Conan(plan.home / "conan", plan.home / "sources", plan.work / "logs", on_event=listen)
    # Conan's cache is shared by all trees and takes one writer at a time.
    with hold(plan.home / "conan.lock", "Another build uses Conan's cache; waiting for it.", reporter.say):
        reporter.say(f"Building with Conan; logs are in {conan.logs}")
        conan.export(plan.recipes)
        profile = render_profile(plan.target, plan.jobs, conan.home / "p", shutil.which("ccache"))
        with reporter.recipes():
            return conan.install(plan.sdk_recipe.reference, profile, [f"{SDK_RECIPE}/*:ops={plan.ops}"])


def _inputs_of(model: LiteModel, plan: Plan) -> dict[str, Path]:
    """The ``--input`` files of one model; with several models each takes those that it has a name for."""
    names = {tensor.name for tensor in model.inputs}
    single = len(plan.models) == 1
    return {name: path for name, path in plan.request.inputs if single or name in names}


def _digest(plan: Plan, compiler: str) -> str:
    folders: Iterable[Path] = (
        ROOT / "recipes",
        ROOT / "patches",
        ROOT / "runtime",
        ROOT / "tfport",
        TOOLCHAINS / "templates",
    )
    return digest_inputs(
        folders, [render_profile(plan.target, 1), repr(plan.target), plan.ops, compiler, __version__]
    )


class _timed:  # noqa: N801
    def __init__(self, outcome: Outcome, stage: str) -> None:
        self._outcome, self._stage = outcome, stage

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._outcome.seconds[self._stage] = round(time.monotonic() - self._started, 2)
