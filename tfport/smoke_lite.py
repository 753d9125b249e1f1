"""The smoke test of TensorFlow Lite.

Every demo model runs on its pictures, a user's model on seeded input or on given files. fp32 results are
judged end to end. A quantised network is judged operator by operator, each fed the reference's inputs; end to
end it must choose the same class, and its worst step is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Optional

from tfport.catalogue import DemoModel
from tfport.compare import Difference, compare, is_classification, same_top_class, top_class
from tfport.errors import EmulatorFailed
from tfport.inputs import DEFAULT_SEED, Array, Names, allot, model_inputs, photograph, save_inputs, slot_of
from tfport.model import LiteModel, read_tflite
from tfport.pack import FOLDER, packed_names
from tfport.smoke import SEEDED, Case, Setup, Smoke, Task
from tfport.smoke_board import Linked, try_image
from tfport.smoke_pack import compare_packed
from tfport.smoke_results import OpsResult, sentence
from tfport.split import plan
from tfport.target_run import Setting

# For the further demo models: threads where they matter, and the builtin kernels once.
FEW_SETTINGS = (Setting(4, True), Setting(1, False))
COUNTED = ("squeezenet-float32", "squeezenet-int8")


@dataclass(frozen=True)
class LiteNet:
    """A TensorFlow Lite model as it is run and judged."""

    model: LiteModel
    options: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.model.path

    def judge(
        self, outputs: Sequence[Array], want: Mapping[str, Array]
    ) -> tuple[list[Difference], list[str]]:
        """Compare the outputs of a whole network; the second list says what is wrong."""
        model = self.model
        expected = [want[f"out{k}"] for k in range(len(model.outputs))]
        if len(outputs) != len(expected):
            return [], [f"{len(outputs)} outputs came back, the model has {len(expected)}"]
        differences = []
        problems = []
        for tensor, got, wanted in zip(model.outputs, outputs, expected):
            difference = compare(tensor.name, got, wanted, bool(tensor.scales), judge=not model.quantised)
            differences.append(difference)
            if not difference.ok:
                problems.append(str(difference))
            elif model.quantised and is_classification(wanted) and not same_top_class(got, wanted):
                problems.append(
                    f"{tensor.name} chooses class {top_class(got)}, the reference {top_class(wanted)}"
                )
        return differences, problems

    def score(self, value: float) -> float:
        """A quantised score in the units that its scale gives."""
        tensor = self.model.outputs[0]
        if not tensor.scales or "int" not in tensor.dtype:
            return value
        return (value - tensor.zero_points[0]) * tensor.scales[0]


def user_inputs(
    models: Sequence[LiteModel], files: Sequence[tuple[str, Path]], seed: int = DEFAULT_SEED
) -> list[tuple[str, Names]]:
    """What each of the user's models is fed, and where it is from; raises ``ModelInputInvalid``."""
    allotted = allot([[slot_of(tensor) for tensor in lite.inputs] for lite in models], files)
    return [
        ("files" if given else SEEDED, model_inputs(lite, given, seed))
        for lite, given in zip(models, allotted)
    ]


