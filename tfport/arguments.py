"""The command line's words: verbs, options, what values they take."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfport import __version__
from tfport.bench.verb import parse_deadline
from tfport.inputs import SCALINGS
from tfport.launcher import CHOICES
from tfport.plan import FAST, LEAN

_ABOUT = "TensorFlow for ARMv7: build is the verb when none is given."
RUNTIME_NAMES = ("lite", "tensorflow", "acl")


def parser() -> argparse.ArgumentParser:
    """All verbs and their options; each also takes --json and --debug."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON object on stdout, all else on stderr")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    shared.add_argument("--no-reference", action="store_true", help="do without host TensorFlow")
    shared.add_argument(
        "--install-deps", action="store_true", help="install missing Debian packages with apt"
    )

    top = argparse.ArgumentParser(prog="build.py", description=_ABOUT, allow_abbrev=False)
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
        "--scaling",
        choices=sorted(SCALINGS),
        help="what the model takes for pixels (default: it scales, or 0 to 1)",
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
