"""`build.py bench` with the real emulator and the real peers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Sdk, home, tfport
from tfport.catalogue import Shelf
from tfport.host import Host
from tfport.target import Target

pytestmark = [pytest.mark.e2e, pytest.mark.full]


PEERS = ("ncnn", "tflite-runtime", "libarm-compute")


def bench(folder: Path, sdk: Sdk, *arguments: object) -> dict[str, Any]:
    """The rows of a bench by (engine, precision)."""
    words = ("bench", "--sdk", sdk.folder, "--output", folder, "--model", "squeezenet-v1.1", *arguments)
    done = tfport(*words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    data = json.loads((folder / "zuluko-engines.json").read_text(encoding="utf-8"))
    assert data["left_out"] == []
    return {(row["engine"], row["precision"]): row for row in data["rows"]}


def test_peers_compute_the_same_and_counts_repeat(sdk_all: Sdk, tmp_path: Path) -> None:
    first, second = (bench(tmp_path / name, sdk_all) for name in ("first", "second"))
    assert set(first) == {
        (engine, precision) for engine in ("lite", *PEERS) for precision in ("fp32", "int8")
    }
    for key, row in first.items():
        assert row["state"] == "ok", row["note"]
        assert row["instructions"] == second[key]["instructions"]
        bar = row["milliseconds"]
        assert bar["low"] < bar["likely"] < bar["high"]
    # Upstream leaves XNNPACK off for this machine type; ncnn has Winograd, as we do.
    for of in (lambda row: row["instructions"]["total"], lambda row: row["cycles"]["likely"]):
        figures = {key: of(row) for key, row in first.items()}
        assert figures["lite", "fp32"] <= 1.1 * figures["ncnn", "fp32"]
        assert figures["lite", "fp32"] <= 0.55 * figures["tflite-runtime", "fp32"]
        assert figures["lite", "int8"] <= 1.25 * figures["ncnn", "int8"]
        assert figures["lite", "fp32"] <= 0.6 * figures["libarm-compute", "fp32"]
    page = (tmp_path / "first" / "zuluko-engines.html").read_text(encoding="utf-8")
    assert "420 ms" in page and "320 ms" in page


def test_operators_add_up_and_int8_requantises(sdk_all: Sdk, tmp_path: Path) -> None:
    rows = bench(tmp_path, sdk_all, "--no-peers")
    for row in rows.values():
        parts = {part["operator"]: part["instructions"] for part in row["split"]}
        assert sum(parts.values()) == pytest.approx(row["split_instructions"])
        assert row["split_instructions"] == pytest.approx(row["instructions"]["total"], rel=0.01)
        assert parts["convolution"] > 0.85 * row["instructions"]["total"]
        assert ("requantisation" in parts) == (row["precision"] == "int8")
        assert {"pooling", "softmax", "concatenate"} <= set(parts)
    # Winograd's transform leaves a quarter of the multiplications of 3x3 convolutions.
    direct = rows["lite", "fp32"]["multiply_adds"] / 4
    assert 0.5 * direct < rows["lite", "fp32"]["instructions"]["float_multiply_add_quad"] < 0.7 * direct


def test_several_threads_run_and_share_the_time(sdk_all: Sdk, tmp_path: Path) -> None:
    rows = bench(tmp_path, sdk_all, "--no-peers", "--quantize", "fp32", "--threads", "4")
    row = rows["lite", "fp32"]
    assert row["threads"] == 4
    assert row["milliseconds"]["likely"] < row["cycles"]["likely"] / 1e6 / 2


def test_compiled_models_are_measured_as_one_engine(zuluko: Target, shelf: Shelf, tmp_path: Path) -> None:
    host = Host(home() / "models", tmp_path / "host.log")
    sdks = []
    for form in ("squeezenet-float32", "squeezenet-int8"):
        path = host.converted(next(m for m in shelf.catalogue.models if m.form == form), shelf)
        host.work()
        done = tfport("--target", "zuluko", "--output", tmp_path / form, "--runtime", "acl", "--model", path)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        sdks.append(Sdk(tmp_path / form, zuluko, "tfport-acl"))
    rows = bench(tmp_path, sdks[0], "--sdk", sdks[1].folder, "--no-peers")
    assert set(rows) == {("acl", "fp32"), ("acl", "int8")}
    for (_, precision), row in rows.items():
        assert row["state"] == "ok", row["note"]
        parts = {part["operator"]: part["instructions"] for part in row["split"]}
        total = row["instructions"]["total"]
        assert parts["convolution"] > 0.7 * total and parts["rest"] < 0.1 * total
        assert ("requantisation" in parts) == (precision == "int8")
        assert row["start_up_instructions"] > 0 and row["memory"]["arena_bytes"] > 0
    # The library multiplies floats by its own assembly, directly; for bytes it has none on this architecture.
    direct = rows["acl", "fp32"]["multiply_adds"] / 4
    assert rows["acl", "fp32"]["instructions"]["float_multiply_add_quad"] >= direct
