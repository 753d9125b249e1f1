"""A small SDK with the report that a build leaves in it, and packs of it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.integration.cross import ZULUKO, Sdk
from tfport.check import check_sdk
from tfport.environment import check_compiler
from tfport.packed import files
from tfport.packed.components import linked
from tfport.packed.tarball import compress, write_tar
from tfport.recipe import load_recipe
from tfport.report import Reporter
from tfport.summary import digests, sizes
from tfport.sums import SUMS, sha256_of, sums_of, sums_text
from tfport.target import ROOT

NAME = "tfport-lite-my_model-2.14.1-zuluko"
COMPONENTS = ("abseil", "zlib")


def quiet() -> tuple[Reporter, io.StringIO]:
    text = io.StringIO()
    return Reporter(console=Console(file=text, width=200)), text


def finished_sdk(folder: Path) -> Path:
    """An SDK as the front door leaves it: built, checked, tested."""
    made = Sdk(folder)
    made.link()
    sdk = folder / "sdk"
    manifest = {"tfport_manifest": 1, "version": "2.14.1", "target": "zuluko"}
    manifest |= {"ops": {"ADD": [1, 2]}, "custom": [], "xnnpack": ["ADD"]}
    (sdk / "share" / "tfport").mkdir(parents=True)
    (sdk / "share" / "tfport" / "ops.json").write_text(json.dumps(manifest))
    recipes = [load_recipe(ROOT, name) for name in COMPONENTS]
    for recipe in recipes:
        place = sdk / files.LICENCES / recipe.name
        place.mkdir(parents=True)
        (place / "LICENSE").write_text(f"the licence of {recipe.name}\n")
    report = {
        "tfport": "0.1.0",
        "target": asdict(ZULUKO),
        "runtime": {"name": "lite", "version": "2.14.1"},
        "compiler": check_compiler(ZULUKO),
        "sdk": str(sdk),
        "models": [{"path": "/home/someone/my model.tflite", "sha256": "ab" * 32}],
        "operators": {"summary": "1 builtin"},
        "components": [asdict(component) for component in linked(recipes)],
        "sizes": sizes(sdk),
        "sha256": digests(sdk),
        "check": check_sdk(sdk, ZULUKO).as_dict(),
        "smoke": {"ok": True, "seconds": 12.5, "runs": [{"model": "m", "seconds": 1.25, "worst": 0.5}]},
    }
    (sdk / "report.json").write_text(json.dumps(report))
    return sdk


def repacked(
    pack: Path, to: Path, change: Callable[[Path], Any], *, sums: bool = True, time: int = 315532800
) -> Path:
    """The pack ``pack`` with ``change`` made to its files, sums and archive made anew as a forger would."""
    top = pack.name[: -len(".tar.gz")]
    stage = to / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.unpack_archive(pack, stage)
    change(stage / top)
    if sums:
        (stage / top / SUMS).write_text(sums_text(sums_of(stage / top)))
    with (to / "forged.tar").open("wb") as sink:
        write_tar(stage / top, top, time, sink)
    forged = to / pack.name
    compress(to / "forged.tar", forged)
    files.sums_beside(to, top).write_text(sums_text({forged.name: sha256_of(forged)}))
    return forged


def edit(name: str, change: Any) -> Any:
    """What changes a JSON file of a folder."""

    def apply(folder: Path) -> None:
        data = json.loads((folder / name).read_text())
        change(data)
        (folder / name).write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")

    return apply
