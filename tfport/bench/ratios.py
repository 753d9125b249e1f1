"""How ours stand to the peers, and int8 to fp32: quotients of rows on one thread that came out right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

from tfport.bench.results import Results, Row

HEAD = ("network", "precision", "compared", "instructions", "modelled cycles")
Line = tuple[str, ...]


def lines(results: Results) -> list[Line]:
    """The fastest of ours over each peer; then fp32 over int8 of each engine: above 1, int8 is faster."""
    good = [row for row in results.rows if row.ok and row.threads == 1]
    made: list[Line] = []
    for network, precision in dict.fromkeys((row.network, row.precision) for row in good):
        here = [row for row in good if (row.network, row.precision) == (network, precision)]
        best = min((row for row in here if row.ours), key=_total, default=None)
        for peer in here:
            if best is not None and not peer.ours:
                made.append((network, precision, f"{best.engine} / {peer.engine}", *_quotients(best, peer)))
    for row in good:
        twins = (
            o for o in good if (o.engine, o.network) == (row.engine, row.network) and o.precision == "int8"
        )
        int8 = next(twins, None)
        if row.precision == "fp32" and int8 is not None:
            made.append((row.network, "fp32 / int8", row.engine, *_quotients(row, int8)))
    return made


def _total(row: Row) -> float:
    return row.instructions["total"]


def _likely(row: Row) -> Optional[float]:
    return row.cycles.likely if row.cycles else None


def _quotients(one: Row, other: Row) -> Sequence[str]:
    return _quotient(_total, one, other), _quotient(_likely, one, other)


def _quotient(figure: Callable[[Row], Optional[float]], one: Row, other: Row) -> str:
    above, below = figure(one), figure(other)
    return f"{above / below:.2f}" if above is not None and below else ""
