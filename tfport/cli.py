"""The command line: verbs, options, exit codes. ``build`` is the verb when none is given."""

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

from tfport import __version__, verbs
from tfport.bench.verb import BenchRequest, parse_deadline
from tfport.bench.verb import bench as run_bench
from tfport.bench_build import bench_build
from tfport.bundle import checked
from tfport.bundle_make import make_bundle
from tfport.doctor import doctor, doctor_board, machine_of
from tfport.environment import provide, tfport_home
from tfport.errors import DiskFull, NotOffered, TfportError
from tfport.launcher import CHOICES, launcher_needs
from tfport.new_target import make_target
from tfport.pipeline import build, fetch_all, smoke_again
from tfport.plan import FAST, LEAN, Plan, Request, make_plan
from tfport.publish import publish
from tfport.quantise.plan import Wish
from tfport.quantise.samples import SCALINGS
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.target import ROOT, load_target

RUNTIME_NAMES = ("lite", "tensorflow", "acl")
VERBS = (
    *("build", "fetch", "smoke", "check", "pack", "verify", "publish", "bundle", "bench", "test"),
    *("doctor", "new-target", "list", "clean"),
)
INTERRUPTED = 130  # what shells give for Ctrl-C
INTERNAL = 70


def parser() -> argparse.ArgumentParser:
    """All verbs and their options; each also takes --json and --debug."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON object on stdout, all else on stderr")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    shared.add_argument("--no-reference", action="store_true", help="do without host TensorFlow")
    shared.add_argument(
        "--install-deps", action="store_true", help="install missing Debian packages with apt"
    )

    top = argparse.ArgumentParser(prog="build.py", description=__doc__, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"tfport {__version__}")
    subs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    job = _job(target_required=True)

    def add(verb: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return subs.add_parser(
            verb, help=text, description=text, parents=[*parents, shared], allow_abbrev=False
        )

    built = add("build", "plan, fetch, build, check, smoke-test and report (the default)", job)
    built.add_argument("--remote", metavar="URL", help="take packages of this Conan server, if it has them")
    add("smoke", "smoke-test a finished SDK again", job)
    add("fetch", "bring every source into the cache, for builds without network", _job(target_required=False))
    check = add("check", "hold an SDK against its target, and models against an SDK")
    check.add_argument("--sdk", required=True, type=Path, metavar="DIR", help="an SDK, archive or program")
    check.add_argument("--model", action="append", default=[], type=Path, metavar="FILE")
    check.add_argument("--target", help="also check the machine code for this target")
    packed = add("pack", "write an SDK as one file with SBOM, sums and signature")
    which = packed.add_mutually_exclusive_group(required=True)
    which.add_argument("--sdk", type=Path, metavar="DIR", help="a finished SDK")
    which.add_argument("--target", help="the SDK of this target, with all ops")
    packed.add_argument("--runtime", default="lite", choices=RUNTIME_NAMES, help="with --target")
    packed.add_argument("--output", type=Path, metavar="DIR", help="where to (default: dist/packages)")
    packed.add_argument("--sign", type=Path, metavar="KEY", help="sign with this SSH key")
    verified = add("verify", "hold a packed file against all that it says of itself")
    verified.add_argument("file", type=Path, metavar="FILE")
    verified.add_argument("--key", type=Path, metavar="ALLOWED_SIGNERS", help="who may have signed it")
    published = add("publish", "send a finished SDK and what it was built from to a Conan server", job)
    published.add_argument("--remote", required=True, metavar="URL", help="a Conan 2 server")
    bundled = add("bundle", "write all that a build takes from the network into one folder")
    bundled.add_argument("--output", required=True, type=Path, metavar="DIR", help="where to")
    _bench(add("bench", "measure engines against peers, or (bench build) how long builds take"))
    test = add("test", "run the project's own tests")
    test.add_argument("--full", action="store_true", help="also the slow and exhaustive ones")
    test.add_argument("rest", nargs="*", metavar="PYTEST_ARGUMENT", help="after --, passed on to pytest")
    doctored = add("doctor", "say what this machine lacks, or which target is right for a board", _board())
    doctored.add_argument("--target", help="for this target only")
    fresh = add("new-target", "write a target file for a board", _board())
    fresh.add_argument("name", metavar="NAME")
    fresh.add_argument("--clock-mhz", type=_count, default=1000, metavar="N", help="turns cycles into time")
    fresh.add_argument("--ram-mb", type=_count, default=512, metavar="N", help="the board's memory")
    add("list", "list targets, recipes and models")
    clean = add("clean", "remove dist/ and build/")
    clean.add_argument("--cache", action="store_true", help="remove the source and Conan caches too")
    return top


def _board() -> argparse.ArgumentParser:
    board = argparse.ArgumentParser(add_help=False)
    board.add_argument("--cpuinfo", type=Path, metavar="FILE", help="the board's /proc/cpuinfo")
    board.add_argument("--ldd-version", type=Path, metavar="FILE", help="what ldd --version says there")
    return board


def _bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("what", nargs="?", choices=("engines", "build"), default="engines")
    bench.add_argument("--target", default="zuluko")
    bench.add_argument("--runtime", action="append", default=[], choices=RUNTIME_NAMES)
    bench.add_argument("--model", action="append", default=[], metavar="NAME|FILE")
    bench.add_argument("--threads", action="append", default=[], type=_count, metavar="N")
    bench.add_argument("--quantize", action="append", default=[], choices=("fp32", "int8"))
    bench.add_argument("--deadline", default=500.0, type=_deadline, metavar="500ms")
    bench.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    bench.add_argument("--accuracy", type=Path, metavar="DIR", help="pictures to compare int8 with fp32 on")
    bench.add_argument("--sdk", action="append", default=[], type=Path, metavar="DIR")
    bench.add_argument("--output", type=Path, metavar="DIR", help="where JSON and page go (build/bench)")
    bench.add_argument("--offline", action="store_true", help="use the caches only")


def _job(*, target_required: bool) -> argparse.ArgumentParser:
    job = argparse.ArgumentParser(add_help=False)
    job.add_argument("--target", required=target_required, help="a file of toolchains/, such as zuluko")
    job.add_argument("--runtime", default="lite", choices=RUNTIME_NAMES)
    job.add_argument(
        "--model", action="append", default=[], type=Path, metavar="FILE", help="cut to this model"
    )
    job.add_argument(
        "--pack-weights",
        action=argparse.BooleanOptionalAction,
        help="also write each --model with its weights packed for the target (--runtime lite); "
        "without an operating system it does unless told not to",
    )
    job.add_argument("--ops", choices=("all",), help="all ops, also with --model (--runtime tensorflow)")
    job.add_argument(
        "--memory",
        choices=(FAST, LEAN),
        default=FAST,
        help="lean: without what is faster for more memory, Winograd's transformed weights (--runtime lite)",
    )
    job.add_argument(
        "--quantize", choices=("int8",), help="make the --model int8 first: a Keras model or a SavedModel"
    )
    job.add_argument(
        "--calibration", type=Path, metavar="DIR", help="pictures for --quantize (docs/quantize.md)"
    )
    job.add_argument(
        "--accuracy", type=Path, metavar="DIR", help="pictures to compare int8 with fp32 on, other than those"
    )
    job.add_argument(
        "--scaling", choices=SCALINGS, help="what the model takes for pixels (default: it scales, or 0 to 1)"
    )
    job.add_argument("--input", action="append", default=[], type=_named_file, metavar="NAME=FILE.npy")
    job.add_argument("--output", type=Path, metavar="DIR", help="the SDK's folder (default: below dist/)")
    job.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="compilers at once (default: by cores and memory, or the slots of distcc's hosts)",
    )
    job.add_argument(
        "--compiler-launcher", choices=CHOICES, help="default: ccache, if it is installed (docs/farm.md)"
    )
    job.add_argument("--offline", action="store_true", help="use the caches only")
    job.add_argument("--bundle", type=Path, metavar="DIR", help="a folder that build.py bundle made")
    return job


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


def _named_file(text: str) -> tuple[str, Path]:
    name, mark, path = text.rpartition("=")
    if not mark or not name or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE.npy")
    return name, Path(path).absolute()


def _deadline(text: str) -> float:
    try:
        return parse_deadline(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
