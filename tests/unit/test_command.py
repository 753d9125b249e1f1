from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tfport.command import describe_returncode, meaningful_lines, run
from tfport.errors import CommandFailed, CommandTimedOut, ProgramMissing

PYTHON = sys.executable


def python(code: str) -> list[str]:
    return [PYTHON, "-c", code]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_returns_both_streams_apart_and_the_code() -> None:
    done = run(python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert done.seconds > 0


def test_large_output_on_both_streams_does_not_block() -> None:
    done = run(python("import sys\nfor i in range(20000): print('x' * 80); print('y' * 80, file=sys.stderr)"))
    assert len(done.stdout) == len(done.stderr) == 20000 * 81


def test_failure_shows_command_last_lines_and_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "step.log"
    code = (
        "import sys\nprint('a.cc:1: error: no such type')\nfor i in range(99): print('noise', i)\nsys.exit(3)"
    )
    with pytest.raises(CommandFailed) as caught:
        run(python(code), log=log)
    error = caught.value
    assert error.returncode == 3
    assert "returned 3" in error.what and "sys.exit(3)" in error.what
    assert "error: no such type" in error.why and "noise 98" in error.why and "noise 5\n" not in error.why
    assert str(log) in error.hint
    assert "noise 5\n" in log.read_text() and "# returned 3" in log.read_text()


def test_unchecked_failure_is_returned() -> None:
    assert run(python("raise SystemExit(7)"), check=False).returncode == 7


def test_death_by_signal_is_named() -> None:
    with pytest.raises(CommandFailed, match="was killed by SIGILL"):
        run(python("import os, signal; os.kill(os.getpid(), signal.SIGILL)"))
    assert describe_returncode(132) == "was killed by SIGILL"
    assert describe_returncode(3) == "returned 3"


def test_missing_program_has_its_own_error() -> None:
    with pytest.raises(ProgramMissing, match="no-such-program"):
        run(["no-such-program"])


def test_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"folder .* is missing"):
        run(python(""), cwd=tmp_path / "gone")


def test_environment_is_added_to_ours() -> None:
    done = run(
        python("import os; print(os.environ['TFPORT_X'], 'PATH' in os.environ)"), env={"TFPORT_X": "1"}
    )
    assert done.stdout == "1 True\n"


def test_what_is_none_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPORT_X", "1")
    done = run(python("import os; print('TFPORT_X' in os.environ)"), env={"TFPORT_X": None})
    assert done.stdout == "False\n"


def test_stdin_bytes_reach_the_program_and_may_be_ignored() -> None:
    assert run(python("import sys; print(len(sys.stdin.read()))"), stdin=b"z" * 200000).stdout == "200000\n"
    assert run(python("pass"), stdin=b"z" * 200000).returncode == 0
    assert run(python("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_bad_bytes_are_replaced() -> None:
    assert run(python("import sys; sys.stdout.buffer.write(b'\\xff\\n')")).stdout == "\ufffd\n"


def test_lines_arrive_while_the_program_runs() -> None:
    seen: list[tuple[str, float]] = []
    run(
        python("import time; print('one', flush=True); time.sleep(0.5); print('two')"),
        on_line=lambda line: seen.append((line, time.monotonic())),
    )
    assert [line for line, _ in seen] == ["one", "two"]
    assert seen[1][1] - seen[0][1] > 0.3


def test_time_limit_kills_the_whole_group(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(CommandTimedOut, match=r"within 0\.5 s"):
        run(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"], timeout=0.5)
    assert time.monotonic() - started < 10
    assert not alive(int(pid_file.read_text()))


def test_interrupt_kills_the_whole_group(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"])
    assert not alive(int(pid_file.read_text()))


def test_meaningful_lines_keep_early_errors() -> None:
    text = "\n".join(["x.c:1:2: fatal error: y.h", *(f"line {n}" for n in range(50))])
    lines = meaningful_lines(text)
    assert lines[0] == "x.c:1:2: fatal error: y.h" and lines[1] == "..." and lines[-1] == "line 49"
    assert meaningful_lines("only\n\n") == ["only"]
