"""tfport-run on the target's CPU under QEMU: results, errors and broken models."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.e2e.mutants import mutants
from tests.e2e.support import Sdk
from tfport.inputs import seeded_input

pytestmark = pytest.mark.e2e
EMULATOR = "qemu-arm"


class Board:
    """Where the program under test lies."""

    program = Path()


@pytest.fixture(scope="module", autouse=True)
def _board(sdk_all: Sdk) -> None:
    Board.program = sdk_all.runner


@dataclass
class Done:
    """How a run ended; ``report`` is the JSON, ``outputs`` the arrays by index."""

    code: int
    report: dict[str, Any]
    outputs: list[npt.NDArray[Any]]


def run(model: Path, *arguments: str, output: Path | None = None, cpu: str = "cortex-a7") -> Done:
    argv = [EMULATOR, "-cpu", cpu, str(Board.program), str(model), "--json", *arguments]
    if output is not None:
        argv += ["--output", str(output)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    report = json.loads(done.stdout)
    outputs = []
    if output is not None and done.returncode == 0:
        files = [output / entry["file"] for entry in report["outputs"]]
        outputs = [np.load(file) for file in files if file.suffix == ".npy"]
    return Done(done.returncode, report, outputs)


def reference(model: Path, seed: int = 0) -> list[npt.NDArray[Any]]:
    """What host TensorFlow's reference kernels make of the seeded input."""
    import tensorflow as tf

    kind = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(str(model), experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    for index, detail in enumerate(interpreter.get_input_details()):
        shape = tuple(int(dim) for dim in detail["shape"])
        interpreter.set_tensor(
            detail["index"], seeded_input(seed, index, shape, np.dtype(detail["dtype"]).name)
        )
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


@pytest.mark.parametrize("name", ["conv", "conv_int8", "hybrid", "lstm", "types"])
@pytest.mark.parametrize("arguments", [(), ("--no-xnnpack",), ("--threads", "4")])
def test_matches_the_host(models: Path, tmp_path: Path, name: str, arguments: tuple[str, ...]) -> None:
    model = models / f"{name}.tflite"
    done = run(model, "--seed", "3", *arguments, output=tmp_path)
    assert done.code == 0
    for got, want in zip(done.outputs, reference(model, 3)):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        if want.dtype == np.int8:
            assert np.abs(got.astype(int) - want.astype(int)).max() <= 1
        elif want.dtype.kind in "fc":
            tolerance = 1e-2 if name == "hybrid" else 1e-4
            assert np.abs(got - want).max() <= tolerance * max(1.0, np.abs(want).max())
        else:
            assert np.array_equal(got, want)


def test_report(models: Path) -> None:
    model = models / "conv.tflite"
    report = run(model, "--repeat", "3", "--warmup", "1", "--threads", "2").report
    assert report["model"] == str(model)
    assert (report["runtime"], report["version"], report["target"]) == ("lite", "2.14.1", "zuluko")
    assert report["threads"] == 2 and len(report["seconds_per_inference"]) == 3
    assert report["xnnpack"] and 0 < report["delegated_nodes"] <= report["nodes"]
    assert any("gemm" in kernel for kernel in report["kernels"])
    assert all("cortex_a75" not in kernel for kernel in report["kernels"])
    assert [(i["dtype"], i["shape"]) for i in report["inputs"]] == [("float32", [1, 32, 32, 3])]
    assert [(o["dtype"], o["shape"]) for o in report["outputs"]] == [("float32", [1, 10])]
    assert report["model_bytes"] == model.stat().st_size
    assert 0 < report["arena_bytes"] < report["heap_high_water_bytes"] < 5_000_000
    assert 0 < report["packed_weights_bytes"] < report["heap_high_water_bytes"]
    assert report["mapped_model_bytes"] % 4096 == 0


def test_without_xnnpack(models: Path) -> None:
    report = run(models / "conv.tflite", "--no-xnnpack").report
    assert (report["xnnpack"], report["delegated_nodes"], report["kernels"]) == (False, 0, [])


def test_input_from_a_file(models: Path, tmp_path: Path) -> None:
    model = models / "conv.tflite"
    np.save(tmp_path / "in.npy", seeded_input(9, 0, (1, 32, 32, 3), "float32"))
    name = run(model).report["inputs"][0]["name"]
    given = run(model, "--input", f"{name}={tmp_path}/in.npy", output=tmp_path / "a")
    seeded = run(model, "--seed", "9", output=tmp_path / "b")
    assert np.array_equal(given.outputs[0], seeded.outputs[0])


def test_signatures_and_dynamic_shapes(models: Path, tmp_path: Path) -> None:
    model = models / "signatures.tflite"
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "n.npy", np.int32(3))
    inputs = ("--input", f"x={tmp_path}/x.npy", "--input", f"n={tmp_path}/n.npy")
    done = run(model, "--signature", "loop", *inputs, output=tmp_path / "loop")
    assert done.code == 0
    results = dict(zip((o["name"] for o in done.report["outputs"]), done.outputs))
    assert np.array_equal(results["y"], x * 8 + 7) and results["count"] == 3
    assert [i["shape"] for i in done.report["inputs"] if i["name"] == "x"] == [[5, 3]]

    np.save(tmp_path / "d.npy", np.array([1, 2, 3], np.float32))
    argument = f"d={tmp_path}/d.npy"
    done = run(
        model, "--signature", "accumulate", "--input", argument, "--repeat", "2", output=tmp_path / "sum"
    )
    assert done.code == 0
    assert done.outputs[0].tolist() == [2, 4, 6]


