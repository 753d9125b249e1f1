"""All that a person sees: the plan, progress, errors, the final table.

With a terminal rich draws bars; without one every event is a plain line. With ``--json`` all of this goes to
stderr and stdout carries one JSON object.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Optional

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from tfport.conan import RecipeEvent
from tfport.errors import TfportError
from tfport.sources import Progress as SourceProgress
from tfport.sources import Task
from tfport.summary import built_rows, smoke_rows

_PLAIN_WIDTH = 160


class Reporter:
    """Output to one console; ``to_stderr`` keeps stdout free for JSON."""

    def __init__(self, *, to_stderr: bool = False, console: Optional[Console] = None) -> None:
        self.console = console or Console(stderr=to_stderr, highlight=False, soft_wrap=False)
        if not self.console.is_terminal and console is None:
            # A log file has no width; a table cut to 80 columns would lose paths.
            self.console = Console(stderr=to_stderr, highlight=False, width=_PLAIN_WIDTH)
        self._bar: Optional[Progress] = None
        self._task: Optional[TaskID] = None

    @property
    def live(self) -> bool:
        """Whether bars can be drawn."""
        return self.console.is_terminal

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(escape(text), soft_wrap=True)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; without a terminal, rows of plain text."""
        if not rows:
            return
        table = Table(title=title, title_justify="left", show_header=any(head), box=None, pad_edge=False)
        if self.live:
            table = Table(title=title, title_justify="left", show_header=any(head))
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print(table)

    def plan(self, rows: Sequence[tuple[str, str]]) -> None:
        """The whole plan, before anything starts."""
        self.table("Plan", ("", ""), rows)

    def final(self, data: Mapping[str, Any]) -> None:
        """What was built, and what the smoke test found."""
        self.table(f"Built for {data['target']['name']}", ("", ""), built_rows(data))
        head = ("model", "input", "top-1", "difference", "passed", "emulated")
        self.table("Smoke test", head, smoke_rows(data["smoke"]))
        for line in (data["smoke"] or {}).get("skipped", []):
            self.say(f"skipped: {line}")

    def error(self, error: TfportError) -> None:
        """An error's three parts."""
        self.console.print(f"[bold red]error:[/] {escape(error.what)}", soft_wrap=True)
        for line in error.why.splitlines():
            self.console.print(f"  {escape(line)}", soft_wrap=True)
        if error.hint:
            self.console.print(f"[bold]hint:[/] {escape(error.hint)}", soft_wrap=True)

    def recipe(self, event: RecipeEvent) -> None:
        """One recipe begins or ends."""
        place = f"[{event.index}/{event.total}] {event.reference}"
        if self._bar is not None and self._task is not None:
            done = event.index - (event.state == "started")
            self._bar.update(self._task, total=event.total, completed=done, description=event.reference)
        if event.state == "built":
            self.say(f"{place}: built in {event.seconds:.0f} s")
        elif event.state == "downloaded":
            self.say(f"{place}: from the Conan server")
        elif event.state == "cached":
            self.say(f"{place}: from the cache")
        elif not self.live:
            self.say(f"{place}: ...")

    @contextlib.contextmanager
    def recipes(self) -> Iterator[None]:
        """While this lasts, recipes move a bar."""
        if not self.live:
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task("reading the recipes", total=None)
            try:
                yield
            finally:
                self._bar = self._task = None

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Callable[[int, int, str], None]]:
        """A bar (or lines) for (done, of, what); ``of`` 0 while the number is not known."""
        if not self.live:
            yield lambda done, of, what: self.say(f"{title} {f'[{done}/{of}] ' if of else ''}{what}")
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, of, what: bar.update(
                task, completed=done, total=of or None, description=f"{title}: {what[:50]}"
            )

    @contextlib.contextmanager
    def downloads(self) -> Iterator[SourceProgress]:
        """Progress for ``tfport.sources.fetch``."""
        if not self.live:
            yield _Lines(self.say)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            yield _Bars(bar, self.say)


class _Bars:
    def __init__(self, bar: Progress, say: Callable[[str], None]) -> None:
        self._bar, self._say = bar, say

    def start(self, name: str, total: Optional[int]) -> Task:
        task = self._bar.add_task(name, total=total)
        return _Counted(
            lambda count: self._bar.update(task, advance=count), lambda _: self._bar.remove_task(task)
        )


class _Lines:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def start(self, name: str, total: Optional[int]) -> Task:
        started = time.monotonic()

        def done(count: int) -> None:
            self._say(f"fetched {name} ({count / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)")

        return _Counted(lambda count: None, done)


class _Counted:
    """A download's task; safe to call from the thread that fetches."""

    def __init__(self, advance: Callable[[int], None], done: Callable[[int], None]) -> None:
        self._advance, self._done, self._count = advance, done, 0
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        with self._lock:
            self._count += count
        self._advance(count)

    def done(self) -> None:
        self._done(self._count)
