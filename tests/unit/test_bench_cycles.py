from __future__ import annotations

import re

import pytest

from tfport.bench.cycles import Cycles, costs, modelled, verdict
from tfport.emulator import PLUGINS


def test_every_class_that_is_counted_has_its_cost_and_its_source() -> None:
    header = (PLUGINS / "insn_class.h").read_text(encoding="utf-8")
    names = re.findall(r'"(\w+)"', header[header.index("kNames") : header.index("StartsWith")])
    table = costs()["class"]
    assert set(names) == set(table)
    for entry in table.values():
        assert set(entry) == {"fp32", "int8", "low", "high", "source"}
        assert 0 < entry["low"] <= entry["high"]
        assert entry["source"]


def test_the_fit_is_the_published_one() -> None:
    """4 cycles for each multiply-add of four lanes and 3 for anything else; 2 and 2.5 in int8 code."""
    fp32 = modelled({"total": 30, "float_multiply_add_quad": 10, "load": 15, "branch": 5}, "fp32")
    assert fp32.likely == 10 * 4 + 20 * 3
    int8 = modelled(
        {"total": 30, "integer_multiply_add_long": 6, "integer_multiply_long": 4, "load": 20}, "int8"
    )
    assert int8.likely == 10 * 2 + 20 * 2.5


def test_the_bar_holds_the_fits_error_and_the_pipelines_bounds() -> None:
    only = modelled({"total": 100, "float_multiply_add_quad": 100}, "fp32")
    assert only == Cycles(pytest.approx(340), 400, pytest.approx(460))
    loads = modelled({"total": 100, "load": 100}, "fp32")
    assert loads.low == 50
    assert loads.high == pytest.approx(345)


@pytest.mark.parametrize(
    ("bar", "said"), [((100, 200, 499), "kept"), ((501, 600, 700), "missed"), ((400, 450, 501), "open")]
)
def test_the_deadline_is_judged_by_the_whole_bar(bar: tuple[float, float, float], said: str) -> None:
    assert verdict(Cycles(*bar), 500) == said


def test_milliseconds_follow_from_the_clock() -> None:
    assert Cycles(1e6, 2e6, 4e6).milliseconds(1000) == Cycles(1, 2, 4)
    assert Cycles(1e6, 2e6, 4e6).milliseconds(500).likely == 4
