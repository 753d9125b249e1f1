"""What a run will do: the request of the command line, and the plan made of it before anything starts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

from tfport import __version__
from tfport.conan import render_profile
from tfport.deploy import digest_inputs, refuse_foreign
from tfport.environment import compile_jobs, tfport_home
from tfport.errors import NotOffered
from tfport.host import Host
from tfport.launcher import Launcher, choose
from tfport.quantise import plan as int8
from tfport.quantise.samples import Tell
from tfport.recipe import Recipe, closure, load_recipes
from tfport.runtimes import GivenModel, Job, Runtime, runtime_named
from tfport.sources import SourceCache
from tfport.target import ROOT, TOOLCHAINS, Target, load_target

FAST, LEAN = "fast", "lean"


@dataclass(frozen=True)
class Request:
    """What the command line asks for; ``inputs`` are NAME=FILE.npy pairs, ``ops`` is "all" or None.

    ``pack_weights`` None: where there is no operating system. ``memory``: FAST or LEAN. ``launcher`` None:
    ccache, if it is installed. ``remote`` is a Conan server whose packages are taken instead of building
    them, ``bundle`` a folder that ``build.py bundle`` made. ``quantise``: make the model int8 first.
    """

    target: str
    runtime: str = "lite"
    models: tuple[Path, ...] = ()
    ops: Optional[str] = None
    pack_weights: Optional[bool] = None
    inputs: tuple[tuple[str, Path], ...] = ()
    output: Optional[Path] = None
    reference: bool = True
    install_deps: bool = False
    offline: bool = False
    jobs: Optional[int] = None
    memory: str = FAST
    launcher: Optional[str] = None
    remote: Optional[str] = None
    bundle: Optional[Path] = None
    quantise: int8.Wish = field(default_factory=int8.Wish)


@dataclass(frozen=True)
class Plan:
    """All that is decided before anything starts."""

    request: Request
    target: Target
    runtime: Runtime
    job: Job
    recipes: tuple[Recipe, ...]
    sdk: Path
    work: Path
    home: Path
    launcher: Launcher
    jobs: int
    quantised: Optional[int8.Quantised] = None

    @property
    def models(self) -> Sequence[GivenModel]:
        """The user's models."""
        return self.job.models

    @property
    def pack_weights(self) -> bool:
        """Whether the SDK brings the models with their weights packed ahead of time."""
        if self.request.pack_weights is None:
            return self.target.board is not None and self.runtime.name == "lite" and bool(self.models)
        return self.request.pack_weights

    @property
    def inputs(self) -> tuple[tuple[str, Path], ...]:
        """The user's inputs for the smoke test; for a model quantised here, a real sample in their place."""
        return self.request.inputs or (self.quantised.inputs if self.quantised else ())

    @property
    def payload(self) -> Mapping[str, Path]:
        """What the SDK carries beside the package: path in the SDK -> folder that is copied there."""
        return {**self.job.payload, **({int8.FOLDER: self.quantised.folder} if self.quantised else {})}

    @property
    def lean(self) -> bool:
        """Whether the SDK does without what is faster for more memory."""
        return self.request.memory == LEAN

    @property
    def local_jobs(self) -> int:
        """How many programs run on this machine at once, where other machines compile."""
        return min(self.jobs, compile_jobs()) if self.launcher.hosts else self.jobs

    @property
    def ops(self) -> str:
        """The value of the SDK recipe's option."""
        return self.job.ops

    @property
    def sdk_recipe(self) -> Recipe:
        """The recipe whose package is the SDK."""
        return next(recipe for recipe in self.recipes if recipe.name == self.runtime.sdk_recipe)

    @property
    def options(self) -> list[str]:
        """What Conan is told about the recipes."""
        options = {"ops": self.ops, **self.job.options, **({"memory": LEAN} if self.lean else {})}
        return [f"{self.runtime.sdk_recipe}/*:{name}={value}" for name, value in options.items()]

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
        return [
            ("target", f"{self.target.name}: {self.target.description}"),
            ("flags", " ".join(self.target.compile_flags)),
            *self.job.rows(self.sdk_recipe.version),
            *(self.quantised.rows() if self.quantised else []),
            *([("weights", "packed ahead of time too")] if self.pack_weights else []),
            *([("memory", "lean: without Winograd's transformed weights")] if self.lean else []),
            ("recipes", f"{len(self.recipes)}: {', '.join(recipe.reference for recipe in self.recipes)}"),
            ("compile jobs", f"{self.jobs}{self.launcher.description}"),
            ("reference", "host TensorFlow" if self.request.reference else "none: nothing is compared"),
            ("stages", "fetch, build, check, smoke, report"),
            *([("packages", f"of {self.request.remote} where it has them")] if self.request.remote else []),
            ("result", str(self.sdk)),
            ("caches", str(self.home)),
        ]

    def digest(self, compiler: str) -> str:
        """Of all that goes into the SDK: what an SDK that is up to date was made from."""
        folders: Iterable[Path] = (
            ROOT / "recipes",
            ROOT / "patches",
            ROOT / "runtime",
            ROOT / "tfport",
            TOOLCHAINS / "templates",
        )
        profile = render_profile(self.target, 1)
        # A prepared model lies in the cache in a folder that is named by its content.
        payload = [f"{place} {source}" for place, source in self.payload.items()]
        if self.pack_weights:
            payload += [f"packed {model.sha256}" for model in self.models]
        if self.lean:
            payload.append("lean")
        return digest_inputs(folders, [profile, repr(self.target), self.ops, compiler, __version__, *payload])


