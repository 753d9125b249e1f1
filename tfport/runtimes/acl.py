"""The Arm Compute Library as a runtime of the house: one model is compiled into one library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfport.acl.generate import Engine, compile_model, keep_engine
from tfport.acl.sdk_acl import KEEP
from tfport.acl.smoke_acl import AclSmoke
from tfport.errors import ModelRefused, NotOffered
from tfport.host import Host
from tfport.manifest import AclManifest, manifest_of
from tfport.model import LiteModel, read_tflite
from tfport.smoke import Setup
from tfport.smoke_lite import user_inputs
from tfport.smoke_results import SmokeResults


@dataclass(frozen=True)
class AclJob:
    """An SDK that is one compiled model."""

    models: tuple[LiteModel, ...]
    engine: Engine
    payload: Mapping[str, Path] = field(default_factory=dict)

    @property
    def ops(self) -> str:
        return self.engine.ops

    @property
    def options(self) -> Mapping[str, str]:
        return {"engine": str(self.engine.folder)}

    @property
    def folder(self) -> str:
        return f"acl-{re.sub(r'[^A-Za-z0-9._-]+', '_', self.models[0].path.stem)}"

    def refuse_inputs(self, files: Sequence[tuple[str, Path]]) -> None:
        user_inputs(self.models, files)

    def rows(self, version: str) -> list[tuple[str, str]]:
        engine = self.engine
        return [
            ("runtime", f"Arm Compute Library {version}, with {', '.join(engine.operators)}"),
            ("model", str(self.models[0].path)),
            ("compiled to", f"{len(engine.functions)} calls of the library, in {engine.folder}"),
            ("memory", f"{engine.weights:,} B of weights, {engine.arena:,} B for activations"),
        ]

    def operators(self, sdk: Path) -> dict[str, Any]:
        manifest = manifest_of(AclManifest, sdk)
        calls = self.engine.functions
        return {
            "summary": f"{len(calls)} calls of {len(set(calls))} functions",
            "library": list(manifest.operators),
            "data_types": list(manifest.data_types),
            "calls": {name: calls.count(name) for name in sorted(set(calls))},
            "arena_bytes": self.engine.arena,
            "weights_bytes": self.engine.weights,
        }

    def smoke(self, setup: Setup) -> SmokeResults:
        return AclSmoke(setup, self.models).run()


class AclRuntime:
    """The model compiler reads a model by itself, so no other program is needed."""

    name = "acl"
    sdk_recipe = "tfport-acl"
    keep = KEEP
    reader = ""

    def job(self, paths: Sequence[Path], all_ops: bool, root: Path, host: Host) -> AclJob:
        if all_ops:
            raise NotOffered(
                "--ops all goes with --runtime tensorflow", "An engine holds one model's operators."
            )
        if len(paths) != 1:
            raise NotOffered(
                f"--runtime acl takes one --model, not {len(paths)}",
                "The model is compiled into the library.",
                "Name one .tflite file: --model my.tflite",
            )
        compiled = compile_model(paths[0])
        return AclJob((compiled.model,), keep_engine(compiled, host.folder))

    def fits(self, sdk: Path, model: Path, host: Host) -> str:
        manifest = manifest_of(AclManifest, sdk)
        given = read_tflite(model).sha256
        if given != manifest.model:
            compile_model(model)  # what cannot be compiled at all is told by name
            raise ModelRefused(
                f"{model} is not the model that was compiled into this library",
                f"The sha256 of that one is {manifest.model}, of this one {given}.",
                f"Build it: --runtime acl --model {model}",
            )
        return f"{model} runs: it is the model that was compiled into this library"
