from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from tfport.locks import hold

ROOT = Path(__file__).resolve().parents[2]
HOLDER = (
    "import sys, time; sys.path.insert(0, sys.argv[1])\n"
    "from pathlib import Path; from tfport.locks import hold\n"
    "with hold(Path(sys.argv[2]), '', print): print('held', flush=True); time.sleep(60)\n"
)


def test_a_free_lock_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    with hold(tmp_path / "a" / "lock", "wait", said.append):
        pass
    assert said == []


def test_the_second_waits_with_a_message_until_the_first_dies(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ROOT), str(lock)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        said: list[str] = []
        threading.Timer(0.5, holder.kill).start()
        started = time.monotonic()
        with hold(lock, "waiting for it", said.append):
            assert said == ["waiting for it"] and time.monotonic() - started > 0.3
    finally:
        holder.kill()
        holder.communicate()
