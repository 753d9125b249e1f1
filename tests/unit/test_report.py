from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from rich.console import Console

from tfport.conan import RecipeEvent
from tfport.errors import TfportError
from tfport.report import Reporter
from tfport.summary import built_rows, sizes, smoke_rows


def reporter(*, terminal: bool = False) -> tuple[Reporter, io.StringIO]:
    text = io.StringIO()
    return Reporter(console=Console(file=text, force_terminal=terminal, width=120, no_color=True)), text


def run(**changes: Any) -> dict[str, Any]:
    difference = {"name": "out", "rule": "float", "worst": 2.5e-7, "limit": 1e-4}
    return {
        "model": "squeezenet-float32",
        "input": "chelsea.png",
        "ok": True,
        "label": "Egyptian cat",
        "top_class": 285,
        "score": 0.4254,
        "seconds": 1.5,
        "differences": [difference],
        **changes,
    }


def data() -> dict[str, Any]:
    return {
        "sdk": "dist/zuluko/lite",
        "target": {"name": "zuluko"},
        "operators": {"summary": "153 builtin, 4 custom"},
        "sizes": {"lib/libtensorflow-lite.a": 4_200_000},
        "check": {"code_size": 3_000_000, "data_size": 90},
        "build": {"up_to_date": False, "recipes": [{"state": "built"}, {"state": "cached"}]},
        "smoke": {
            "runs": [run(), run(seconds=2.0)],
            "ops": [],
            "counts": [{"model": "squeezenet-float32", "per_inference": {"total": 187.04e6}}],
            "skipped": ["face: reason"],
        },
        "reference": True,
        "seconds": {"build": 300.0},
    }


def test_one_row_for_all_runs_of_a_model_on_an_input() -> None:
    worse = run(ok=False, differences=[{"rule": "float", "worst": 0.5}, {"rule": "steps", "worst": 3.0}])
    assert smoke_rows({"runs": [run(), worse], "ops": []}) == [
        (
            "squeezenet-float32",
            "chelsea.png",
            "Egyptian cat 0.425",
            "0.5, 3 steps",
            "1/2",
            "3.0 s",
        )
    ]


def test_runs_that_disagree_show_both_classes() -> None:
    [row] = smoke_rows({"runs": [run(), run(label="espresso")], "ops": []})
    assert row[2] == "Egyptian cat / espresso"


def test_nothing_to_compare_and_no_classes() -> None:
    [row] = smoke_rows({"runs": [run(differences=[], top_class=None, label="", score=None)], "ops": []})
    assert row[2:4] == ("-", "-")
    assert smoke_rows(None) == []


def test_op_by_op_is_a_row_of_its_own() -> None:
    ops = {
        "model": "m",
        "input": "a.png",
        "xnnpack": True,
        "worst_steps": 1.0,
        "worst_op": "ADD (node 3)",
        "ok": True,
        "ops": 40,
        "seconds": 1,
    }
    assert smoke_rows({"runs": [], "ops": [ops]})[0][1:5] == (
        "a.png, op by op, XNNPACK on",
        "40 ops",
        "1 steps (ADD (node 3))",
        "1/1",
    )


def test_built_rows_tell_what_was_made() -> None:
    rows = dict(built_rows(data()))  # type: ignore[arg-type]
    assert rows["lib/libtensorflow-lite.a"] == "4.20 MB" and rows["code and data"] == "3.00 MB and 90 B"
    assert rows["built"].startswith("1 of 2 recipes")
    assert rows["squeezenet-float32, one thread"] == "187.0 million instructions"
    assert "compared with" not in rows
    without = {**data(), "reference": False, "build": {"up_to_date": True, "recipes": []}, "check": {}}
    rows = dict(built_rows(without))  # type: ignore[arg-type]
    assert "--no-reference" in rows["compared with"] and rows["built"] == "nothing to do"


def test_final_shows_the_cat(tmp_path: Path) -> None:
    for terminal in (False, True):
        out, text = reporter(terminal=terminal)
        out.final(data())
        assert "Egyptian cat 0.425" in text.getvalue() and "skipped: face: reason" in text.getvalue()


def test_an_error_has_three_parts_and_no_markup_is_lost() -> None:
    out, text = reporter()
    out.error(TfportError("what [/x]", "why\nmore", "hint [y]"))
    assert text.getvalue().splitlines() == ["error: what [/x]", "  why", "  more", "hint: hint [y]"]


def test_without_a_terminal_every_event_is_a_line() -> None:
    out, text = reporter()
    with out.recipes():
        out.recipe(RecipeEvent("abseil/1", "started", 1, 2, 0.0, Path("x")))
        out.recipe(RecipeEvent("abseil/1", "built", 1, 2, 14.2, Path("x")))
        out.recipe(RecipeEvent("eigen/5", "cached", 2, 2, 0.0, Path("x")))
    with out.downloads() as progress:
        task = progress.start("a.tar", 2_000_000)
        task.advance(1_500_000)
        task.advance(500_000)
        task.done()
    with out.progress("Smoke test") as report:
        report(0, 0, "first")
        report(1, 3, "model, picture")
    assert text.getvalue().splitlines() == [
        "[1/2] abseil/1: ...",
        "[1/2] abseil/1: built in 14 s",
        "[2/2] eigen/5: from the cache",
        "fetched a.tar (2.0 MB, 0 s)",
        "Smoke test first",
        "Smoke test [1/3] model, picture",
    ]


def test_bars_on_a_terminal_do_not_fail() -> None:
    out, text = reporter(terminal=True)
    with out.recipes():
        out.recipe(RecipeEvent("abseil/1", "started", 1, 2, 0.0, Path("x")))
        out.recipe(RecipeEvent("abseil/1", "built", 1, 2, 14.2, Path("x")))
    with out.downloads() as progress:
        task = progress.start("a.tar", None)
        task.advance(5)
        task.advance(-5)
        task.done()
    with out.progress("Smoke test") as report:
        report(1, 3, "x")
    assert "built in 14 s" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue())


def test_sizes_of_the_files_that_matter(tmp_path: Path) -> None:
    for name in ("lib/a.a", "bin/tfport-run", "include/x.h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("12")
    assert sizes(tmp_path) == {"bin/tfport-run": 2, "lib/a.a": 2}
