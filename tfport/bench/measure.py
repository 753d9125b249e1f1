"""One row: run, compare, and only then count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Optional

from tfport.bench import cycles as model
from tfport.bench.cases import Case, multiply_adds
from tfport.bench.engines import Engine, Prepared
from tfport.bench.operators import REST, group_of, read_symbols, split
from tfport.bench.profile import Profile, T, inference, run
from tfport.bench.results import FAILED, LEFT_OUT, OK, WRONG, Bar, Part, Row
from tfport.errors import TfportError
from tfport.target import Target


@dataclass(frozen=True)
class Counted:
    """What was counted of an engine with a case; the same for any number of threads."""

    once: Profile
    start_up: float
    parts: tuple[Part, ...]
    twin: float


class Bench:
    """Measures engines on cases; ``profiler`` from ``build_counter``."""

    def __init__(self, target: Target, deadline_ms: float, profiler: Path) -> None:
        self.target, self.deadline_ms, self.profiler = target, deadline_ms, profiler
        self._counted: dict[tuple[int, str, str], Counted] = {}

    def row(self, engine: Engine, case: Case, threads: int) -> Row:
        """Measure. An engine that fails or is wrong gets a row that says so, without figures."""
        row = Row(engine.name, engine.version, engine.ours, case.network, case.precision, threads, LEFT_OUT)
        why = engine.refuses(case, threads)
        if why:
            return replace(row, note=why)
        try:
            prepared = engine.prepare(case)
            first: Optional[tuple[Profile, float]] = None
            if threads > 1:
                ran = prepared.run(threads, 1, "")
            else:
                once, start_up, ran = self._inference(partial(prepared.run, 1), prepared)
                first = (once, start_up)
            differences, problems = prepared.judge(ran.outputs)
            row = replace(
                row,
                difference="; ".join(str(each) for each in differences),
                worst=max((each.worst for each in differences), default=0.0),
            )
            if problems:
                return replace(row, state=WRONG, note="; ".join(problems))
            counted = self._count(engine, case, prepared, first)
        except TfportError as error:
            return replace(
                row, state=FAILED, note=": ".join(part for part in (error.what, error.why) if part)
            )
        row = replace(
            row,
            state=OK,
            multiply_adds=multiply_adds(case.lite),
            instructions=counted.once.counts(),
            split=counted.parts,
            split_instructions=counted.twin,
            memory=ran.memory,
            program_bytes=prepared.program_bytes,
            start_up_instructions=counted.start_up,
            kernels=ran.kernels,
            note=""
            if counted.parts or not engine.ours
            else "not split by operator: there is no unstripped twin",
        )
        return self._modelled(row)

    def _count(
        self, engine: Engine, case: Case, prepared: Prepared, first: Optional[tuple[Profile, float]]
    ) -> Counted:
        """``first``: an inference and all but it on one thread, if they are counted already."""
        key = (id(engine), case.network, case.precision)  # two SDKs can be of one runtime
        if key in self._counted:
            return self._counted[key]
        once, start_up = first or self._inference(partial(prepared.run, 1), prepared)[:2]
        if prepared.idle is not None:
            start_up -= run(prepared.idle, self.profiler)[0].counts()["total"]
        parts: tuple[Part, ...] = ()
        twin = once
        if prepared.symbols is not None:
            if prepared.twin is not None:
                twin, _, _ = self._inference(prepared.twin, prepared)
            parts = self._parts(twin, prepared.symbols, case)
        self._counted[key] = Counted(once, start_up, parts, twin.counts()["total"])
        return self._counted[key]

    def _inference(self, program: Callable[[int, str], T], prepared: Prepared) -> tuple[Profile, float, T]:
        # The plugin cannot see a board without an operating system look at its clock.
        timed = self.target.board is None
        return inference(program, self.profiler, timed, prepared.clock)

    def _parts(self, profile: Profile, symbols: Path, case: Case) -> tuple[Part, ...]:
        made = []
        for operator, counts in split(profile, read_symbols(symbols), case.quantised).items():
            spent = model.likely(counts, case.precision) if model.models(self.target.cpu.core) else 0.0
            time = spent / self.target.cpu.clock_mhz / 1e3
            made.append(Part(operator, group_of(operator), counts["total"], spent, time))
        return tuple(made)

    def _modelled(self, row: Row) -> Row:
        if not model.models(self.target.cpu.core):
            return row
        cycles = model.modelled(row.instructions, row.precision)
        time = cycles.milliseconds(self.target.cpu.clock_mhz)
        if row.threads > 1:
            time = shared(time, row.threads, serial_share(row))
        return replace(
            row,
            cycles=Bar(**asdict(cycles)),
            milliseconds=Bar(**asdict(time)),
            verdict=model.verdict(time, self.deadline_ms),
        )


def serial_share(row: Row) -> Optional[float]:
    """The share of an inference that no operator's threads share; None where that is not known."""
    total = sum(part.cycles for part in row.split)
    return sum(part.cycles for part in row.split if part.operator == REST) / total if total else None


def shared(time: model.Cycles, threads: int, serial: Optional[float]) -> model.Cycles:
    """The time on several threads, between a perfect division and none at all.

    The modelled figure divides what operators do and leaves the rest to one thread.
    """
    share = 1.0 if serial is None else serial + (1.0 - serial) / threads
    return model.Cycles(time.low / threads, time.likely * share, time.high)