def make_plan(request: Request, root: Path = ROOT, tell: Optional[Tell] = None) -> Plan:
    """Read every file that the plan depends on; raises what is wrong with them, before anything starts.

    ``tell`` hears how far quantising a model is.
    """
    runtime = runtime_named(request.runtime)
    int8.refuse(request.quantise, request.runtime, request.models, request.reference)
    if request.pack_weights and (request.runtime != "lite" or not request.models):
        raise NotOffered(
            "--pack-weights goes with --model, for --runtime lite",
            "The weights of a model are packed for the microkernels with which TensorFlow Lite runs it.",
        )
    if request.memory == LEAN and request.runtime != "lite":
        raise NotOffered(
            "--memory lean goes with --runtime lite",
            "What it leaves out, Winograd's transform, TensorFlow core does not use.",
        )
    if request.inputs and not request.models:
        raise NotOffered("--input goes with --model", "Without one, the demo models run on their own inputs.")
    if runtime.reader and request.models and not request.reference:
        raise NotOffered(
            f"--no-reference and --model exclude each other for --runtime {runtime.name}",
            f"A model is read by {runtime.reader}.",
            "Leave --no-reference out; or leave --model out, and all ops are built.",
        )
    target = load_target(request.target)
    launcher = choose(request.launcher)
    if request.runtime == "acl" and target.board is not None:
        raise NotOffered(
            f"--runtime acl is not offered for {target.name}",
            "The Arm Compute Library is built for Linux here: it asks the system for threads and the CPU.",
            "Use --runtime lite, which also runs without an operating system.",
        )
    home, work = tfport_home(), root / "build" / target.name
    host = Host(home / "models", work / "tensorflow.log")
    models, made = request.models, None
    if request.quantise.precision:
        if request.output:
            refuse_foreign(request.output.absolute())
        made = int8.quantised(request.quantise, models[0], replace(host, tell=tell) if tell else host)
        models = (made.model,)
    job = runtime.job(models, request.ops is not None, root, host)
    job.refuse_inputs(request.inputs)
    sdk = (request.output or root / "dist" / target.name / job.folder).absolute()
    refuse_foreign(sdk)
    return Plan(
        request=request,
        target=target,
        runtime=runtime,
        job=job,
        recipes=tuple(closure(load_recipes(root), runtime.sdk_recipe, target.os)),
        sdk=sdk,
        work=work,
        home=home,
        launcher=launcher,
        jobs=request.jobs or launcher.jobs,
        quantised=made,
    )
