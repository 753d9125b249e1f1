"""The smoke test of a compiled model: on seeded input and, where it takes a picture, on the demo pictures.

Results are judged as those of TensorFlow Lite are: fp32 end to end; a quantised network must choose the same
class, and its worst step is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tfport.inputs import Names, photograph
from tfport.model import LiteModel
from tfport.smoke import SEEDED, Case, Setup, Smoke
from tfport.smoke_lite import LiteNet, user_inputs
from tfport.target_run import Setting

SETTINGS = (Setting(1, True), Setting(4, True))
COUNTED = (Setting(1, True),)
PICTURES = ("chelsea.png", "coffee.png")


class AclSmoke(Smoke[LiteNet]):
    """``models`` is the one that was compiled."""

    def __init__(self, setup: Setup, models: Sequence[LiteModel]) -> None:
        super().__init__(setup)
        self.models = models

    def cases(self) -> list[Case[LiteNet]]:
        """The model on the user's input or on seeded input, and on pictures."""
        cases = []
        for model, (source, inputs) in zip(
            self.models, user_inputs(self.models, self.setup.inputs, self.setup.seed)
        ):
            name, net = model.path.name, LiteNet(model)
            cases.append(Case(name, net, source, inputs, SETTINGS, counted=COUNTED))
            if source == SEEDED:
                cases += [Case(name, net, picture, fed, SETTINGS) for picture, fed in self._pictures(model)]
        return cases

    def _pictures(self, model: LiteModel) -> Iterator[tuple[str, Names]]:
        tensor = model.inputs[0]
        if len(model.inputs) != 1 or len(tensor.shape) != 4 or (tensor.shape[0], tensor.shape[3]) != (1, 3):
            return
        for picture in PICTURES:
            path = self.setup.shelf.path(picture)
            try:
                yield picture, {tensor.name: photograph(path, tensor, _scaling(model))}
            except ImportError:  # Pillow comes with host TensorFlow's requirements
                self.skipped.append(f"{model.path.name} on {picture}: Pillow is not installed")
                return

    def wanted(self, case: Case[LiteNet]) -> Path:
        """The reference's outputs."""
        return self.host.results(case.net.model, case.inputs, False)


def _scaling(model: LiteModel) -> str:
    """How pixels become the input; that of a file that does not say is its range, or else -1 to 1."""
    tensor = model.inputs[0]
    if tensor.dtype == "uint8":
        return "rgb-bytes"
    reach = 127 * tensor.scales[0] if tensor.scales else 0.0
    return "bgr-minus-mean" if reach > 50 else "rgb-centred"
