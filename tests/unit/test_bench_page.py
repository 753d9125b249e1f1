from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.unit.bench_fakes import results, row
from tfport.bench import charts, page, ratios, table
from tfport.bench.results import Bar, Results


class Checker(HTMLParser):
    """Every tag is closed, and nothing is fetched from anywhere."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href"}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def whole() -> Results:
    return results(
        row("lite"),
        row("lite", precision="int8"),
        row("ncnn"),
        row(
            "ncnn", precision="int8", state="wrong", note="chooses class <5>", cycles=None, milliseconds=None
        ),
        row("lite", network="mobilenet-v1"),
        left_out=["tflite-runtime is left out: it cannot be had"],
    )


def test_the_page_stands_alone() -> None:
    text = page.render(whole())
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert "script" not in checker.tags
    assert "http" not in text.replace("http-equiv", "")


def test_the_page_says_what_is_void_and_what_is_left_out() -> None:
    text = page.render(whole())
    assert "wrong: chooses class &lt;5&gt;" in text
    assert "tflite-runtime is left out" in text
    assert "modelled" in text


def test_the_articles_figures_stand_beside_ours() -> None:
    second, third = charts.against_article(whole())
    assert [line.value for line in second.lines[:2]] == ["420 ms", "320 ms"]
    assert [line.kind for line in second.lines] == ["article", "article", "ours", "peer"]
    assert [line.label for line in third.lines[2:]] == [
        "lite, squeezenet-v1.1, fp32",
        "lite, squeezenet-v1.1, int8",
        "ncnn, squeezenet-v1.1, fp32",
    ]


def test_bars_are_lengths_of_one_scale() -> None:
    chart = charts.by_network(results(row("lite"), row("ncnn")))[0]
    line = chart.lines[0]
    assert line.low is not None and line.high is not None
    assert line.low / line.width == pytest.approx(460 / 650)
    assert line.high == pytest.approx(100 / 1.04)
    assert chart.mark is not None
    assert chart.mark[0] / line.width == pytest.approx(500 / 650)


def test_segments_fill_a_stacked_bar_in_the_order_of_the_legend() -> None:
    chart = charts.by_operator(whole())
    assert chart is not None
    segments = chart.lines[0].segments
    assert [segment.number for segment in segments] == sorted(segment.number for segment in segments)
    assert segments[-1].start + segments[-1].width == pytest.approx(chart.lines[0].width)


def test_the_groups_are_those_of_the_article() -> None:
    first = charts.groups(whole())[0]
    assert first["groups"] == {"convolution, ReLU, concatenate": 540, "pooling, softmax": 24, "rest": 6}
    assert (first["convolution"], first["requantisation"], first["all"]) == (500, 40, 570)


@pytest.mark.parametrize(("top", "step"), [(1000, 200), (520, 200), (499, 100), (0.9, 0.2), (7, 2)])
def test_ticks_are_round(top: float, step: float) -> None:
    assert charts.step_of(top) == pytest.approx(step)


def test_a_page_without_any_good_row_is_still_a_page() -> None:
    bad = row("lite", state="failed", note="x", cycles=None, milliseconds=None, split=())
    text = page.render(results(bad))
    assert "failed: x" in text


def test_another_core_has_counts_and_no_times() -> None:
    counted = replace(results(row("lite", cycles=None, milliseconds=None, verdict="")), core="cortex-a9")
    text = page.render(counted)
    assert "There are no times" in text
    assert "Beside the article" not in text
    assert "cortex-a9" in table.footnotes(counted)[0]
    assert table.rows(counted)[0][4] == "190.0"


def test_the_table_shows_reasons_in_place_of_figures() -> None:
    lines = table.rows(whole())
    assert all(len(line) == len(table.HEAD) for line in lines)
    assert lines[0][4:8] == ("190.0", "2.16", "650 (460 to 750)", "650 (460 to 750)")
    assert "WRONG" in lines[3]
    assert "chooses class <5>" in lines[3]


def test_ours_stand_beside_the_peers_and_int8_beside_fp32() -> None:
    slow = row("tensorflow", ours=True, instructions={"total": 300e6})
    fast = row("ncnn", instructions={"total": 95e6}, cycles=Bar(1, 325e6, 2))
    int8 = row("lite", precision="int8", instructions={"total": 152e6}, cycles=Bar(1, 260e6, 2))
    void = row("tflite-runtime", state="wrong", instructions={}, cycles=None, milliseconds=None)
    assert ratios.lines(results(row("lite"), slow, fast, void, int8)) == [
        ("squeezenet-v1.1", "fp32", "lite / ncnn", "2.00", "2.00"),
        ("squeezenet-v1.1", "fp32 / int8", "lite", "1.25", "2.50"),
    ]


def test_results_are_plain_data() -> None:
    data = json.loads(json.dumps(whole().as_dict()))
    assert data["schema"] == 1
    assert data["rows"][0]["milliseconds"]["likely"] == 650
    assert "milliseconds" in data["modelled"]


def test_every_cell_names_its_column_for_narrow_screens() -> None:
    void = row("ncnn", state="failed", note="no result")
    made = page.render(results(row("lite"), row("lite", precision="int8"), void))
    cells = re.findall(r"<td[^>]*>", made)
    assert len(cells) > 30
    assert all('data-column="' in cell and 'data-column=""' not in cell for cell in cells)
