from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bench_fakes import FakeEngine, case, row
from tfport.bench.cases import multiply_adds
from tfport.bench.cycles import Cycles
from tfport.bench.engines import Prepared
from tfport.bench.measure import Bench, serial_share, shared
from tfport.errors import EmulatorFailed
from tfport.target import load_target


def bench(deadline_ms: float = 500.0) -> Bench:
    return Bench(load_target("zuluko"), deadline_ms, Path("p.so"))


def test_a_row_is_one_inference_without_start_up() -> None:
    engine = FakeEngine()
    made = bench().row(engine, case(), 1)
    assert made.state == "ok"
    assert made.instructions == {
        "total": 4000,
        "float_multiply_add_quad": 2000,
        "requantise": 0,
        "load": 1000,
        "other": 1000,
    }
    assert made.start_up_instructions == 100
    assert made.cycles is not None
    assert made.cycles.likely == 2000 * 4 + 2000 * 3
    assert made.milliseconds is not None
    assert made.milliseconds.likely == pytest.approx(0.014)
    assert (made.verdict, made.memory, made.program_bytes) == ("kept", {"heap_bytes": 5}, 1234)
    assert engine.runs == 1


def test_a_board_is_measured_by_the_difference_of_two_runs() -> None:
    engine = FakeEngine()
    made = Bench(load_target("zuluko-baremetal"), 500.0, Path("p.so")).row(engine, case(), 1)
    assert (made.instructions["total"], made.start_up_instructions, engine.runs) == (4000, 100, 2)


def test_what_an_interpreter_costs_is_no_start_up_of_the_engine() -> None:
    assert bench().row(FakeEngine(idle_blocks=60), case(), 1).start_up_instructions == 40


def test_a_wrong_result_voids_the_row_before_anything_is_counted() -> None:
    engine = FakeEngine(scores=(0.7, 0.1, 0.1, 0.1))
    made = bench().row(engine, case(), 1)
    assert (made.state, made.instructions, made.cycles, made.verdict) == ("wrong", {}, None, "")
    assert "off by 0.6" in made.note
    assert engine.runs == 1


def test_a_foreign_quantisation_must_choose_the_same_class() -> None:
    quantised = case("int8", want=(0.0, 1.0, 0.0, 0.0))
    assert quantised.judge_foreign([[0.05, 0.95, 0.0, 0.0]])[1] == []  # type: ignore[list-item]
    assert len(quantised.judge_foreign([[0.6, 0.4, 0.0, 0.0]])[1]) == 2  # type: ignore[list-item]
    near = case("int8", want=(0.5, 0.5, 0.0, 0.0))
    assert near.judge_foreign([[0.5, 0.45, 0.0, 0.0]])[1] == []  # type: ignore[list-item]


def test_a_result_of_another_size_is_wrong() -> None:
    assert case().judge_foreign([[0.1, 0.7]]) == ([], ["gives 2 scores, the reference 4"])  # type: ignore[list-item]


def test_fp32_in_a_foreign_form_is_held_to_the_same_tolerance() -> None:
    [difference], problems = case().judge_foreign([[0.1, 0.7002, 0.1, 0.1]])  # type: ignore[list-item]
    assert difference.limit == pytest.approx(1e-4)
    assert problems


def test_an_engine_that_refuses_or_fails_says_so_in_its_row() -> None:
    made = bench().row(FakeEngine(refusal="peers are measured on one thread"), case(), 4)
    assert (made.state, made.note) == ("left out", "peers are measured on one thread")

    class Failing(FakeEngine):
        def prepare(self, case: object) -> Prepared:
            raise EmulatorFailed("it left no result", "killed by SIGILL")

    made = bench().row(Failing(), case(), 1)
    assert (made.state, made.note) == ("failed", "it left no result: killed by SIGILL")


def test_several_threads_reuse_the_count_of_one_and_share_the_time() -> None:
    engine, measuring = FakeEngine(), bench()
    one, four = measuring.row(engine, case(), 1), measuring.row(engine, case(), 4)
    assert engine.runs == 2
    assert four.instructions == one.instructions
    assert one.milliseconds is not None and four.milliseconds is not None
    assert four.milliseconds.low == pytest.approx(one.milliseconds.low / 4)
    assert four.milliseconds.high == one.milliseconds.high


def test_what_no_operator_does_stays_on_one_thread() -> None:
    share = serial_share(row("lite"))
    assert share == pytest.approx(6 / 570)
    assert shared(Cycles(4, 8, 12), 4, 0.5) == Cycles(1, 5, 12)
    assert serial_share(row("ncnn")) is None
    assert shared(Cycles(4, 8, 12), 4, None) == Cycles(1, 8, 12)


def test_without_a_cost_model_of_the_core_there_are_no_times() -> None:
    measuring = Bench(load_target("zuluko-vfpv3"), 500.0, Path("p.so"))
    made = measuring.row(FakeEngine(), case(), 1)
    assert (made.state, made.cycles, made.milliseconds, made.verdict) == ("ok", None, None, "")
    assert made.instructions["total"] == 4000


def test_multiply_adds_are_what_the_graph_states() -> None:
    assert multiply_adds(case().lite) == 2 * 2 * 4 * (2 * 2 * 3) + 2 * 2 * 4 * 9
