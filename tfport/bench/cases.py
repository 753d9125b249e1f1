"""What is measured: networks in the forms that engines take, their input, and host TensorFlow's results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from tfport.catalogue import DemoModel, Shelf
from tfport.compare import Difference, compare, same_top_class, top_class
from tfport.convert import CALIBRATION_PICTURES
from tfport.core.model import CoreModel, read_core_models
from tfport.errors import ModelError
from tfport.host import Host
from tfport.inputs import Array, Names, model_inputs, photograph, save_inputs
from tfport.model import LiteModel, Tensor, read_tflite
from tfport.networks import NETWORKS
from tfport.smoke_lite import LiteNet

TRAINED = "squeezenet-v1.1"  # the one network with published weights, that of the demo models
STANDARD = (TRAINED, "squeezenet-v1.0", "mobilenet-v1")  # what is measured when nothing is said
NAMED = (TRAINED, *NETWORKS)
PICTURE = "chelsea.png"
# An engine with a quantisation of its own does not compute TensorFlow's numbers. It must choose TensorFlow's
# class, and no score may be off by more.
FOREIGN_TOLERANCE = 0.1


@dataclass(frozen=True)
class Case:
    """A network in one precision.

    ``lite`` is the graph that every engine runs; ``core`` the same for TensorFlow's core runtime, where it is
    asked for. ``feed`` is (name, .npy), ``inputs`` its values by name, ``want`` the reference's outputs.
    """

    network: str
    precision: str  # "fp32" or "int8"
    lite: LiteModel
    inputs: Names
    feed: tuple[tuple[str, Path], ...]
    want: dict[str, Array]
    core: Optional[CoreModel] = None

    @property
    def quantised(self) -> bool:
        return self.precision == "int8"

    def real_input(self) -> Array:
        """The only input as real numbers."""
        return real(self.inputs[self.lite.inputs[0].name], self.lite.inputs[0])

    def judge(self, outputs: Sequence[Array]) -> tuple[list[Difference], list[str]]:
        """Hold the outputs of an engine that runs the .tflite against the reference; as ``LiteNet.judge``."""
        return LiteNet(self.lite).judge(outputs, self.want)

    def judge_foreign(self, outputs: Sequence[Array]) -> tuple[list[Difference], list[str]]:
        """The same for an engine that runs the graph in its own form, with real numbers for scores."""
        want = real(self.want["out0"], self.lite.outputs[0])
        if np.size(outputs[0]) != want.size:
            return [], [f"gives {np.size(outputs[0])} scores, the reference {want.size}"]
        got = np.asarray(outputs[0], dtype=np.float32).reshape(want.shape)
        difference = compare(
            self.lite.outputs[0].name, got, want.astype(np.float32), judge=not self.quantised
        )
        if self.quantised:
            difference = Difference(
                difference.name,
                difference.dtype,
                "float",
                difference.worst,
                FOREIGN_TOLERANCE,
                difference.note,
            )
        problems = [] if difference.ok else [str(difference)]
        if not same_top_class(got, want):
            problems.append(f"chooses class {top_class(got)}, the reference {top_class(want)}")
        return [difference], problems


def real(values: Array, tensor: Tensor) -> Array:
    """Stored numbers of a tensor as the real numbers that they stand for."""
    if not tensor.scales or values.dtype.kind == "f":
        return values
    plain: Array = (values.astype(np.float32) - tensor.zero_points[0]) * np.float32(tensor.scales[0])
    return plain


def make_cases(
    models: Sequence[str],
    precisions: Sequence[str],
    host: Host,
    shelf: Shelf,
    folder: Path,
    core: bool,
) -> list[Case]:
    """Every model in every precision, with its reference.

    ``models`` are names of ``NAMED`` or .tflite files, which have the precision that they have. ``core``:
    also in the form for TensorFlow's core runtime, where one can be had. Raises ``ModelError``,
    ``ConversionFailed``, ``ReferenceMissing`` and what fetching raises.
    """
    wanted = []
    for name in models:
        wanted += [(name, p, lite_path(name, p, host, shelf)) for p in precisions if name in NAMED]
        if name not in NAMED:
            lite = read_tflite(Path(name))
            wanted.append((lite.path.stem, "int8" if lite.quantised else "fp32", lite.path))
    saved = {name: saved_model(name, host, shelf) for name in models if core and name in NAMED}
    host.work()
    prepared = dict(zip(saved, read_core_models(list(saved.values()), host))) if saved else {}
    made = []
    for number, (name, precision, path) in enumerate(wanted):
        lite = read_tflite(path)
        if not lite.inputs or not lite.outputs:
            raise ModelError(f"The model {path} has no inputs or no outputs")
        inputs = _inputs(name, lite, shelf)
        feed = tuple(save_inputs(inputs, folder / "inputs" / str(number)))
        made.append((name, precision, lite, inputs, feed, host.results(lite, inputs, False)))
    host.work()
    return [
        Case(
            name,
            precision,
            lite,
            inputs,
            feed,
            _load(path),
            prepared.get(name) if precision == "fp32" else None,
        )
        for name, precision, lite, inputs, feed, path in made
    ]


def multiply_adds(lite: LiteModel) -> int:
    """Multiply-adds of the convolutions and fully connected layers as the graph states them."""
    graph, total = lite.graphs[0], 0
    for node in graph.nodes:
        name = lite.op_codes[node.op].name
        out = graph.tensors[node.outputs[0]].shape
        if name in ("CONV_2D", "FULLY_CONNECTED"):
            weights = graph.tensors[node.inputs[1]].shape
            total += int(np.prod(out)) * int(np.prod(weights[1:]))
        elif name == "DEPTHWISE_CONV_2D":
            weights = graph.tensors[node.inputs[1]].shape
            total += int(np.prod(out)) * int(np.prod(weights[1:3]))
    return total


def _demo(shelf: Shelf, form: str) -> DemoModel:
    return next(model for model in shelf.catalogue.models if model.form == form)


def demo_pictures(shelf: Shelf) -> list[Path]:
    """Those that the int8 models were calibrated with."""
    return [shelf.path(name) for name in CALIBRATION_PICTURES]


def lite_path(name: str, precision: str, host: Host, shelf: Shelf) -> Path:
    """Where the .tflite of a standard network is once the host has worked."""
    form = "int8" if precision == "int8" else "float32"
    if name == TRAINED:
        return host.converted(_demo(shelf, f"squeezenet-{form}"), shelf)
    return host.network(name, form, demo_pictures(shelf))


def saved_model(name: str, host: Host, shelf: Shelf) -> Path:
    """Where the SavedModel of a standard network is once the host has worked."""
    if name == TRAINED:
        return host.converted(_demo(shelf, "squeezenet-saved-model"), shelf)
    return host.network(name, "saved-model", demo_pictures(shelf))


def _inputs(name: str, lite: LiteModel, shelf: Shelf) -> Names:
    if name not in NAMED:
        return model_inputs(lite, {})
    tensor = lite.inputs[0]
    return {tensor.name: photograph(shelf.path(PICTURE), tensor, scaling_of(name))}


def scaling_of(name: str) -> str:
    """How a picture becomes the input of a standard network; see ``inputs.picture``."""
    return NETWORKS[name].scaling if name in NETWORKS else "bgr-minus-mean"


def _load(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