class LiteSmoke(Smoke[LiteNet]):
    """``models`` are the user's; ``demos`` names demo models, None stands for all."""

    def __init__(
        self, setup: Setup, models: Sequence[LiteModel] = (), demos: Optional[Sequence[str]] = None
    ) -> None:
        super().__init__(setup)
        self.models, self.demos = models, demos

    def cases(self) -> list[Case[LiteNet]]:
        """The demo models on their pictures, the user's on his inputs."""
        return [*self._demo_cases(), *self._user_cases()]

    def _demo_cases(self) -> list[Case[LiteNet]]:
        shelf = self.setup.shelf
        chosen = [m for m in shelf.catalogue.of("lite") if self.demos is None or m.name in self.demos]
        if not self.setup.reference:
            self.skipped += [
                f"{model.name}: host TensorFlow makes it, and --no-reference leaves that out"
                for model in chosen
                if model.form != "lite"
            ]
            chosen = [model for model in chosen if model.form == "lite"]
        paths = {}
        if chosen:
            self.setup.report(0, 0, "fetching and converting demo models")
        for model in chosen:
            paths[model.name] = self.host.converted(model, shelf)
        self.host.work()
        cases = []
        for model in chosen:
            lite = read_tflite(paths[model.name])
            settings = self.setup.settings if model.form != "lite" else FEW_SETTINGS
            counted = (Setting(1, True),) if model.name in COUNTED else ()
            labels = shelf.labels(model)
            for source, inputs in self._demo_inputs(model, lite):
                expected = model.pictures.get(source, "")
                net = LiteNet(lite)
                cases.append(Case(model.name, net, source, inputs, settings, labels, expected, counted))
        return cases

    def _demo_inputs(self, model: DemoModel, lite: LiteModel) -> Iterator[tuple[str, Names]]:
        if not model.pictures:
            yield SEEDED, model_inputs(lite, {}, self.setup.seed)
        for picture in model.pictures:
            tensor = lite.inputs[0]
            try:
                values = photograph(self.setup.shelf.path(picture), tensor, model.scaling)
            except ImportError:  # Pillow comes with host TensorFlow's requirements
                self.skipped.append(f"{model.name} on {picture}: Pillow is not installed")
                yield SEEDED, model_inputs(lite, {}, self.setup.seed)
                return
            yield picture, {tensor.name: values}

    def _user_cases(self) -> list[Case[LiteNet]]:
        fed = user_inputs(self.models, self.setup.inputs, self.setup.seed)
        wanted = self.setup.target.board is not None or self.setup.count_given
        counted = (Setting(1, True),) if wanted else ()
        return [
            Case(lite.path.name, LiteNet(lite), source, inputs, self.setup.settings, counted=counted)
            for lite, (source, inputs) in zip(self.models, fed)
        ]

    def beside(self, case: Case[LiteNet], feeds: Sequence[tuple[str, Path]]) -> Iterator[Task]:
        """A user's model with its weights packed, when the SDK has it; on a board its image stands for it."""
        packed = self._packed(case)
        if packed is not None and self.setup.target.board is None:
            yield f"{case.name}, packed", partial(compare_packed, self, case, packed, feeds)

    def _packed(self, case: Case[LiteNet]) -> Optional[Path]:
        names = packed_names([model.path for model in self.models])
        for model, name in zip(self.models, names):
            packed = self.setup.sdk / FOLDER / name
            if case.net.model is model and packed.is_file():
                return packed
        return None

    def wanted(self, case: Case[LiteNet]) -> Path:
        """The reference's outputs, and of a quantised model every tensor and the unravelled model too."""
        model = case.net.model
        if model.quantised:
            self.host.unravelled(model)
        return self.host.results(model, case.inputs, model.quantised)

    def further(self, position: int, case: Case[LiteNet], want: Mapping[str, Array]) -> Iterator[Task]:
        """Every operator of a quantised network by itself."""
        if not case.net.model.quantised:
            return
        unravelled = self.host.unravelled(case.net.model)
        parts = self.setup.work / "inputs" / f"{position}-ops"
        for xnnpack in (True, False):
            yield f"{case.name}, op by op", partial(self._ops, case, xnnpack, want, unravelled, parts)

    def images(self, position: int, case: Case[LiteNet]) -> Iterator[Task]:
        """The model linked into an image, for the models that matter most."""
        if len(case.settings) > len(FEW_SETTINGS):
            model, setup = case.net.model, self.setup
            inputs = {tensor.name: case.inputs[tensor.name] for tensor in model.inputs}
            own = any(model is given for given in self.models)
            flash = (self._packed(case) or model.path) if own else None
            linked = Linked(case.name, model.path, case.source, inputs, flash)
            folder = setup.work / "images" / str(position)
            tools = setup.home / "tools"
            work = partial(try_image, setup.sdk, setup.target, linked, self.runner, folder, tools)
            yield f"{case.name}, {case.source}, image", work

    def _ops(
        self,
        case: Case[LiteNet],
        xnnpack: bool,
        want: Mapping[str, Array],
        unravelled: Path,
        folder: Path,
    ) -> OpsResult:
        model = case.net.model
        parts = plan(model)
        folder = folder / ("on" if xnnpack else "off")
        fed = save_inputs({port.name: want[f"t{port.tensor}"] for port in parts.inputs}, folder)
        try:
            done = self.runner.run(unravelled, fed, Setting(1, xnnpack))
        except EmulatorFailed as error:
            return OpsResult(case.name, case.source, xnnpack, (sentence(error),))
        graph = model.graphs[0]
        found = []
        for port, got in zip(parts.outputs, done.outputs):
            node = graph.nodes[port.node]
            name = f"{model.op_codes[node.op].name} (node {port.node})"
            quantised = bool(graph.tensors[port.tensor].scales)
            found.append(compare(name, got, want[f"t{port.tensor}"], quantised))
        steps = [difference for difference in found if difference.rule == "steps"]
        worst = max(steps, key=lambda difference: difference.worst, default=None)
        problems = [str(difference) for difference in found if not difference.ok]
        if len(done.outputs) != len(parts.outputs):
            problems.append(f"{len(done.outputs)} results of {len(parts.outputs)} came back")
        return OpsResult(
            model=case.name,
            input=case.source,
            xnnpack=xnnpack,
            problems=tuple(problems),
            ops=len(parts.nodes),
            left_out=len(graph.nodes) - len(parts.nodes),
            delegated_nodes=done.facts.get("delegated_nodes", 0),
            worst_steps=worst.worst if worst else 0.0,
            worst_op=worst.name if worst and worst.worst else "",
            off_by_one=sum(difference.worst >= 1 for difference in steps),
            worst_float=max((d.worst for d in found if d.rule == "float"), default=0.0),
            seconds=done.seconds,
        )
