"""The main job, stage by stage, after a ``Plan``: fetch, build, check, smoke, report.

A stage takes the finished result of the stage before it. All output goes through a ``Reporter``, all files
below the folders of a ``Plan``.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from tfport import __version__
from tfport.catalogue import Shelf, load_catalogue
from tfport.check import check_sdk
from tfport.conan import Conan, RecipeEvent, render_profile
from tfport.conan_server import Server
from tfport.deploy import (
    REPORT,
    Stamp,
    deploy,
    hash_files,
    is_current,
    read_stamp,
    write_stamp,
    write_whole,
)
from tfport.emulator import Emulator
from tfport.environment import check_compiler, needs, provide
from tfport.launcher import probed
from tfport.locks import hold
from tfport.pack import FOLDER as PACKED_FOLDER
from tfport.pack import pack_models
from tfport.packed.components import linked
from tfport.plan import Plan
from tfport.report import Reporter
from tfport.smoke import Setup
from tfport.smoke_results import SmokeResults
from tfport.sources import fetch
from tfport.summary import SCHEMA, digests, sizes


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


def build(plan: Plan, reporter: Reporter) -> dict[str, Any]:
    """The whole main job; returns the report. Raises ``SmokeFailed`` after the report is written."""
    outcome = Outcome()
    log = plan.work / "logs" / "apt"
    provide(needs(plan.target), install=plan.request.install_deps, log=log, say=reporter.say)
    outcome.compiler = check_compiler(plan.target)
    with hold(plan.work.parent / ".lock", "Another build runs in this tree; waiting for it.", reporter.say):
        with _timed(outcome, "fetch"):
            # A server may have the packages: then no source is needed.
            shelf = fetch_all(plan, reporter, sources=plan.request.remote is None)
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
    return {
        "schema": SCHEMA,
        "tfport": __version__,
        "target": asdict(plan.target),
        "runtime": {"name": plan.request.runtime, "version": plan.sdk_recipe.version},
        "compiler": outcome.compiler,
        "sdk": str(plan.sdk),
        "models": [{"path": str(model.path), "sha256": model.sha256} for model in plan.models],
        "quantisation": plan.quantised.as_data() if plan.quantised else None,
        "operators": plan.job.operators(plan.sdk),
        "recipes": {recipe.name: recipe.version for recipe in plan.recipes},
        "components": [asdict(component) for component in linked(plan.recipes)],
        "inputs": outcome.inputs,
        "build": {"up_to_date": outcome.up_to_date, "jobs": plan.jobs, "recipes": outcome.built},
        "sizes": sizes(plan.sdk),
        "sha256": digests(plan.sdk),
        "check": outcome.facts,
        "reference": plan.request.reference,
        "smoke": outcome.smoke.to_dict() if outcome.smoke is not None else None,
        "seconds": outcome.seconds,
    }


def fetch_all(plan: Plan, reporter: Reporter, *, sources: bool = True) -> Shelf:
    """Bring every source, and every demo model that will run, into the cache."""
    wanted = [source for recipe in plan.recipes for source in recipe.sources] if sources else []
    catalogue = load_catalogue()
    demos = [] if plan.models else catalogue.refs(catalogue.of(plan.runtime.name))
    offline, bundle = plan.request.offline, plan.request.bundle
    with reporter.downloads() as progress:
        fetch([*wanted, *demos], plan.cache, progress, offline, bundle)
        return Shelf(catalogue, plan.home / "files", plan.cache, progress, offline, bundle)


def make_sdk(plan: Plan, outcome: Outcome, reporter: Reporter) -> None:
    """Build, check and deploy, unless the SDK is already what these inputs make."""
    with _timed(outcome, "plan"):
        outcome.inputs = plan.digest(outcome.compiler)
        stamp = read_stamp(plan.stamp)
        if stamp is not None and is_current(stamp, outcome.inputs, plan.sdk):
            outcome.up_to_date, outcome.facts = True, stamp.facts
            reporter.say(f"{plan.sdk} is up to date")
            return
    with _timed(outcome, "build"):
        package = _build(plan, outcome, reporter)
    with _timed(outcome, "check"):
        reporter.say("Checking the artefact: machine, symbols, every instruction")
        outcome.facts = check_sdk(package, plan.target, plan.runtime.keep).as_dict()
    payload = dict(plan.payload)
    if plan.pack_weights:
        with _timed(outcome, "pack"):
            reporter.say("Packing the weights for the target's microkernels")
            packed = plan.work / "packed"
            models = [model.path for model in plan.models]
            pack_models(package, models, Emulator.for_target(plan.target), packed)
            payload[PACKED_FOLDER] = packed
    deploy(package, plan.sdk, payload)
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
        setup = Setup(
            sdk=plan.sdk,
            target=plan.target,
            shelf=shelf,
            home=plan.home,
            work=plan.work / "smoke",
            inputs=plan.inputs,
            count_given=plan.quantised is not None,
            reference=plan.request.reference,
            jobs=plan.local_jobs,
            report=report,
        )
        return plan.job.smoke(setup)


def _build(plan: Plan, outcome: Outcome, reporter: Reporter) -> Path:
    def listen(event: RecipeEvent) -> None:
        reporter.recipe(event)
        if event.state != "started":
            outcome.built.append(
                {"recipe": event.reference, "state": event.state, "seconds": round(event.seconds, 1)}
            )

    launcher, jobs = plan.launcher, plan.jobs
    if launcher.hosts:
        launcher = probed(launcher, plan.target.compiler.program("gcc"), reporter.say)
        jobs = plan.request.jobs or launcher.jobs
    conan = Conan(plan.home / "conan", plan.home / "sources", plan.work / "logs", on_event=listen)
    conan.build_profile = launcher.build_profile(conan.home / "p")
    # Conan's cache is shared by all trees and takes one writer at a time.
    with hold(plan.home / "conan.lock", "Another build uses Conan's cache; waiting for it.", reporter.say):
        reporter.say(f"Building with Conan; logs are in {conan.logs}")
        conan.export(plan.recipes)
        profile = render_profile(plan.target, jobs, conan.home / "p", launcher)
        wanted = (plan.sdk_recipe.reference, profile, plan.options)
        if plan.request.remote is None:
            with reporter.recipes():
                return conan.install(*wanted)
        server = Server(conan, plan.request.remote)
        server.introduce()
        for build in ("never", "missing"):
            with reporter.recipes():
                package = server.install(*wanted, build)
            if package is not None:
                break
            reporter.say(f"{server.url} does not have it; what it lacks is built")
            fetch_all(plan, reporter)
        assert package is not None, "Conan builds what is missing, or fails"
        return package


class _timed:  # noqa: N801
    def __init__(self, outcome: Outcome, stage: str) -> None:
        self._outcome, self._stage = outcome, stage

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._outcome.seconds[self._stage] = round(time.monotonic() - self._started, 2)
