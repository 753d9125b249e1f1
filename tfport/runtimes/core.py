"""TensorFlow core as a runtime of the house."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tfport.core.model import CoreModel, read_core_models
from tfport.core.port import read_port, refuse_unportable, selection
from tfport.core.selection import ALL
from tfport.core.selection import ops as ops_of
from tfport.core.symbols import KEEP
from tfport.errors import ReferenceMissing
from tfport.host import Host
from tfport.manifest import CoreManifest, manifest_of, refuse_unfit
from tfport.smoke import Setup
from tfport.smoke_core import CoreSmoke, user_inputs
from tfport.smoke_results import SmokeResults

MODELS = "share/tfport/models"  # where the prepared models lie in an SDK


@dataclass(frozen=True)
class CoreJob:
    """An SDK of TensorFlow core, with all ops or cut to models."""

    models: tuple[CoreModel, ...]
    ops: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What each model is called in the SDK: its file's name without the ending, made unique."""
        found: list[str] = []
        for model in self.models:
            plain = model.path.name if model.kind == "saved_model" else model.path.stem
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
            numbered = (f"{name}-{number}" for number in count(2))
            found.append(name if name not in found else next(each for each in numbered if each not in found))
        return tuple(found)

    @property
    def folder(self) -> str:
        return "-".join(["tensorflow", *(self.names if self.ops != ALL else ())])

    @property
    def payload(self) -> Mapping[str, Path]:
        return {f"{MODELS}/{name}": model.prepared for name, model in zip(self.names, self.models)}

    def refuse_inputs(self, files: Sequence[tuple[str, Path]]) -> None:
        user_inputs(self.models, files)

    def rows(self, version: str) -> list[tuple[str, str]]:
        names = [] if self.ops == ALL else sorted(ops_of(self.ops))
        models = ", ".join(str(model.path) for model in self.models)
        return [
            ("runtime", f"TensorFlow {version}, XNNPACK for convolutions and matrix products"),
            ("operators", f"{len(names)}: {', '.join(names)}" if names else "all"),
            *([("models", models), ("prepared as", ", ".join(self.payload))] if models else []),
        ]

    def operators(self, sdk: Path) -> dict[str, Any]:
        manifest = manifest_of(CoreManifest, sdk)
        kernels = sum(map(len, manifest.ops.values()))
        held = "all their kernels" if self.ops == ALL else f"{kernels} kernels, cut to the models"
        return {
            "summary": f"{len(manifest.ops)} ops, {held}",
            "ops": {op: list(names) for op, names in manifest.ops.items()},
        }

    def smoke(self, setup: Setup) -> SmokeResults:
        return CoreSmoke(setup, self.models).run()


class CoreRuntime:
    """TensorFlow core: host TensorFlow reads a model and prepares what ships of it."""

    name = "tensorflow"
    sdk_recipe = "tfport-core"
    keep = KEEP
    reader = "host TensorFlow"

    def job(self, paths: Sequence[Path], all_ops: bool, root: Path, host: Host) -> CoreJob:
        port = read_port(root)
        models = _read(paths, host) if paths else ()
        refuse_unportable(models, port)
        return CoreJob(models, ALL if all_ops or not models else selection(models, port))

    def fits(self, sdk: Path, model: Path, host: Host) -> str:
        manifest = manifest_of(CoreManifest, sdk)
        [core] = _read([model.absolute()], host)
        refuse_unfit(core, manifest)
        return f"{model} runs: all its {len({op for op, _ in core.kernels})} ops and their kernels are there"


def _read(paths: Sequence[Path], host: Host) -> tuple[CoreModel, ...]:
    try:
        return read_core_models(paths, host)
    except ReferenceMissing as error:
        raise ReferenceMissing(
            error.what,
            "It reads the models of --runtime tensorflow and prepares what ships of them.",
            "Python 3.9 to 3.11 can have it: `build.py --target NAME` installs it, unlike check and fetch.",
        ) from None
