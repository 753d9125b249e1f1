from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.bench_fakes import case, lite_model, results, row
from tfport.bench import accuracy, table
from tfport.bench.page import render
from tfport.errors import NotQuantisable
from tfport.model import Graph, LiteModel, Node, OpUse, Tensor
from tfport.quantise.accuracy import Agreement, Tally
from tfport.quantise.convert import refuse_floats


def scores(*values: float) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    return {"classes": np.array([values], np.float32)}


def test_samples_with_the_same_class_are_counted() -> None:
    tally = Tally()
    tally.add(scores(0.1, 0.9), scores(0.2, 0.8))
    tally.add(scores(0.6, 0.4), scores(0.4, 0.6))
    tally.add(scores(0.5, 0.5), scores(0.4, 0.6))  # equally right
    agreed = tally.sum()
    assert (agreed.samples, agreed.same_top1) == (3, 2)
    noise = 2 * 0.01 + 2 * 0.04 + 2 * 0.01
    assert agreed.sqnr_db == pytest.approx(10 * np.log10((0.82 + 0.52 + 0.5) / noise), abs=0.01)
    assert str(agreed).startswith("top-1 as fp32 66.7 % (2 of 3), signal to noise ")


def test_without_classes_only_the_noise_is_told() -> None:
    tally = Tally()
    picture = {"mask": np.ones((1, 4, 4, 1), np.float32)}
    tally.add(picture, picture)
    assert tally.sum() == Agreement(1, None, None) and str(tally.sum()) == "outputs are equal"
    tally.add(picture, {"mask": picture["mask"] * np.float32(0.9)})
    assert str(tally.sum()) == "signal to noise 23.0 dB"


def model(*uses: tuple[str, str]) -> LiteModel:
    """One op after the other, each with the type of its output."""
    tensors = [Tensor("in", "int8", (1, 4), (1, 4), (0.5,), (0,), 0, 0, False, False)]
    nodes = []
    for number, (_, dtype) in enumerate(uses):
        tensors.append(Tensor(str(number), dtype, (1, 4), (1, 4), (), (), 0, 0, False, False))
        nodes.append(Node(number, (number, -1), (number + 1,)))
    codes = tuple(OpUse(name, 1, False) for name, _ in uses)
    graph = Graph("", tuple(tensors), (0,), (len(uses),), tuple(nodes))
    return LiteModel(Path("m-int8.tflite"), 1, "0" * 64, "", codes, (graph,), (), 0)


def test_ops_that_stay_in_float_are_named() -> None:
    refuse_floats(lite_model(quantised=True), Path("m.keras"))
    refuse_floats(model(("CONV_2D", "int8"), ("ARG_MAX", "int64")), Path("m.keras"))
    mixed = model(("CONV_2D", "int8"), ("DEQUANTIZE", "float32"), ("COS", "float32"), ("QUANTIZE", "int8"))
    with pytest.raises(
        NotQuantisable, match=r"m\.keras does not become int8 as a whole: COS stays"
    ) as caught:
        refuse_floats(mixed, Path("m.keras"))
    assert caught.value.why == "COS (1 node)"
    with pytest.raises(NotQuantisable, match="values stay float"):
        refuse_floats(model(("DEQUANTIZE", "float32")), Path("m.keras"))


def test_a_bench_shows_accuracy_beside_the_speed_of_our_int8() -> None:
    rows = [row("lite"), row("lite", precision="int8"), row("ncnn", precision="int8")]
    found = {"squeezenet-v1.1": Agreement(4, 3, 20.0)}
    made = results(*accuracy.with_accuracy(rows, found))
    place = table.HEAD.index(accuracy.HEAD)
    assert [cells[place] for cells in table.rows(made)] == ["", "75.0 % (3 of 4)", ""]
    assert all(len(cells) == len(table.HEAD) for cells in table.rows(made))
    assert "75.0 % (3 of 4)" in render(made)
    assert made.as_dict()["rows"][1]["accuracy"] == {"samples": 4, "same_top1": 3, "sqnr_db": 20.0}


def test_a_bench_takes_the_accuracy_of_an_sdk_for_its_own_model(tmp_path: Path) -> None:
    it = case("int8")
    told = (
        '{"accuracy": {"folder": "p", "told": "", "samples": 4, "same_top1": 3, "sqnr_db": null}, "model": '
    )
    (tmp_path / "report.json").write_text(
        '{"quantisation": ' + told + f'{{"sha256": "{it.lite.sha256}"}}' + "}}"
    )
    assert accuracy.told_by([tmp_path, tmp_path / "none"], [it]) == {"net": Agreement(4, 3, None)}
    (tmp_path / "report.json").write_text('{"quantisation": ' + told + '{"sha256": "1"}}}')
    assert accuracy.told_by([tmp_path], [it]) == {}
    (tmp_path / "report.json").write_text('{"quantisation": null}')
    assert accuracy.told_by([tmp_path], [it]) == {}
