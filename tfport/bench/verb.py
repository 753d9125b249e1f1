"""`build.py bench`: from the command line's words to the table, the JSON and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tfport import command, reference
from tfport.bench import accuracy, page, peers, ratios, table
from tfport.bench.cases import NAMED, STANDARD, Case, make_cases, saved_model
from tfport.bench.compiled import compilable, gathered, is_compiled
from tfport.bench.engines import Engine
from tfport.bench.measure import Bench
from tfport.bench.ours import Sdk, open_sdk
from tfport.bench.results import FAILED, WRONG, Results, Row
from tfport.catalogue import Shelf, load_catalogue, write_whole
from tfport.emulator import PROFILER_SOURCE, build_counter
from tfport.environment import needs, provide, tfport_home
from tfport.errors import BenchFailed, ModelMissing, NotOffered
from tfport.host import Host
from tfport.locks import hold
from tfport.manifest import AclManifest, CoreManifest
from tfport.pipeline import build
from tfport.plan import Request, make_plan
from tfport.quantise.samples import Samples, read_samples
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.sources import SourceCache
from tfport.target import ROOT, Target, load_target

AT_ONCE = 2  # counts do not depend on what else runs


@dataclass(frozen=True)
class BenchRequest:
    """What the command line asks for; ``models`` are names of ``NAMED`` or files.

    ``accuracy``: a folder of pictures on which int8 is held against fp32; None: the demo pictures.
    """

    target: str = "zuluko"
    runtimes: tuple[str, ...] = ("lite",)
    models: tuple[str, ...] = STANDARD
    threads: tuple[int, ...] = (1,)
    precisions: tuple[str, ...] = ("fp32", "int8")
    deadline_ms: float = 500.0
    peers: bool = True
    accuracy: Optional[Path] = None
    sdks: tuple[Path, ...] = ()
    output: Optional[Path] = None
    install_deps: bool = False
    offline: bool = False
    command: str = ""


def parse_deadline(text: str) -> float:
    """``500ms`` or ``0.5s`` in milliseconds; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if not found or float(found[1]) == 0:
        raise ValueError(f"{text!r} is not a time above 0 such as 500ms or 0.5s")
    return float(found[1]) * (1000 if found[2] == "s" else 1)


def bench(request: BenchRequest, reporter: Reporter) -> dict[str, Any]:
    """Measure everything that was asked for; returns the results as they are in the JSON.

    Raises ``BenchFailed`` after everything is written, when an engine of ours is wrong or failed, and what
    building an SDK, fetching, converting and reading models raise.
    """
    target = load_target(request.target)
    for name in request.models:
        if name not in NAMED and not Path(name).is_file():
            raise ModelMissing(
                f"There is no model {name}",
                f"It is neither a file nor one of: {', '.join(NAMED)}.",
                "Give --model one of these names, or the path of a .tflite file.",
            )
    reference.require()
    pictures = read_samples(request.accuracy) if request.accuracy else None
    lock = ROOT / "build" / "bench" / ".lock"
    with hold(lock, "Another bench runs in this tree; waiting for it.", reporter.say):
        return _bench(request, target, pictures, reporter)


def _bench(
    request: BenchRequest, target: Target, pictures: Optional[Samples], reporter: Reporter
) -> dict[str, Any]:
    log = ROOT / "build" / "logs" / "apt"
    provide(needs(target), install=request.install_deps, log=log, say=reporter.say)
    home, work = tfport_home(), ROOT / "build" / "bench" / f"{target.name}-engines"
    shelf = Shelf(load_catalogue(), home / "files", SourceCache(home / "sources"), offline=request.offline)
    host = Host(home / "models", work / "tensorflow.log")
    sdks = _sdks(request, target, host, shelf, work, reporter)
    reporter.say("Making the models and computing the references with host TensorFlow")
    core = any(sdk.name == CoreManifest.runtime for sdk in sdks)
    cases = make_cases(request.models, request.precisions, host, shelf, work, core)
    if AclManifest.runtime in request.runtimes and not request.sdks:
        sdks += [
            _sdk(request, AclManifest.runtime, (path,), target, work, reporter) for path in compilable(cases)
        ]
    ours = gathered(sdks)
    others: list[Engine] = []
    left_out: list[str] = []
    if request.peers:
        sources = SourceCache(home / "sources")
        others, left_out = peers.available(
            target, sources, home / "tools", work, reporter.downloads, request.offline
        )
    agreed = accuracy.agreements(request.models, request.precisions, pictures, host, shelf)
    agreed.update(accuracy.told_by(request.sdks, cases))
    rows = _measure(request, target, cases, [*ours, *others], home / "tools", reporter)
    results = Results(
        target=target.name,
        core=target.cpu.core,
        clock_mhz=target.cpu.clock_mhz,
        deadline_ms=request.deadline_ms,
        command=request.command,
        rows=accuracy.with_accuracy(rows, agreed),
        left_out=left_out,
    )
    return _report(results, request.output or ROOT / "build" / "bench", reporter)


