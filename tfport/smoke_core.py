"""The smoke test of TensorFlow core.

Every signature of every model of the user runs on seeded input or on his files, without a model the demo on
its pictures. What runs on the target is the prepared model; the reference is host TensorFlow on the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfport.catalogue import DemoModel
from tfport.compare import Difference, compare
from tfport.core.inputs import core_inputs, slot_of
from tfport.core.model import CoreModel, Signature, read_core_models
from tfport.inputs import DEFAULT_SEED, Array, Names, allot, picture
from tfport.smoke import SEEDED, Case, Setup, Smoke
from tfport.target_run import Setting

# One and four threads with the fast kernels, and TensorFlow's own once.
SETTINGS = (Setting(1, True), Setting(4, True), Setting(1, False))
# Both are counted, so that what the fast kernels bring is known.
COUNTED = (Setting(1, True), Setting(1, False))


@dataclass(frozen=True)
class CoreNet:
    """One signature of a model as it is run and judged."""

    model: CoreModel
    signature: Signature

    @property
    def path(self) -> Path:
        return self.model.prepared

    @property
    def options(self) -> tuple[str, ...]:
        return ("--signature", self.signature.key)

    def judge(
        self, outputs: Sequence[Array], want: Mapping[str, Array]
    ) -> tuple[list[Difference], list[str]]:
        """Compare the outputs, in the order of the signature; the second list says what is wrong."""
        ports = self.signature.outputs
        if len(outputs) != len(ports):
            return [], [f"{len(outputs)} outputs came back, the signature has {len(ports)}"]
        differences = [
            compare(port.name, got, want[f"out{k}"]) for k, (port, got) in enumerate(zip(ports, outputs))
        ]
        return differences, [str(each) for each in differences if not each.ok]

    def score(self, value: float) -> float:
        return value


class CoreSmoke(Smoke[CoreNet]):
    """``models`` are the user's; without any the demo model runs."""

    def __init__(self, setup: Setup, models: Sequence[CoreModel] = ()) -> None:
        super().__init__(setup)
        self.models = models

    def cases(self) -> list[Case[CoreNet]]:
        """Every signature of the user's models, or the demo model on its pictures."""
        return list(self._user_cases() if self.models else self._demo_cases())

    def _user_cases(self) -> Iterator[Case[CoreNet]]:
        for net, source, inputs in user_inputs(self.models, self.setup.inputs, self.setup.seed):
            single = len(net.model.signatures) == 1
            name = net.model.path.name if single else f"{net.model.path.name}, {net.signature.key}"
            counted = COUNTED if single else ()
            yield Case(name, net, source, inputs, SETTINGS, counted=counted)

    def _demo_cases(self) -> Iterator[Case[CoreNet]]:
        shelf = self.setup.shelf
        demos = shelf.catalogue.of("tensorflow")
        if not self.setup.reference:
            self.skipped += [
                f"{demo.name}: host TensorFlow makes it, and --no-reference leaves that out" for demo in demos
            ]
            return
        self.setup.report(0, 0, "making and preparing demo models")
        paths = [self.host.converted(demo, shelf) for demo in demos]
        self.host.work()
        for demo, model in zip(demos, read_core_models(paths, self.host)):
            signature = model.signatures[0]
            labels = shelf.labels(demo)
            for name, inputs in self._demo_inputs(demo, signature):
                net = CoreNet(model, signature)
                expected = demo.pictures.get(name, "")
                yield Case(demo.name, net, name, inputs, SETTINGS, labels, expected, COUNTED)

    def _demo_inputs(self, demo: DemoModel, signature: Signature) -> Iterator[tuple[str, Names]]:
        (port,) = signature.inputs
        for name in demo.pictures:
            path = self.setup.shelf.path(name)
            yield name, {port.name: picture(path, port.name, port.shape or (), demo.scaling)}

    def wanted(self, case: Case[CoreNet]) -> Path:
        """The results of host TensorFlow, which runs what the user gave."""
        return self.host.core_results(case.net.model, case.net.signature.key, case.inputs)


def user_inputs(
    models: Sequence[CoreModel], files: Sequence[tuple[str, Path]], seed: int = DEFAULT_SEED
) -> list[tuple[CoreNet, str, Names]]:
    """Every signature of every model, what it is fed and where that is from; raises ``ModelInputInvalid``."""
    nets = [CoreNet(model, signature) for model in models for signature in model.signatures]
    allotted = allot([[slot_of(port) for port in net.signature.inputs] for net in nets], files)
    return [
        (net, "files" if given else SEEDED, core_inputs(net.model, net.signature, given, seed))
        for net, given in zip(nets, allotted)
    ]
