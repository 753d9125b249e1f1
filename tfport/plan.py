"""What a run will do: the request of the command line, and the plan made of it before anything starts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport import __version__
from tfport.conan import render_profile
from tfport.deploy import digest_inputs, refuse_foreign
from tfport.environment import compile_jobs, tfport_home
from tfport.errors import NotOffered
from tfport.manifest import refuse_unportable
from tfport.model import LiteModel, read_tflite
from tfport.ops import ALL, canonical
from tfport.recipe import Recipe, closure, load_recipes
from tfport.sources import SourceCache
from tfport.target import ROOT, TOOLCHAINS, Target, load_target

SDK_RECIPE = "tfport-lite"


@dataclass(frozen=True)
class Request:
    """What the command line asks for; ``inputs`` are NAME=FILE.npy pairs."""

    target: str
    runtime: str = "lite"
    models: tuple[Path, ...] = ()
    inputs: tuple[tuple[str, Path], ...] = ()
    output: Optional[Path] = None
    reference: bool = True
    install_deps: bool = False
    offline: bool = False
    jobs: Optional[int] = None


@dataclass(frozen=True)
class Plan:
    """All that is decided before anything starts."""

    request: Request
    target: Target
    models: tuple[LiteModel, ...]
    recipes: tuple[Recipe, ...]
    ops: str  # the value of the SDK recipe's option
    sdk: Path
    work: Path
    home: Path
    jobs: int

    @property
    def sdk_recipe(self) -> Recipe:
        """The recipe whose package is the SDK."""
        return next(recipe for recipe in self.recipes if recipe.name == SDK_RECIPE)

    @property
    def cache(self) -> SourceCache:
        """Where sources lie."""
        return SourceCache(self.home / "sources")

    @property
    def stamp(self) -> Path:
        """The stamp of the SDK folder."""
        return self.work / "stamps" / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', str(self.sdk)).strip('_')}.json"

    def rows(self) -> list[tuple[str, str]]:
        """The plan for a person."""
        ops = "all" if self.ops == ALL else f"{len(self.ops.split(','))}: {self.ops}"
        models = ", ".join(str(model.path) for model in self.models)
        return [
            ("target", f"{self.target.name}: {self.target.description}"),
            ("flags", " ".join(self.target.compile_flags)),
            ("runtime", f"TensorFlow Lite {self.sdk_recipe.version}, XNNPACK on"),
            ("operators", ops),
            *([("models", models)] if models else []),
            ("recipes", f"{len(self.recipes)}: {', '.join(recipe.reference for recipe in self.recipes)}"),
            ("compile jobs", f"{self.jobs}{', through ccache' if shutil.which('ccache') else ''}"),
            ("reference", "host TensorFlow" if self.request.reference else "none: nothing is compared"),
            ("stages", "fetch, build, check, smoke, report"),
            ("result", str(self.sdk)),
            ("caches", str(self.home)),
        ]

    def inputs_of(self, model: LiteModel) -> dict[str, Path]:
        """The ``--input`` files of one model; with several models each takes those that it has a name for."""
        names = {tensor.name for tensor in model.inputs}
        single = len(self.models) == 1
        return {name: path for name, path in self.request.inputs if single or name in names}

    def digest(self, compiler: str) -> str:
        """Of all that goes into the SDK: what an SDK that is up to date was made from."""
        folders: Iterable[Path] = (
            ROOT / "recipes",
            ROOT / "patches",
            ROOT / "runtime",
            ROOT / "tfport",
            TOOLCHAINS / "templates",
        )
        return digest_inputs(
            folders, [render_profile(self.target, 1), repr(self.target), self.ops, compiler, __version__]
        )


def make_plan(request: Request, root: Path = ROOT) -> Plan:
    """Read every file that the plan depends on; raises what is wrong with them, before anything starts."""
    if request.runtime != "lite":
        raise NotOffered(
            f"The runtime {request.runtime} is not offered yet",
            "This version builds TensorFlow Lite.",
            "Leave --runtime out.",
        )
    if request.inputs and not request.models:
        raise NotOffered("--input goes with --model", "Without one, the demo models run on their own inputs.")
    target = load_target(request.target)
    models = tuple(read_tflite(path) for path in request.models)
    for model in models:
        refuse_unportable(model, root)
    uses = [op for model in models for op in model.ops]
    ops = canonical([u.name for u in uses if not u.custom], [u.name for u in uses if u.custom]) or ALL
    name = "-".join(["lite", *(re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem) for path in request.models)])
    sdk = (request.output or root / "dist" / target.name / name).absolute()
    refuse_foreign(sdk)
    return Plan(
        request=request,
        target=target,
        models=models,
        recipes=tuple(closure(load_recipes(root), SDK_RECIPE)),
        ops=ops,
        sdk=sdk,
        work=root / "build" / target.name,
        home=tfport_home(),
        jobs=request.jobs or compile_jobs(),
    )
