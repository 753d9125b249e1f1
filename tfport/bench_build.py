"""How long builds take: cold, cold with a warm compiler cache, and with nothing to do.

Each is a run of the front door as a process of its own, with build caches of its own and every source at hand
beforehand, so that neither downloads nor what other trees built get into the figures.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfport.command import run
from tfport.deploy import REPORT, write_whole
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.target import ROOT

SHARED = ("sources", "models", "files", "tools")  # what is downloaded or made of downloads
LIMITS = {  # seconds, on two cores
    "lite": {"cold": 720.0, "no-op": 3.0},
    "tensorflow": {"cold": 900.0, "no-op": 3.0},
}
_START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "from tfport.cli import main; sys.exit(main(sys.argv[1:]))"
)


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: build (Conan), all (the whole process without the smoke test)."""

    name: str
    build: float
    all: float
    built: int  # recipes that were compiled, not taken from a cache


def bench_build(
    target: str, models: Sequence[Path], home: Path, reporter: Reporter, runtime: str = "lite"
) -> dict[str, Any]:
    """Time the builds of one SDK.

    Raises ``CommandFailed`` with the log of a build that fails, ``NotOffered`` for an unknown runtime.
    """
    needs_host = bool(runtime_named(runtime).reader and models)
    work = ROOT / "build" / "bench" / target
    shutil.rmtree(work, ignore_errors=True)
    own, sdk = work / "home", work / "sdk"
    own.mkdir(parents=True)
    for name in SHARED:
        (home / name).mkdir(parents=True, exist_ok=True)
        (own / name).symlink_to(home / name)
    chosen = ["--target", target, "--runtime", runtime]
    words = [*chosen, "--output", str(sdk), *([] if needs_host else ["--no-reference"])]
    words += [word for model in models for word in ("--model", str(model))]
    run([sys.executable, "-I", "-c", _START, "fetch", *chosen], env={"TFPORT_HOME": str(own)})

    def timed(name: str, environment: Mapping[str, str]) -> Timing:
        reporter.say(f"{name} build of {target}; its log: {work / (name + '.log')}")
        environment = {"TFPORT_HOME": str(own), **environment}
        started = time.monotonic()
        run([sys.executable, "-I", "-c", _START, "build", *words], env=environment, log=work / f"{name}.log")
        wall = time.monotonic() - started
        report = json.loads((sdk / REPORT).read_text(encoding="utf-8"))
        seconds, recipes = report["seconds"], report["build"]["recipes"]
        built = sum(1 for recipe in recipes if recipe["state"] == "built")
        return Timing(name, seconds.get("build", 0.0), round(wall - seconds["smoke"], 2), built)

    limits = LIMITS[runtime]
    timings = [timed("cold", {"CCACHE_DISABLE": "1"}), timed("no-op", {})]
    if shutil.which("ccache"):
        cache = {"CCACHE_DIR": str(work / "ccache")}
        for name in ("filling", "warm"):
            for folder in (own / "conan", sdk):
                shutil.rmtree(folder, ignore_errors=True)
            timings.append(timed(name, cache))
    rows = [
        (each.name, f"{each.build:.1f} s", f"{each.all:.1f} s", str(each.built), _limit(each, limits))
        for each in timings
    ]
    reporter.table(
        f"Builds for {target}, {os.cpu_count()} cores", ("run", "Conan", "all", "compiled", "limit"), rows
    )
    result = {
        "target": target,
        "runtime": runtime,
        "cores": os.cpu_count(),
        "models": [str(model) for model in models],
        "runs": [asdict(each) for each in timings],
        "limits": limits,
    }
    write_whole(ROOT / "build" / "bench" / f"{target}.json", json.dumps(result, indent=2) + "\n")
    return result


def _limit(timing: Timing, limits: Mapping[str, float]) -> str:
    limit = limits.get(timing.name)
    if limit is None:
        return ""
    return f"{limit:.0f} s: {'kept' if timing.all <= limit else 'MISSED'}"
