"""The command line: what each verb does, and exit codes. ``build`` is the verb when none is given."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from tfport import verbs
from tfport.arguments import parser
from tfport.bench.verb import BenchRequest
from tfport.bench.verb import bench as run_bench
from tfport.bench_build import bench_build
from tfport.bundle import checked
from tfport.bundle_make import make_bundle
from tfport.doctor import doctor, doctor_board, machine_of
from tfport.environment import provide, tfport_home
from tfport.errors import DiskFull, NotOffered, TfportError
from tfport.launcher import launcher_needs
from tfport.new_target import make_target
from tfport.pipeline import build, fetch_all, smoke_again
from tfport.plan import Plan, Request, make_plan
from tfport.publish import publish
from tfport.quantise.plan import Wish
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.target import ROOT, load_target

INTERRUPTED = 130  # what shells give for Ctrl-C
INTERNAL = 70


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command line; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "build")
    options = parser().parse_args(words)
    options.words = words
    reporter = Reporter(to_stderr=options.json)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        result = _run(options, reporter)
        if options.json:
            print(json.dumps(result, indent=2))
        return 0
    except TfportError as error:
        return _failed(error, options, reporter)
    except KeyboardInterrupt as stop:
        reporter.say("\nInterrupted. Nothing half-written is left; the same command goes on from here.")
        return 128 + stop.args[0] if stop.args else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in (28, 122):  # ENOSPC, EDQUOT
            return _unexpected(error, options, reporter)
        full = DiskFull(f"No space is left on the disk: {error}", "", "Make room and run it again.")
        return _failed(full, options, reporter)
    except Exception as error:
        return _unexpected(error, options, reporter)


def _run(options: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    if options.verb == "publish":
        return publish(_planned(_request(options), reporter), options.remote, reporter)
    if options.verb == "bundle":
        return make_bundle(options.output, tfport_home(), reporter, reference=not options.no_reference)
    if options.verb in ("build", "smoke"):
        plan = _planned(_request(options), reporter)
        reporter.plan(plan.rows())
        return build(plan, reporter) if options.verb == "build" else smoke_again(plan, reporter)
    if options.verb == "fetch":
        options.target = options.target or "zuluko"  # the sources are the same for every target
        plan = _planned(_request(options), reporter)
        fetch_all(plan, reporter)
        reporter.say(f"All sources are in {plan.cache.root}")
        return {"cache": str(plan.cache.root)}
    if options.verb == "check":
        return verbs.check(options.sdk, options.model, options.target, reporter)
    if options.verb in ("pack", "verify"):
        return _packed(options, reporter)
    if options.verb == "bench":
        if options.what == "engines":
            return run_bench(_bench_request(options), reporter)
        load_target(options.target)
        models = [Path(path).absolute() for path in options.model]
        runtime = (options.runtime or ["lite"])[-1]
        return bench_build(options.target, models, tfport_home(), reporter, runtime)
    if options.verb == "test":
        return verbs.test(options.full, options.rest, options.install_deps, reporter)
    if options.verb == "doctor":
        if options.cpuinfo is None and options.ldd_version is None:
            return doctor(options.target, options.install_deps, reporter)
        return doctor_board(_cpuinfo(options), options.ldd_version, options.target, reporter)
    if options.verb == "new-target":
        machine = machine_of(_cpuinfo(options), options.ldd_version)
        return make_target(options.name, machine, options.clock_mhz, options.ram_mb, reporter)
    if options.verb == "list":
        return verbs.list_all(reporter)
    return verbs.clean(options.cache, reporter)


def _packed(options: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    # CycloneDX takes a while to import, which no other verb should wait for.
    from tfport.packed.make import pack
    from tfport.packed.verify import verify

    if options.verb == "verify":
        return verify(options.file, options.key, reporter)
    sdk = options.sdk or ROOT / "dist" / load_target(options.target).name / options.runtime
    return pack(sdk, options.output or ROOT / "dist" / "packages", options.sign, reporter)


def _cpuinfo(options: argparse.Namespace) -> Path:
    if options.cpuinfo is None:
        raise NotOffered(
            "--cpuinfo is missing",
            "Without it nothing is known of the board's processor.",
            "On the board: cat /proc/cpuinfo > cpuinfo.txt",
        )
    path: Path = options.cpuinfo
    return path


def _planned(request: Request, reporter: Reporter) -> Plan:
    launchers, log = launcher_needs(request.launcher), ROOT / "build" / "logs" / "launcher"
    provide(launchers, install=request.install_deps, log=log, say=reporter.say)
    reader = runtime_named(request.runtime).reader
    if reader and request.models:
        reporter.say(f"Reading the model{'s' * (len(request.models) > 1)} with {reader}")
    if request.quantise.precision:
        with reporter.progress("Quantising") as told:
            return make_plan(request, tell=told)
    return make_plan(request)


def _request(options: argparse.Namespace) -> Request:
    return Request(
        target=options.target,
        runtime=options.runtime,
        models=tuple(path.absolute() for path in options.model),
        ops=options.ops,
        pack_weights=options.pack_weights,
        inputs=tuple(options.input),
        output=options.output,
        reference=not options.no_reference,
        install_deps=options.install_deps,
        offline=options.offline,
        jobs=options.jobs,
        memory=options.memory,
        launcher=options.compiler_launcher,
        remote=getattr(options, "remote", None),
        bundle=checked(options.bundle) if options.bundle else None,
        quantise=Wish(options.quantize, options.calibration, options.accuracy, options.scaling),
    )


def _bench_request(options: argparse.Namespace) -> BenchRequest:
    usual = BenchRequest()
    return BenchRequest(
        target=options.target,
        runtimes=tuple(dict.fromkeys(options.runtime)) or usual.runtimes,
        models=tuple(dict.fromkeys(options.model)) or usual.models,
        threads=tuple(dict.fromkeys(options.threads)) or usual.threads,
        precisions=tuple(dict.fromkeys(options.quantize)) or usual.precisions,
        deadline_ms=options.deadline,
        peers=options.peers,
        accuracy=options.accuracy,
        sdks=tuple(options.sdk),
        output=options.output,
        install_deps=options.install_deps,
        offline=options.offline,
        command=shlex.join(options.words),
    )


def _failed(error: TfportError, options: argparse.Namespace, reporter: Reporter) -> int:
    if options.debug:
        traceback.print_exc()
    reporter.error(error)
    if options.json:
        parts = {"what": error.what, "why": error.why, "hint": error.hint}
        print(json.dumps({"error": {"kind": type(error).__name__, "exit_code": error.exit_code, **parts}}))
    return error.exit_code


def _unexpected(error: Exception, options: argparse.Namespace, reporter: Reporter) -> int:
    if options.debug:
        traceback.print_exc()
    fault = TfportError(
        f"{type(error).__name__}: {error}", "This is a fault of tfport.", "See it with --debug."
    )
    reporter.error(fault)
    return INTERNAL


def _stop(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    sys.exit(main())
