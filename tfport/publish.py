"""Publish: recipes and binaries of a finished SDK, with all that it was built from, to a Conan server."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

from tfport.conan import Conan, render_profile
from tfport.conan_server import Server
from tfport.deploy import REPORT
from tfport.environment import check_compiler
from tfport.errors import NotBuilt, RemoteFailed, RemoteRefused, TfportError
from tfport.locks import hold
from tfport.plan import Plan
from tfport.report import Reporter


def publish(plan: Plan, url: str, reporter: Reporter) -> dict[str, Any]:
    """Upload the SDK of ``plan``; what the server has already is not sent again.

    Raises ``NotBuilt``, ``RemoteFailed`` and ``RemoteRefused``.
    """
    _refuse_untested(plan)
    started = time.monotonic()
    conan = Conan(plan.home / "conan", plan.home / "sources", plan.work / "logs")
    server = Server(conan, url)
    sent: list[str] = []
    there: list[str] = []
    with hold(plan.home / "conan.lock", "Another build uses Conan's cache; waiting for it.", reporter.say):
        server.introduce()
        conan.export(plan.recipes)
        profile = render_profile(plan.target, plan.jobs, conan.home / "p", shutil.which("ccache"))
        stored = server.stored(plan.sdk_recipe.reference, profile, plan.options)
        for number, each in enumerate(stored, 1):
            try:
                fresh = server.upload(each)
            except (RemoteFailed, RemoteRefused) as error:
                raise _where(error, number, len(stored), each.recipe) from None
            (sent if fresh else there).append(each.pattern)
            word = "sent" if fresh else "was there"
            reporter.say(f"[{number}/{len(stored)}] {each.recipe.split('#')[0]}: {word}")
    reporter.say(f"{url} has {plan.sdk_recipe.reference} for {plan.target.name}: build with --remote {url}")
    seconds = round(time.monotonic() - started, 1)
    return {"remote": url, "sent": sent, "there": there, "seconds": seconds}


def _refuse_untested(plan: Plan) -> None:
    """Others will take it without building it, so it must have passed what a build ends with."""
    try:
        report = json.loads((plan.sdk / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = {}
    passed = (report.get("smoke") or {}).get("ok") is True
    if not passed or report.get("inputs") != plan.digest(check_compiler(plan.target)):
        raise NotBuilt(
            f"{plan.sdk} is not an SDK of this tree that has passed its smoke test",
            "Only what was built and tested here is published.",
            "Build it first: the same options without publish and --remote.",
        )


def _where(error: TfportError, number: int, total: int, recipe: str) -> TfportError:
    what = f"{error.what}, at {recipe.split('#')[0]} ({number} of {total})"
    return type(error)(what, error.why, error.hint)
