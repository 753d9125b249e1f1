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
from tfport.core.model import CoreModel, Port, Signature, read_core_models
from tfport.errors import ModelInputInvalid
from tfport.inputs import Array, Names, Slot, fill, picture
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
        if self.models:
            return user_cases(self.models, self.setup)
        return list(self._demo_cases())

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
        return self.host.core_results(case.net.model, case.net.signature, case.inputs)


def user_cases(models: Sequence[CoreModel], setup: Setup) -> list[Case[CoreNet]]:
    """Every signature of every model, on the user's inputs if it has them; raises ``ModelInputInvalid``."""
    refuse_unknown_inputs(models, [name for name, _ in setup.inputs])
    cases = []
    for model in models:
        single = len(model.signatures) == 1
        for signature in model.signatures:
            own = {port.name for port in signature.inputs}
            given = {name: path for name, path in setup.inputs if name in own}
            inputs = fill(model.path.name, [slot_of(port) for port in signature.inputs], given, setup.seed)
            name = model.path.name if single else f"{model.path.name}, {signature.key}"
            source = "files" if given else SEEDED
            counted = COUNTED if single else ()
            cases.append(Case(name, CoreNet(model, signature), source, inputs, SETTINGS, counted=counted))
    return cases


def refuse_unknown_inputs(models: Sequence[CoreModel], names: Sequence[str]) -> None:
    """Raise ``ModelInputInvalid`` for a name that no signature of any model has."""
    known = [port.name for model in models for each in model.signatures for port in each.inputs]
    for name in names:
        if name not in known:
            raise ModelInputInvalid(
                f"No model given has an input {name!r}",
                f"The inputs are: {', '.join(dict.fromkeys(known)) or 'none'}.",
            )


def slot_of(port: Port) -> Slot:
    """An input of a signature; a dimension that is left open gets 1, any rank one element."""
    usual = (1,) if port.shape is None else tuple(max(size, 1) for size in port.shape)
    return Slot(port.name, port.dtype, port.shape, usual)
