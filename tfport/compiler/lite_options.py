"""What the operators of a .tflite file say beside their tensors; slots are positions in ``schema.fbs``."""

from __future__ import annotations

from tfport.compiler.graph import Pads, Pair
from tfport.flat import FlatTable

_ACTIVATIONS = ("none", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit")
_SAME = 0


class Options:
    """Of one node; a table that the file leaves out stands for its defaults."""

    def __init__(self, table: FlatTable | None) -> None:
        self._table = table

    def integer(self, slot: int, default: int = 0) -> int:
        return default if self._table is None else self._table.scalar(slot, "i", default)

    def small(self, slot: int) -> int:
        """A field of one byte: an enumeration or a truth value."""
        return 0 if self._table is None else self._table.scalar(slot, "b")

    def number(self, slot: int) -> float:
        return 0.0 if self._table is None else float(self._table.scalar(slot, "f"))

    def activation(self, slot: int) -> str:
        """The name of the fused activation, "unknown" for one of a later schema."""
        code = self.small(slot)
        return _ACTIVATIONS[code] if 0 <= code < len(_ACTIVATIONS) else "unknown"

    def strides(self) -> Pair:
        """Height and width, which lie the other way round in every operator with a window."""
        return self.integer(2), self.integer(1)

    def pads(self, size: Pair, window: Pair, dilation: Pair) -> Pads:
        """The padding of an operator with a window on a picture of ``size``, as TensorFlow computes it."""
        if self.small(0) != _SAME:
            return Pads()
        pads = []
        for length, stride, taps, step in zip(size, self.strides(), window, dilation):
            reach = (taps - 1) * step + 1
            count = -(-length // max(1, stride))
            total = max(0, (count - 1) * stride + reach - length)
            pads += [total // 2, total - total // 2]
        return Pads(*pads)
