"""Run programs: the only module that starts processes.

Every program runs in a process group of its own, so that Ctrl-C and time limits end its children too. The
group gets SIGINT first: compilers and ninja then remove their half-written outputs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Optional, TextIO, Union

from tfport.errors import CommandFailed, CommandTimedOut, ProgramMissing

TAIL_LINES = 15
ERROR_LINES = 10
_GRACE_SECONDS = ((signal.SIGINT, 2.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 0.5))
_ERROR_LINE = re.compile(
    r"(?i)(\berror:|\bfatal:|^E:|undefined reference|No space left|^Traceback|\w+(Error|Exception): |FAILED:)"
)
_Line = tuple[str, Optional[str]]  # stream name, line or None at its end
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Completed:
    """What a program left behind; ``seconds`` is wall-clock time."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float


def run(
    argv: Sequence[Union[str, Path]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    log: Path | None = None,
    timeout: float | None = None,
    check: bool = True,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program to its end and return its output as text (UTF-8, bad bytes replaced).

    ``env`` is added to this process's environment; what is None there is taken out of it. ``log`` is
    overwritten with the command line and both streams as they arrive. ``on_line`` gets every line of both
    streams, without its end, in this thread. Without ``stdin`` (bytes) the program reads end of file.
    ``timeout`` is in seconds.

    Raises ``CommandFailed`` on a return code other than 0 (unless ``check`` is false), ``CommandTimedOut``
    and ``ProgramMissing``.
    """
    words = tuple(str(word) for word in argv)
    started = time.monotonic()
    try:
        with _signals_held():
            process = _start(words, cwd, env, stdin is not None)
            _running.add(process)
    except KeyboardInterrupt:
        end_all()
        raise
    chunks: dict[str, list[str]] = {"stdout": [], "stderr": []}
    try:
        with _open_log(log, words, cwd) as sink:
            for name, line in _lines(process, stdin, started, timeout):
                chunks[name].append(line)
                if sink is not None:
                    sink.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\r\n"))
            returncode = _wait(process, started, timeout)
            if sink is not None:
                sink.write(f"\n# returned {returncode} after {time.monotonic() - started:.1f} s\n")
    except _TimeUp:
        end_group(process)
        raise CommandTimedOut(
            f"{_name(words)} did not end within {timeout:g} s: {_quote(words)}",
            _tail("".join(chunks["stdout"]), "".join(chunks["stderr"])),
            f"The whole log: {log}" if log else "",
            argv=words,
            stdout="".join(chunks["stdout"]),
            stderr="".join(chunks["stderr"]),
        ) from None
    except BaseException:
        end_group(process)
        raise
    finally:
        _running.discard(process)
    done = Completed(
        words, returncode, "".join(chunks["stdout"]), "".join(chunks["stderr"]), time.monotonic() - started
    )
    if check and returncode != 0:
        raise failure(done, log)
    return done


def end_all() -> None:
    """End every program that a thread of this process is running: Ctrl-C reaches only the main thread."""
    for process in list(_running):
        end_group(process)


def failure(done: Completed, log: Path | None = None) -> CommandFailed:
    """The error for a program that ended badly: its command, its last meaningful lines, the log's path."""
    return CommandFailed(
        f"{_name(done.argv)} {describe_returncode(done.returncode)}: {_quote(done.argv)}",
        _tail(done.stdout, done.stderr),
        f"The whole log: {log}" if log else "",
        argv=done.argv,
        returncode=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr,
    )


def describe_returncode(returncode: int) -> str:
    """``3`` -> "returned 3"; ``-4`` (and the shell's 132) -> "was killed by SIGILL"."""
    number = -returncode if returncode < 0 else returncode - 128
    if number > 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
    return f"returned {returncode}"


def meaningful_lines(text: str) -> list[str]:
    """The lines that tell why: the first error lines, then the last lines, none of them twice."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    tail_start = max(0, len(lines) - TAIL_LINES)
    errors = [line for line in lines[:tail_start] if _ERROR_LINE.search(line)][:ERROR_LINES]
    return [*errors, "...", *lines[tail_start:]] if errors else lines[tail_start:]


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all its group: SIGINT, then SIGTERM, then SIGKILL; returns when they are gone."""
    for number, grace in _GRACE_SECONDS:
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        limit = time.monotonic() + grace
        try:
            while time.monotonic() < limit and _group_alive(process):
                time.sleep(0.02)
        except KeyboardInterrupt:  # a second Ctrl-C: no more patience
            continue
        if not _group_alive(process):
            break
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)


class _TimeUp(Exception):
    pass


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Put off SIGINT and SIGTERM: between a program's start and the note of its number they would lose it."""
    arrived: list[int] = []
    held: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if callable(signal.getsignal(number)):
                held[number] = signal.signal(number, lambda which, _: arrived.append(which))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    if arrived:
        signal.raise_signal(arrived[0])


def _environment(changes: Mapping[str, str | None] | None) -> dict[str, str]:
    return {name: value for name, value in {**os.environ, **(changes or {})}.items() if value is not None}


def _start(
    words: tuple[str, ...], cwd: Path | None, env: Mapping[str, str | None] | None, feed: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=_environment(env),
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        if cwd is not None and not Path(cwd).is_dir():
            raise CommandFailed(
                f"{_name(words)} cannot start: the folder {cwd} is missing", argv=words
            ) from None
        if error.errno not in (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR):
            raise
        raise ProgramMissing(
            f"The program {words[0]} cannot be run ({error.strerror})",
            "It is not installed, or not on the PATH.",
            "`python3 build.py doctor` lists what is missing and how to get it.",
            argv=words,
            returncode=127,
        ) from None


@contextlib.contextmanager
def _open_log(log: Path | None, words: tuple[str, ...], cwd: Path | None) -> Iterator[TextIO | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", errors="replace", buffering=1) as sink:
        sink.write(f"$ {_quote(words)}\n" + (f"# in {cwd}\n" if cwd else "") + "\n")
        yield sink


def _lines(
    process: subprocess.Popen[bytes], stdin: bytes | None, started: float, timeout: float | None
) -> Iterator[tuple[str, str]]:
    """Yield (stream, line) in order of arrival until both streams are closed."""
    arrived: queue.Queue[_Line] = queue.Queue()

    def pump(name: str, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for raw in stream:
                arrived.put((name, raw.decode("utf-8", "replace")))
        arrived.put((name, None))

    def feed(stream: IO[bytes], data: bytes) -> None:
        with contextlib.suppress(OSError):  # a program may end without reading its input
            stream.write(data)
        with contextlib.suppress(OSError):
            stream.close()

    assert process.stdout is not None and process.stderr is not None
    workers = [
        threading.Thread(target=pump, args=("stdout", process.stdout), daemon=True),
        threading.Thread(target=pump, args=("stderr", process.stderr), daemon=True),
    ]
    if stdin is not None and process.stdin is not None:
        workers.append(threading.Thread(target=feed, args=(process.stdin, stdin), daemon=True))
    for worker in workers:
        worker.start()
    still_open = 2
    while still_open:
        remaining = None if timeout is None else timeout - (time.monotonic() - started)
        if remaining is not None and remaining <= 0:
            raise _TimeUp
        try:
            name, line = arrived.get(timeout=remaining)
        except queue.Empty:
            raise _TimeUp from None
        if line is None:
            still_open -= 1
        else:
            yield name, line
    for worker in workers[:2]:
        worker.join()
    process.stdout.close()
    process.stderr.close()


def _wait(process: subprocess.Popen[bytes], started: float, timeout: float | None) -> int:
    try:
        return process.wait(None if timeout is None else max(0.01, timeout - (time.monotonic() - started)))
    except subprocess.TimeoutExpired:
        raise _TimeUp from None


def _group_alive(process: subprocess.Popen[bytes]) -> bool:
    process.poll()  # reaps the leader, which would otherwise keep the group alive as a zombie
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tail(stdout: str, stderr: str) -> str:
    if not stderr.strip():
        return "\n".join(meaningful_lines(stdout))
    errors = [line.rstrip() for line in stdout.splitlines() if _ERROR_LINE.search(line)][:ERROR_LINES]
    return "\n".join([*errors, *meaningful_lines(stderr)])


def _name(words: tuple[str, ...]) -> str:
    return Path(words[0]).name


def _quote(words: tuple[str, ...]) -> str:
    text = " ".join(shlex.quote(word) for word in words)
    return text if len(text) <= 2000 else text[:1900] + f" ... ({len(words)} words)"
