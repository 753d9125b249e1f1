"""A bench for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from tfport.bench import accuracy
from tfport.bench.cycles import models
from tfport.bench.results import OK, Bar, Results, Row

HEAD = (
    "network", "precision", "engine", "threads", "Minstr", "per MAC quad", "Mcycles*", "ms*", "deadline*",
    "against TensorFlow", accuracy.HEAD, "heap", "program", "start-up",
)  # fmt: skip
SPLIT_HEAD = ("network", "precision", "engine", "operator", "Minstr", "of all", "ms*")


def rows(results: Results) -> list[tuple[str, ...]]:
    """One line for each row, void rows with their reason."""
    return [_row(row) for row in results.rows]


def _row(row: Row) -> tuple[str, ...]:
    head = (row.network, row.precision, f"{row.engine} {row.version}", str(row.threads))
    if row.state != OK:
        return (*head, row.state.upper(), "", "", "", "", row.note, "", "", "", "")
    total = row.instructions["total"]
    return (
        *head,
        f"{total / 1e6:.1f}",
        f"{per_quad(row):.2f}",
        bar(row.cycles, 1e6),
        bar(row.milliseconds, 1),
        row.verdict,
        row.difference.split(": ")[-1],
        accuracy.cell(row),
        size(heap(row)),
        size(row.program_bytes),
        f"{row.start_up_instructions / 1e6:.1f} M",
    )


def per_quad(row: Row) -> float:
    """Instructions for each four multiply-adds that the graph states."""
    return 4 * row.instructions["total"] / row.multiply_adds if row.multiply_adds else 0.0


def heap(row: Row) -> int:
    """What the engine had on the heap: the most of it where that is counted, else what it held at the end."""
    return row.memory.get("heap_high_water_bytes", row.memory.get("heap_bytes", 0))


def split_rows(results: Results) -> list[tuple[str, ...]]:
    """One line for each operator of each row that was split up."""
    lines: list[tuple[str, ...]] = []
    for row in results.rows:
        whole = sum(part.instructions for part in row.split)
        for part in row.split:
            lines.append(
                (
                    row.network,
                    row.precision,
                    row.engine,
                    part.operator,
                    f"{part.instructions / 1e6:.2f}",
                    f"{100 * part.instructions / whole:.1f} %",
                    f"{part.milliseconds:.1f}" if row.milliseconds else "",
                )
            )
    return lines


def footnotes(results: Results) -> Sequence[str]:
    """What has to be said below the table."""
    if not models(results.core):
        return (f"no times: the cost model is of another core than {results.core}", *results.left_out)
    return (
        f"* modelled for {results.core} at {results.clock_mhz} MHz, not measured: figure (low to high)",
        f"  deadline {results.deadline_ms:g} ms: kept or missed if the whole bar is on that side, else open",
        *results.left_out,
    )


def bar(value: Optional[Bar], unit: float) -> str:
    """``650 (460 to 760)``."""
    if value is None:
        return ""
    return f"{value.likely / unit:.0f} ({value.low / unit:.0f} to {value.high / unit:.0f})"


def size(count: int) -> str:
    """Bytes in MB."""
    return f"{count / 1e6:.2f} MB" if count else ""