def _sdks(
    request: BenchRequest, target: Target, host: Host, shelf: Shelf, work: Path, reporter: Reporter
) -> list[Sdk]:
    """The SDKs that were given; else one for each runtime that has one for all models."""
    if request.sdks:
        tools = tfport_home() / "tools"
        return [open_sdk(path.absolute(), target, tools, work) for path in request.sdks]
    opened = []
    for runtime in request.runtimes:
        if runtime == AclManifest.runtime:  # has an SDK for each case
            continue
        models: tuple[Path, ...] = ()
        if runtime_named(runtime).reader:  # its SDK is cut to models; with all ops it takes hours
            models = core_models(request.models, host, shelf)
        opened.append(_sdk(request, runtime, models, target, work, reporter))
    return opened


def _sdk(
    request: BenchRequest,
    runtime: str,
    models: tuple[Path, ...],
    target: Target,
    work: Path,
    reporter: Reporter,
) -> Sdk:
    """The SDK in ``dist/``, built if it is not there."""
    asked = Request(
        target=target.name,
        runtime=runtime,
        models=models,
        install_deps=request.install_deps,
        offline=request.offline,
    )
    plan = make_plan(asked)
    there = (plan.sdk / "report.json").is_file()
    if runtime == AclManifest.runtime:
        there = there and is_compiled(models[0], plan.sdk)
    if not there:
        reporter.say(f"There is no SDK in {plan.sdk} yet; building it")
        build(plan, reporter)
    return open_sdk(plan.sdk, target, tfport_home() / "tools", work)


def core_models(names: Sequence[str], host: Host, shelf: Shelf) -> tuple[Path, ...]:
    """The SavedModels of the standard networks among ``names``; raises ``NotOffered`` without any."""
    paths = [saved_model(name, host, shelf) for name in names if name in NAMED]
    if not paths:
        raise NotOffered(
            "--runtime tensorflow measures the standard networks only",
            "It takes a SavedModel, the other engines take a .tflite; of a file, only one of them is there.",
            f"Give --model one of: {', '.join(NAMED)}.",
        )
    host.work()
    return tuple(paths)


def _measure(
    request: BenchRequest,
    target: Target,
    cases: Sequence[Case],
    engines: Sequence[Engine],
    tools: Path,
    reporter: Reporter,
) -> list[Row]:
    measuring = Bench(target, request.deadline_ms, build_counter(tools, PROFILER_SOURCE))
    wanted = [(case, engine) for case in cases for engine in engines]

    def measured(case: Case, engine: Engine) -> list[Row]:
        return [measuring.row(engine, case, threads) for threads in request.threads]

    rows: list[Row] = []
    with reporter.progress("Measuring") as told, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        started = [pool.submit(measured, *pair) for pair in wanted]
        try:
            for number, ((case, engine), future) in enumerate(zip(wanted, started), 1):
                rows += future.result()
                told(number, len(wanted), f"{case.network} {case.precision}, {engine.name}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            command.end_all()
            raise
    return rows


def _report(results: Results, folder: Path, reporter: Reporter) -> dict[str, Any]:
    reporter.table(f"Bench for {results.target}, per inference", table.HEAD, table.rows(results))
    reporter.table("Side by side, on one thread", ratios.HEAD, ratios.lines(results))
    reporter.table("By operator", table.SPLIT_HEAD, table.split_rows(results))
    for line in table.footnotes(results):
        reporter.say(line)
    data = results.as_dict()
    name = f"{results.target}-engines"
    write_whole(folder / f"{name}.json", (json.dumps(data, indent=2) + "\n").encode())
    write_whole(folder / f"{name}.html", page.render(results).encode())
    reporter.say(f"Written: {folder / name}.json and .html")
    bad = [row for row in results.rows if row.ours and row.state in (WRONG, FAILED)]
    if bad:
        raise BenchFailed(
            f"{len(bad)} row(s) of this project's own engines are void",
            "\n".join(f"{row.engine}, {row.network} {row.precision}: {row.note}" for row in bad),
            "The smoke test says more: python3 build.py smoke.",
        )
    return data
