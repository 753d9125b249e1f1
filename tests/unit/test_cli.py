from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfport import cli
from tfport.errors import BundleIncomplete, DiskFull, TfportError, UnknownTarget
from tfport.plan import Plan, Request
from tfport.report import Reporter
from tfport.sums import SUMS, sums_of, sums_text

ROOT = Path(__file__).resolve().parents[2]
Seen = list[Request]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The requests that reach the pipeline, which does nothing."""
    requests: Seen = []

    def plan(request: Request) -> Any:
        requests.append(request)
        return type("NoPlan", (), {"rows": lambda self: [("target", request.target)]})()

    monkeypatch.setattr(cli, "make_plan", plan)
    monkeypatch.setattr(cli, "build", lambda plan, reporter: {"built": True})
    monkeypatch.setattr(cli, "smoke_again", lambda plan, reporter: {"smoked": True})
    return requests


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(plan: Plan, reporter: Reporter) -> None:
        raise error

    monkeypatch.setattr(cli, "build", fail)


def test_build_is_the_verb_when_none_is_given(seen: Seen) -> None:
    assert cli.main(["--target", "zuluko"]) == cli.main(["build", "--target", "zuluko"]) == 0
    assert seen[0] == seen[1] == Request("zuluko")


def test_every_option_arrives(seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--target", "t", "--model", "a.tflite", "--model", "b.tflite", "--input", "x=y=1.npy"]
    words += ["--output", "out", "--jobs", "3", "--offline", "--no-reference", "--install-deps"]
    words += ["--compiler-launcher", "none"]
    assert cli.main(words) == 0
    assert seen == [
        Request(
            target="t",
            models=(tmp_path / "a.tflite", tmp_path / "b.tflite"),
            inputs=(("x=y", tmp_path / "1.npy"),),
            output=Path("out"),
            reference=False,
            install_deps=True,
            offline=True,
            jobs=3,
            launcher="none",
        )
    ]


def test_a_build_may_take_packages_of_a_server(seen: Seen) -> None:
    assert cli.main(["--target", "t", "--remote", "https://conan.example.com"]) == 0
    assert seen == [Request("t", remote="https://conan.example.com")]


def test_publish_takes_the_options_of_a_build(
    seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    monkeypatch.setattr(cli, "publish", lambda plan, url, reporter: urls.append(url) or {})
    words = ["publish", "--target", "t", "--model", str(tmp_path / "a"), "--remote", "http://c"]
    assert cli.main(words) == 0
    assert seen == [Request("t", models=(tmp_path / "a",), remote="http://c")] and urls == ["http://c"]
    with pytest.raises(SystemExit):
        cli.main(["publish", "--target", "t"])


def test_bundle_may_leave_the_reference_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, bool]] = []

    def make(output: Path, home: Path, reporter: Reporter, *, reference: bool) -> dict[str, str]:
        asked.append((output, reference))
        return {}

    monkeypatch.setattr(cli, "make_bundle", make)
    assert cli.main(["bundle", "--output", "b"]) == 0
    assert cli.main(["bundle", "--output", "b", "--no-reference"]) == 0
    assert asked == [(Path("b"), True), (Path("b"), False)]


def test_a_bundle_is_checked_before_there_is_a_plan(
    seen: Seen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--target", "t", "--offline", "--bundle", str(tmp_path)]) == BundleIncomplete.exit_code
    assert seen == [] and "is no bundle" in capsys.readouterr().out
    (tmp_path / "a").write_text("a file")
    (tmp_path / SUMS).write_text(sums_text(sums_of(tmp_path)))
    assert cli.main(["--target", "t", "--offline", "--bundle", str(tmp_path)]) == 0
    assert seen == [Request("t", offline=True, bundle=tmp_path)]


def test_the_options_of_the_core_runtime_arrive(seen: Seen, tmp_path: Path) -> None:
    words = ["--target", "t", "--runtime", "tensorflow", "--ops", "all", "--model", str(tmp_path / "saved")]
    assert cli.main(words) == 0
    assert seen == [Request("t", runtime="tensorflow", ops="all", models=(tmp_path / "saved",))]


def test_bench_takes_a_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cli, "bench_build", lambda *words: asked.append(words) or {})
    monkeypatch.setattr(cli, "tfport_home", lambda: tmp_path)
    assert cli.main(["bench", "build", "--target", "zuluko", "--runtime", "tensorflow", "--model", "/m"]) == 0
    assert cli.main(["bench", "build", "--target", "zuluko"]) == 0
    assert [(*words[:3], words[4]) for words in asked] == [
        ("zuluko", [Path("/m")], tmp_path, "tensorflow"),
        ("zuluko", [], tmp_path, "lite"),
    ]


def test_fetch_needs_no_target(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "make_plan", lambda request: (seen.append(request), SourcePlan())[1])
    monkeypatch.setattr(cli, "fetch_all", lambda plan, reporter: None)
    assert cli.main(["fetch", "--offline"]) == 0
    assert seen[0].offline


class SourcePlan:
    """A plan of which only the cache is asked."""

    class cache:  # noqa: N801
        root = Path("cache")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--target"],
        ["--target", "t", "--jobs", "0"],
        ["--target", "t", "--jobs", "two"],
        ["--target", "t", "--input", "no-name"],
        ["--target", "t", "--nonsense"],
        ["--target", "t", "--runtime", "torch"],
        ["--target", "t", "--ops", "some"],
        ["--targ", "t"],
        ["frobnicate"],
    ],
)
def test_wrong_usage_ends_with_2(seen: Seen, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2 and seen == []
    assert "error:" in capsys.readouterr().err


def test_the_plan_comes_before_the_work(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, TfportError("it failed"))
    cli.main(["--target", "zuluko"])
    text = capsys.readouterr().out
    assert 0 <= text.index("Plan") < text.index("it failed")


def test_json_has_stdout_to_itself(seen: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--target", "zuluko", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"built": True} and "Plan" in captured.err


def test_an_error_has_its_exit_code_and_no_traceback(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, UnknownTarget("what", "why", "hint"))
    assert cli.main(["--target", "x", "--json"]) == UnknownTarget.exit_code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"] == {
        "kind": "UnknownTarget",
        "exit_code": UnknownTarget.exit_code,
        "what": "what",
        "why": "why",
        "hint": "hint",
    }
    assert "Traceback" not in captured.err and "hint: hint" in captured.err
    cli.main(["--target", "x", "--debug"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted"),
        (KeyboardInterrupt(int(signal.SIGTERM)), 143, "Interrupted"),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull.exit_code, "No space is left"),
        (OSError(errno.EACCES, "Permission denied"), 70, "Permission denied"),
        (ZeroDivisionError("oops"), 70, "ZeroDivisionError: oops"),
    ],
)
def test_other_endings(
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    failing(monkeypatch, error)
    assert cli.main(["--target", "x"]) == code
    assert said in capsys.readouterr().out


def test_every_error_class_has_a_code_of_its_own() -> None:
    def all_of(kind: type[TfportError]) -> set[type[TfportError]]:
        return {kind}.union(*(all_of(each) for each in kind.__subclasses__()))

    kinds = {kind for kind in all_of(TfportError) if kind.__module__ == "tfport.errors"}
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert not {0, 2, 24, 70, 130} & set(codes) and max(codes) < 126


def test_the_exit_code_reaches_the_shell() -> None:
    words = [sys.executable, "-m", "tfport.cli", "--target", "zuluk", "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == UnknownTarget.exit_code
    assert json.loads(done.stdout)["error"]["hint"] == "Did you mean --target zuluko?"


def test_a_closed_pipe_is_no_traceback() -> None:
    line = f"{sys.executable} -m tfport.cli list | true"
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_termination_reaches_the_children(tmp_path: Path) -> None:
    """SIGTERM to tfport ends a program that it runs, and its exit code tells so."""
    code = (
        "import sys; from tfport import cli, command\n"
        "cli.make_plan = lambda r: type('P', (), {'rows': lambda s: []})()\n"
        f"cli.build = lambda p, r: command.run(['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 600'])\n"
        "sys.exit(cli.main(['--target', 'x']))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = _wait_for(lambda: (tmp_path / "pid").read_text().strip())
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 143
    assert not Path(f"/proc/{pid}").exists()


def _wait_for(get: Callable[[], str]) -> str:
    import time

    for _ in range(1200):  # starting Python takes long while both cores compile
        try:
            if get():
                return get()
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"nothing came in 60 s in process {os.getpid()}")


def test_new_target_needs_a_cpuinfo(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new-target", "mine"]) == 19
    assert cli.main(["doctor", "--ldd-version", "ldd.txt"]) == 19
    assert "--cpuinfo" in capsys.readouterr().out


def test_verify_tells_what_is_no_packed_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "sdk.zip"]) == 80
    assert "Traceback" not in capsys.readouterr().out


def test_pack_takes_a_folder_or_a_target_and_not_both() -> None:
    for words in ([], ["--sdk", "a", "--target", "zuluko"]):
        with pytest.raises(SystemExit):
            cli.main(["pack", *words])