def test_strings(models: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.array([b"one", b"\xff\xfe", "drei\u20ac".encode()]))
    np.save(tmp_path / "i.npy", np.array([2, 1], np.int32))
    inputs = ("--input", f"s={tmp_path}/s.npy", "--input", f"i={tmp_path}/i.npy")
    done = run(models / "strings.tflite", *inputs, output=tmp_path / "out")
    assert done.code == 0
    entry = done.report["outputs"][0]
    content = json.loads((tmp_path / "out" / entry["file"]).read_text(encoding="utf-8"))
    assert content["shape"] == [2] and content["dtype"] == "string"
    back = [text.encode("utf-8", "surrogateescape") for text in content["data"]]
    assert back == ["drei\u20ac".encode(), b"\xff\xfe"]


def failure(done: Done, code: int) -> str:
    assert done.code == code
    assert done.report["error"]["code"] == code
    return str(done.report["error"]["message"])


def test_models_that_cannot_be_read(models: Path, tmp_path: Path) -> None:
    whole = (models / "conv.tflite").read_bytes()
    assert "No such file" in failure(run(tmp_path / "missing.tflite"), 3)
    assert "not a file" in failure(run(tmp_path), 3)
    broken = tmp_path / "broken.tflite"
    for content in (b"", b"TFL", whole[:100], whole[: len(whole) // 2], whole[:-1], b"\0" * 4096, whole[1:]):
        broken.write_bytes(content)
        assert str(broken) in failure(run(broken), 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no model"),
        (("a.tflite", "b.tflite"), "one model"),
        (("a.tflite", "--threads", "0"), "--threads"),
        (("a.tflite", "--threads"), "--threads"),
        (("a.tflite", "--input", "x.npy"), "NAME=FILE.npy"),
        (("a.tflite", "--fast"), "--fast"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [EMULATOR, "-cpu", "cortex-a7", Board.program, *words], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and "--help" in done.stderr


def test_missing_ops_are_all_named(models: Path) -> None:
    message = failure(run(models / "custom.tflite"), 4)
    assert "'Igamma'" in message and "'Cumprod'" in message


def test_inputs_that_do_not_fit(models: Path, tmp_path: Path) -> None:
    model = models / "conv.tflite"
    name = run(model).report["inputs"][0]["name"]

    def feed(array: npt.NDArray[Any], to: str = name) -> str:
        np.save(tmp_path / "in.npy", array)
        return failure(run(model, "--input", f"{to}={tmp_path}/in.npy"), 5)

    assert f"'{name}'" in feed(np.zeros((1, 32, 32, 3), np.float32), "other")
    message = feed(np.zeros((1, 32, 32, 3), np.float64))
    assert "float32" in message and "float64" in message and name in message
    message = feed(np.zeros((1, 32, 32), np.float32))
    assert "[1, 32, 32]" in message and "32, 3]" in message
    assert "Fortran" in feed(np.asfortranarray(np.zeros((1, 32, 32, 3), np.float32)))
    assert "No such file" in failure(run(model, "--input", f"{name}={tmp_path}/none.npy"), 5)
    assert "loop" in failure(run(models / "signatures.tflite", "--signature", "lop"), 5)


def test_a_cpu_that_lacks_a_feature_is_named(models: Path) -> None:
    message = failure(run(models / "conv.tflite", cpu="cortex-a9"), 7)
    assert "VFPv4" in message and "divide" in message and "NEON" not in message
    assert "NEON" in failure(run(models / "conv.tflite", cpu="cortex-a7,neon=off"), 7)


def _end(model: Path) -> str:
    argv = [EMULATOR, "-cpu", "cortex-a7", str(Board.program), str(model)]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "hang"
    return {0: "ran", 3: "refused", 4: "op", 5: "input", 6: "failed"}.get(
        done.returncode, f"code {done.returncode}"
    )


@pytest.mark.full
@pytest.mark.parametrize("name", ["conv", "conv_int8", "hybrid", "lstm"])
def test_corrupted_models_never_crash_or_hang(models: Path, tmp_path: Path, name: str) -> None:
    data = (models / f"{name}.tflite").read_bytes()
    paths = []
    for index, mutant in enumerate(mutants(data, 250)):
        paths.append(tmp_path / f"{index}.tflite")
        paths[-1].write_bytes(mutant)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = Counter(pool.map(_end, paths))
    assert set(ends) <= {"ran", "refused", "op", "input", "failed"}, ends
    assert sum(count for end, count in ends.items() if end != "refused") >= 50, ends
