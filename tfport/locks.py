"""One build at a time: a lock file that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def hold(path: Path, waiting: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock ``path``; when another process has it, ``say(waiting)`` and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
