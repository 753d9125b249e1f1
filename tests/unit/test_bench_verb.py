from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.unit.bench_fakes import FakeEngine, case
from tfport import cli
from tfport.bench import verb
from tfport.bench.verb import BenchRequest, bench, parse_deadline
from tfport.errors import BenchFailed, CalibrationInvalid, ModelMissing, UnknownTarget
from tfport.locks import hold
from tfport.report import Reporter


@pytest.mark.parametrize(("text", "ms"), [("500ms", 500), ("0.5s", 500), ("2s", 2000), ("33.3ms", 33.3)])
def test_a_deadline_has_its_unit(text: str, ms: float) -> None:
    assert parse_deadline(text) == pytest.approx(ms)


@pytest.mark.parametrize("text", ["500", "0ms", "-1ms", "ms", "1h", "1e3ms", ""])
def test_other_deadlines_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 500ms"):
        parse_deadline(text)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A bench without SDKs, host TensorFlow and peers: ``engines`` and ``peers`` stand for them."""
    parts: dict[str, Any] = {"engines": [FakeEngine()], "peers": ([], []), "text": io.StringIO()}
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(verb, "ROOT", tmp_path)
    monkeypatch.setattr(verb.reference, "require", lambda: "2.14.1")
    monkeypatch.setattr(verb, "provide", lambda *words, **more: None)
    monkeypatch.setattr(verb, "_sdks", lambda *words: parts["engines"])
    monkeypatch.setattr(verb, "make_cases", lambda *words: [case()])
    monkeypatch.setattr(verb, "build_counter", lambda *words: Path("p.so"))
    monkeypatch.setattr(verb.peers, "available", lambda *words: parts["peers"])
    monkeypatch.setattr(verb.accuracy, "agreements", lambda *words: parts.setdefault("agreed", {}))
    parts["reporter"] = Reporter(console=Console(file=parts["text"], width=200))
    return parts


def test_a_bench_leaves_table_json_and_page(stage: dict[str, Any], tmp_path: Path) -> None:
    stage["peers"] = ([FakeEngine(name="peer", ours=False)], ["ncnn is left out: no network"])
    request = BenchRequest(output=tmp_path / "out", command="bench")
    data = bench(request, stage["reporter"])
    assert [(row["engine"], row["state"]) for row in data["rows"]] == [("fake", "ok"), ("peer", "ok")]
    written = json.loads((tmp_path / "out" / "zuluko-engines.json").read_text())
    assert written["rows"][0]["instructions"]["total"] == 4000
    page = (tmp_path / "out" / "zuluko-engines.html").read_text()
    for text in (page, stage["text"].getvalue()):
        assert "ncnn is left out: no network" in text
        assert "modelled" in text


def test_the_same_bench_twice_is_the_same(stage: dict[str, Any], tmp_path: Path) -> None:
    bench(BenchRequest(output=tmp_path / "a"), stage["reporter"])
    bench(BenchRequest(output=tmp_path / "b"), stage["reporter"])
    name = "zuluko-engines.json"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_tree_runs_one_bench_at_a_time(stage: dict[str, Any], tmp_path: Path) -> None:
    other = contextlib.ExitStack()
    other.enter_context(hold(tmp_path / "build" / "bench" / ".lock", "", pytest.fail))
    threading.Timer(0.3, other.close).start()
    started = time.monotonic()
    bench(BenchRequest(output=tmp_path / "out"), stage["reporter"])
    assert time.monotonic() - started > 0.2
    assert "Another bench runs in this tree; waiting for it." in stage["text"].getvalue()


def test_no_peers_asks_for_none(
    stage: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb.peers, "available", lambda *words: pytest.fail("asked"))
    bench(BenchRequest(output=tmp_path, peers=False), stage["reporter"])


def test_a_wrong_engine_of_ours_fails_the_bench_after_the_report(
    stage: dict[str, Any], tmp_path: Path
) -> None:
    stage["engines"] = [FakeEngine(scores=(0.7, 0.1, 0.1, 0.1))]
    with pytest.raises(BenchFailed) as caught:
        bench(BenchRequest(output=tmp_path), stage["reporter"])
    assert "fake, net fp32" in caught.value.why
    assert (tmp_path / "zuluko-engines.html").is_file()


def test_a_wrong_peer_only_loses_its_row(stage: dict[str, Any], tmp_path: Path) -> None:
    stage["peers"] = ([FakeEngine(name="peer", ours=False, scores=(0.7, 0.1, 0.1, 0.1))], [])
    data = bench(BenchRequest(output=tmp_path), stage["reporter"])
    assert [row["state"] for row in data["rows"]] == ["ok", "wrong"]


def test_unknown_names_are_refused_before_anything_starts(stage: dict[str, Any]) -> None:
    with pytest.raises(ModelMissing) as caught:
        bench(BenchRequest(models=("resnet",)), stage["reporter"])
    assert "squeezenet-v1.0" in caught.value.why
    with pytest.raises(UnknownTarget):
        bench(BenchRequest(target="zuluku"), stage["reporter"])


def test_a_folder_for_accuracy_is_looked_at_before_anything_starts(
    stage: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "provide", lambda *words, **more: pytest.fail("started"))
    with pytest.raises(CalibrationInvalid, match="There is no folder"):
        bench(BenchRequest(accuracy=tmp_path / "none"), stage["reporter"])


def test_the_words_of_the_command_line_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[BenchRequest] = []
    monkeypatch.setattr(cli, "run_bench", lambda request, reporter: (asked.append(request), {})[1])
    words = [
        "bench",
        "--model",
        "mobilenet-v1",
        "--model",
        "mobilenet-v1",
        "--threads",
        "4",
        "--quantize",
        "int8",
    ]
    assert (
        cli.main(
            [*words, "--deadline", "0.1s", "--no-peers", "--sdk", "dist/x", "--offline", "--accuracy", "p"]
        )
        == 0
    )
    assert cli.main(["bench"]) == 0
    assert asked[0].models == ("mobilenet-v1",)
    assert (asked[0].threads, asked[0].precisions, asked[0].deadline_ms) == ((4,), ("int8",), 100)
    assert (asked[0].peers, asked[0].sdks, asked[0].offline) == (False, (Path("dist/x"),), True)
    assert asked[0].accuracy == Path("p")
    assert asked[1] == BenchRequest(command="bench")
    with pytest.raises(SystemExit):
        cli.main(["bench", "--deadline", "soon"])
