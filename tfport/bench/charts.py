"""What the page's charts show: lengths in per cent of the chart's width, ready to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from tfport.bench.data import load
from tfport.bench.operators import REST, group_of
from tfport.bench.results import Results, Row

# Every operator keeps its colour (page.html.jinja) in every chart.
OPERATORS = (
    "convolution",
    "depthwise convolution",
    "requantisation",
    "concatenate",
    "pooling",
    "softmax",
    "element-wise",
    REST,
)
_TICKS = 5


@dataclass(frozen=True)
class Segment:
    """A piece of a stacked bar."""

    start: float
    width: float
    number: int  # of its colour
    title: str


@dataclass(frozen=True)
class Line:
    """A bar with its label. ``low`` and ``high`` are the ends of the whisker, None without one."""

    label: str
    value: str
    kind: str  # "ours", "peer" or "article"
    width: float
    low: Optional[float] = None
    high: Optional[float] = None
    segments: Sequence[Segment] = ()


@dataclass(frozen=True)
class Chart:
    """Bars on one scale. ``ticks`` and ``mark`` are (place, text)."""

    title: str
    note: str
    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]
    mark: Optional[tuple[float, str]] = None
    measured: bool = False  # whether some of the bars were


def step_of(top: float) -> float:
    """A round step that cuts 0 to ``top`` in at most so many pieces."""
    rough = top / _TICKS if top > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _ticks(top: float) -> list[tuple[float, str]]:
    step = step_of(top)
    return [(100 * k * step / top, f"{k * step:g}") for k in range(int(top / step) + 1)]


def name_of(row: Row) -> str:
    """An engine as the charts name it."""
    return row.engine + (f", {row.threads} threads" if row.threads > 1 else "")


def _timed(row: Row, top: float, label: str) -> Line:
    bar = row.milliseconds
    assert bar is not None
    return Line(
        label,
        f"{bar.likely:.0f} ms ({bar.low:.0f} to {bar.high:.0f})",
        "ours" if row.ours else "peer",
        100 * bar.likely / top,
        100 * bar.low / top,
        100 * bar.high / top,
    )


def by_network(results: Results) -> list[Chart]:
    """For each network and precision, the time of every engine against the deadline."""
    charts = []
    for network, precision in dict.fromkeys((row.network, row.precision) for row in results.rows):
        rows = [
            r for r in results.rows if (r.network, r.precision) == (network, precision) and r.milliseconds
        ]
        if not rows:
            continue
        top = 1.04 * max(results.deadline_ms, *(r.milliseconds.high for r in rows if r.milliseconds))
        lines = [_timed(row, top, name_of(row)) for row in rows]
        mark = (100 * results.deadline_ms / top, f"deadline {results.deadline_ms:g} ms")
        charts.append(Chart(f"{network}, {precision}", "", lines, _ticks(top), mark))
    return charts


def _squeezenets(results: Results, precisions: Sequence[str]) -> list[Row]:
    return [
        row
        for row in results.rows
        if row.network.startswith("squeezenet") and row.precision in precisions and row.milliseconds
    ]


def against_article(results: Results) -> list[Chart]:
    """The article's figures with ours beside them; only those that have one."""
    charts = []
    for figure in load("article.toml")["figure"]:
        rows = _squeezenets(results, figure["precisions"])
        tops = [row.milliseconds.high for row in rows if row.milliseconds]
        top = 1.04 * max([*tops, *(entry["value"] for entry in figure["bars"])])
        lines = [
            Line(f"article: {entry['name']}", f"{entry['value']} ms", "article", 100 * entry["value"] / top)
            for entry in figure["bars"]
        ]
        lines += [_timed(row, top, f"{name_of(row)}, {row.network}, {row.precision}") for row in rows]
        title = f"Figure {figure['number']}: {figure['title']}"
        charts.append(Chart(title, figure["text"], lines, _ticks(top), measured=True))
    return charts


def by_operator(results: Results) -> Optional[Chart]:
    """Stacked bars of those rows that were split up."""
    rows = [row for row in results.rows if row.split and row.milliseconds and row.threads == 1]
    if not rows:
        return None
    top = 1.04 * max(sum(part.milliseconds for part in row.split) for row in rows)
    lines = []
    for row in rows:
        parts = sorted(row.split, key=lambda part: OPERATORS.index(part.operator))
        segments, start = [], 0.0
        for part in parts:
            width = 100 * part.milliseconds / top
            text = f"{part.operator}: {part.milliseconds:.1f} ms"
            segments.append(Segment(start, width, OPERATORS.index(part.operator), text))
            start += width
        whole = sum(part.milliseconds for part in row.split)
        label = f"{row.engine}, {row.network}, {row.precision}"
        lines.append(Line(label, f"{whole:.0f} ms", "ours", start, segments=segments))
    return Chart("Where the time goes", "", lines, _ticks(top))


def groups(results: Results) -> list[dict[str, Any]]:
    """The article's two groups, in milliseconds, of every row that was split up."""
    found = []
    for row in results.rows:
        if not row.split or not row.milliseconds or row.threads > 1:
            continue
        sums: dict[str, float] = {}
        for part in row.split:
            sums[group_of(part.operator)] = sums.get(group_of(part.operator), 0.0) + part.milliseconds
        own = {part.operator: part.milliseconds for part in row.split}
        found.append(
            {
                "label": f"{row.engine}, {row.network}",
                "precision": row.precision,
                "groups": sums,
                "convolution": own.get("convolution", 0.0) + own.get("depthwise convolution", 0.0),
                "requantisation": own.get("requantisation"),
                "all": sum(own.values()),
            }
        )
    return found
