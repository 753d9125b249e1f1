"""An engine, a case and results for the tests of ``tfport.bench``, without an emulator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfport.bench.cases import Case
from tfport.bench.engines import Prepared, Ran
from tfport.bench.results import Bar, Part, Results, Row
from tfport.inputs import Array
from tfport.model import Graph, LiteModel, Node, OpUse, Tensor

CLASSES = ("float_multiply_add_quad", "requantise", "load", "other")


def tensor(name: str, shape: tuple[int, ...], dtype: str = "float32", scale: float = 0.0) -> Tensor:
    scales, zeros = ((scale,), (0,)) if scale else ((), ())
    return Tensor(name, dtype, shape, shape, scales, zeros, 0, 0, False, False)


def lite_model(path: Path = Path("net.tflite"), quantised: bool = False) -> LiteModel:
    """A convolution of 2 x 2 x 3 to four channels, and a depthwise one of 3 x 3."""
    dtype, scale = ("int8", 0.5) if quantised else ("float32", 0.0)
    tensors = (
        tensor("in", (1, 4, 4, 3), dtype, scale),
        tensor("w", (4, 2, 2, 3), dtype, scale),
        tensor("mid", (1, 2, 2, 4), dtype, scale),
        tensor("d", (1, 3, 3, 4), dtype, scale),
        tensor("out", (1, 4), dtype, scale),
    )
    nodes = (Node(0, (0, 1), (2,)), Node(1, (2, 3), (2,)))
    ops = (OpUse("CONV_2D", 1, False), OpUse("DEPTHWISE_CONV_2D", 1, False))
    return LiteModel(path, 1, "0" * 64, "", ops, (Graph("", tensors, (0,), (4,), nodes),), (), 0)


def case(precision: str = "fp32", want: Sequence[float] = (0.1, 0.7, 0.1, 0.1)) -> Case:
    quantised = precision == "int8"
    lite = lite_model(quantised=quantised)
    scores: Array = np.array([want], dtype=np.float32)
    if quantised:
        scores = np.rint(scores / 0.5).astype(np.int8)
    inputs = {"in": np.zeros((1, 4, 4, 3), dtype=lite.inputs[0].dtype)}
    return Case("net", precision, lite, inputs, (("in", Path("in.npy")),), {"out0": scores})


def write_profile(plugin: str, blocks: Sequence[Sequence[int]]) -> None:
    """What block_profile.c leaves."""
    if plugin:
        out = Path(plugin.split("out=")[1].split(",")[0])
        out.write_text(json.dumps({"classes": CLASSES, "blocks": blocks}))


@dataclass
class FakeEngine:
    """100 blocks of start-up, then 1000 for each inference: two multiply-adds, one load, one other each."""

    scores: Sequence[float] = (0.1, 0.7, 0.1, 0.1)
    name: str = "fake"
    version: str = "1"
    ours: bool = True
    refusal: str = ""
    idle_blocks: int = 0
    runs: int = 0

    def refuses(self, case: Case, threads: int) -> str:
        return self.refusal

    def prepare(self, case: Case) -> Prepared:
        def run(threads: int, rounds: int, plugin: str) -> Ran:
            self.runs += 1
            write_profile(plugin, [[0x1000, 100, 0, 0, 0, 0, 1], [0x2000, 1000 * rounds, 1000, 2, 0, 1, 1]])
            return Ran([np.array([self.scores], dtype=np.float32)], {"heap_bytes": 5})

        def idle(plugin: str) -> None:
            write_profile(plugin, [[0x1000, self.idle_blocks, 0, 0, 0, 0, 1]])

        return Prepared(run, case.judge, 1234, idle if self.idle_blocks else None)


def row(engine: str, network: str = "squeezenet-v1.1", precision: str = "fp32", **more: object) -> Row:
    """A good row with two operators."""
    parts = (
        Part("convolution", "convolution, ReLU, concatenate", 150e6, 500e6, 500.0),
        Part("requantisation", "convolution, ReLU, concatenate", 10e6, 40e6, 40.0),
        Part("pooling", "pooling, softmax", 8e6, 24e6, 24.0),
        Part("rest", "rest", 2e6, 6e6, 6.0),
    )
    values: dict[str, object] = {
        "ours": engine == "lite",
        "state": "ok",
        "difference": "out (float32): off by 2e-06, 0.0001 allowed",
        "multiply_adds": 352_000_000,
        "instructions": {"total": 190e6, "load": 100e6, "other": 90e6},
        "cycles": Bar(460e6, 650e6, 750e6),
        "milliseconds": Bar(460.0, 650.0, 750.0),
        "verdict": "open",
        "split": parts if engine == "lite" else (),
        "memory": {"heap_high_water_bytes": 9_985_300},
        "program_bytes": 2_341_552,
        "start_up_instructions": 30e6,
        **more,
    }
    return Row(engine, "2.14.1", network=network, precision=precision, threads=1, **values)  # type: ignore[arg-type]


def results(*rows: Row, left_out: Sequence[str] = ()) -> Results:
    return Results("zuluko", "cortex-a7", 1000, 500.0, "bench", rows, left_out)
