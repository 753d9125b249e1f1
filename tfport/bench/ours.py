"""The engines that this project builds, each an SDK with its tfport-run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Union

from tfport.bench.cases import Case
from tfport.bench.engines import Prepared, Ran, facts_in_bytes
from tfport.bench.twin import build_twin, same_code
from tfport.compare import Difference
from tfport.emulator import Emulator
from tfport.errors import ModelRefused, NotAnSdk
from tfport.inputs import Array
from tfport.manifest import AclManifest, CoreManifest, LiteManifest, read_manifest
from tfport.smoke_core import CoreNet
from tfport.target import Target
from tfport.target_run import PROGRAM, Runner, Setting


@dataclass(frozen=True)
class Sdk:
    """An SDK as an engine. ``tools`` keeps programs that are built for it, ``work`` logs and outputs."""

    folder: Path
    target: Target
    manifest: Union[LiteManifest, CoreManifest, AclManifest]
    tools: Path
    work: Path
    ours: bool = True

    @property
    def name(self) -> str:
        return self.manifest.runtime

    @property
    def version(self) -> str:
        return self.manifest.version

    def refuses(self, case: Case, threads: int) -> str:
        lacks: Sequence[str] = ()
        if isinstance(self.manifest, LiteManifest):
            lacks = self.manifest.lacks(case.lite)
        elif isinstance(self.manifest, CoreManifest):
            if case.quantised:
                return "TensorFlow core runs the float graph; int8 is TensorFlow Lite's"
            if case.core is None:
                return "there is no SavedModel of it"
            lacks = self.manifest.lacks(case.core)
        return f"the library at hand is cut to other models: {lacks[0]}" if lacks else ""

    def prepare(self, case: Case) -> Prepared:
        emulator = Emulator.for_target(self.target)
        program = self.folder / PROGRAM
        runner = Runner(emulator, program, self.work / "outputs", timeout=1200.0)
        judge = case.judge
        model, feed = case.lite.path, case.feed
        options: tuple[str, ...] = ()
        if case.core is not None and isinstance(self.manifest, CoreManifest):
            net = CoreNet(case.core, case.core.signature())
            model, options = net.path, net.options
            (port,) = net.signature.inputs
            # The same picture, under the name that this graph has for it.
            feed = ((port.name, case.feed[0][1]),)

            def judge(outputs: Sequence[Array]) -> tuple[list[Difference], list[str]]:
                return net.judge(outputs, case.want)

        def run(threads: int, rounds: int, plugin: str) -> Ran:
            more = (*options, "--repeat", str(rounds))
            done = runner.run(model, feed, Setting(threads, True), more, plugin)
            return Ran(done.outputs, facts_in_bytes(done.facts), tuple(done.facts.get("kernels", ())))

        twin = build_twin(
            self.folder, self.target, self.name, self.tools, self.work / f"twin-{self.name}.log"
        )
        named = None
        if twin is not None and not same_code(program, twin):
            named = replace(runner, program=twin)

        def run_named(rounds: int, plugin: str) -> object:
            assert named is not None
            return named.run(model, feed, Setting(1, True), (*options, "--repeat", str(rounds)), plugin)

        return Prepared(
            run=run,
            judge=judge,
            program_bytes=program.stat().st_size,
            twin=run_named if named else None,
            symbols=twin,
        )


def open_sdk(folder: Path, target: Target, tools: Path, work: Path) -> Sdk:
    """An SDK of the target. Raises ``NotAnSdk``, and ``ModelRefused`` for one of another target."""
    if not (folder / PROGRAM).is_file():
        raise NotAnSdk(f"{folder} has no {PROGRAM}", "It is not the folder of a built SDK.")
    manifest = read_manifest(folder)
    if manifest.target and manifest.target != target.name:
        raise ModelRefused(
            f"{folder} is built for {manifest.target}, not for {target.name}",
            hint=f"Say --target {manifest.target}, or give an SDK of {target.name}.",
        )
    return Sdk(folder, target, manifest, tools, work)
