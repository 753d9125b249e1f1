"""TensorFlow Lite as a runtime of the house."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfport.errors import NotOffered
from tfport.host import Host
from tfport.link import DEFAULT_KEEP
from tfport.manifest import LiteManifest, manifest_of, refuse_unfit, refuse_unportable
from tfport.model import LiteModel, read_tflite
from tfport.ops import ALL, canonical
from tfport.smoke import Setup
from tfport.smoke_lite import LiteSmoke, user_inputs
from tfport.smoke_results import SmokeResults


@dataclass(frozen=True)
class LiteJob:
    """An SDK of TensorFlow Lite, with all ops or cut to models."""

    models: tuple[LiteModel, ...]
    ops: str
    payload: Mapping[str, Path] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        names = (re.sub(r"[^A-Za-z0-9._-]+", "_", model.path.stem) for model in self.models)
        return "-".join(["lite", *names])

    def refuse_inputs(self, files: Sequence[tuple[str, Path]]) -> None:
        user_inputs(self.models, files)

    def rows(self, version: str) -> list[tuple[str, str]]:
        ops = "all" if self.ops == ALL else f"{len(self.ops.split(','))}: {self.ops}"
        models = ", ".join(str(model.path) for model in self.models)
        return [
            ("runtime", f"TensorFlow Lite {version}, XNNPACK on"),
            ("operators", ops),
            *([("models", models)] if models else []),
        ]

    def operators(self, sdk: Path) -> dict[str, Any]:
        manifest = manifest_of(LiteManifest, sdk)
        cut = "" if self.ops == ALL else ", cut to the models"
        return {
            "summary": f"{len(manifest.ops)} builtin, {len(manifest.custom)} custom{cut}",
            "builtin": {name: list(versions) for name, versions in manifest.ops.items()},
            "custom": sorted(manifest.custom),
            "xnnpack": sorted(manifest.xnnpack),
        }

    def smoke(self, setup: Setup) -> SmokeResults:
        return LiteSmoke(setup, self.models, () if self.models else None).run()


class LiteRuntime:
    """TensorFlow Lite: a model is one file that tfport reads by itself."""

    name = "lite"
    sdk_recipe = "tfport-lite"
    keep = DEFAULT_KEEP
    reader = ""

    def job(self, paths: Sequence[Path], all_ops: bool, root: Path, host: Host) -> LiteJob:
        if all_ops:
            raise NotOffered(
                "--ops all goes with --runtime tensorflow",
                "TensorFlow Lite is built with all ops when there is no --model.",
            )
        models = tuple(read_tflite(path) for path in paths)
        for model in models:
            refuse_unportable(model, root)
        uses = [op for model in models for op in model.ops]
        ops = canonical([u.name for u in uses if not u.custom], [u.name for u in uses if u.custom])
        return LiteJob(models, ops or ALL)

    def fits(self, sdk: Path, model: Path, host: Host) -> str:
        manifest = manifest_of(LiteManifest, sdk)
        lite = read_tflite(model)
        refuse_unfit(lite, manifest)
        delegated = sum(1 for op in lite.ops if op.name in manifest.xnnpack)
        return f"{model} runs: all its {len(lite.ops)} operators are there, {delegated} also in XNNPACK"
