"""The smaller verbs: check, test, list, clean."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from tfport.catalogue import load_catalogue
from tfport.check import check_sdk
from tfport.command import run
from tfport.environment import needs, provide, suite_needs, tfport_home, unmet
from tfport.errors import TestsFailed
from tfport.host import Host
from tfport.locks import hold
from tfport.manifest import read_manifest
from tfport.recipe import load_recipes
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.target import ROOT, load_target, target_names

CACHES = ("conan", "files", "models", "sources", "tools")


def check(sdk: Path, models: Sequence[Path], target: Optional[str], reporter: Reporter) -> dict[str, Any]:
    """Models against an SDK's ops; without a model, or with a target, the SDK against its target.

    Raises ``ModelRefused``, ``NotAnSdk``, ``CheckFailed``, ``ModelError``, and ``ReferenceMissing`` where
    host TensorFlow reads the model.
    """
    manifest = read_manifest(sdk)
    runtime = runtime_named(manifest.runtime)
    host = Host(tfport_home() / "models", ROOT / "build" / "logs" / "tensorflow.log")
    for path in models:
        reporter.say(runtime.fits(sdk, path, host))
    facts: dict[str, Any] = {}
    if sdk.is_dir() and (target or not models):
        facts = check_sdk(sdk, load_target(target or manifest.target), runtime.keep).as_dict()
        reporter.say(f"{sdk} is fit for {target or manifest.target}")
    return {"sdk": str(sdk), "models": [str(path) for path in models], "check": facts}


def test(full: bool, rest: Sequence[str], install: bool, reporter: Reporter) -> dict[str, Any]:
    """pytest over tests/, in this virtual environment. Raises ``TestsFailed``."""
    wanted = [need for name in target_names() for need in needs(load_target(name))] + suite_needs()
    if install:
        provide(wanted, install=True, log=ROOT / "build" / "logs" / "apt", say=reporter.say)
    elif unmet(wanted):
        reporter.say("Without the cross compiler and the emulator many tests are skipped; see doctor.")
    marks = [] if full else ["-m", "not full"]
    words = [sys.executable, "-m", "pytest", *marks, *rest]
    done = run(words, cwd=ROOT, log=ROOT / "build" / "logs" / "pytest.log", check=False, on_line=reporter.say)
    if done.returncode != 0:
        raise TestsFailed(
            "The tests did not pass",
            "",
            f"The whole log: {ROOT / 'build' / 'logs' / 'pytest.log'}",
        )
    return {"passed": True, "seconds": done.seconds}


def list_all(reporter: Reporter) -> dict[str, Any]:
    """Targets, recipes and models."""
    targets = [load_target(name) for name in target_names()]
    recipes = load_recipes(ROOT)
    models = load_catalogue().models
    reporter.table("Targets", ("name", "what it is"), [(t.name, t.description) for t in targets])
    rows = [(r.name, r.version, str(len(r.patches) or "")) for r in recipes]
    reporter.table("Recipes", ("name", "version", "patches"), rows)
    reporter.table("Demo models", ("name", "form"), [(m.name, m.form) for m in models])
    return {
        "targets": {target.name: target.description for target in targets},
        "recipes": {recipe.name: recipe.version for recipe in recipes},
        "models": [model.name for model in models],
    }


def clean(cache: bool, reporter: Reporter) -> dict[str, Any]:
    """Remove what builds made; waits for a build that runs."""
    build = ROOT / "build"
    with hold(build / ".lock", "A build runs in this tree; waiting for it.", reporter.say):
        folders = [ROOT / "dist", *(path for path in build.iterdir() if path.name != ".lock")]
        if cache:  # by name: TFPORT_HOME may be a folder that holds other things too
            folders += [tfport_home() / name for name in CACHES]
        removed = [str(path) for path in folders if path.exists()]
        for path in folders:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    reporter.say(f"Removed {', '.join(removed)}" if removed else "There was nothing to remove.")
    return {"removed": removed}
