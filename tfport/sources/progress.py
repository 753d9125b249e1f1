"""What a fetch tells about its progress; the terminal output itself lives in ``tfport.report``."""

from __future__ import annotations

from typing import Optional, Protocol


class Task(Protocol):
    """The progress of one file. Its methods are called from the thread that fetches the file."""

    def advance(self, count: int) -> None:
        """``count`` more bytes are there; negative when a download begins again."""

    def done(self) -> None:
        """The file is complete and verified, or given up."""


class Progress(Protocol):
    """Makes tasks; two of them can be open at once, from two threads."""

    def start(self, name: str, total: Optional[int]) -> Task:
        """A file begins to arrive; ``total`` is its size in bytes, or None when the server does not tell."""


class _SilentTask:
    def advance(self, count: int) -> None:
        pass

    def done(self) -> None:
        pass


class Silent:
    """Progress that nobody sees."""

    def start(self, name: str, total: Optional[int]) -> Task:
        return _SilentTask()
