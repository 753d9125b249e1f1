from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tfport.emulator import Emulator
from tfport.errors import EmulatorFailed
from tfport.target_run import Runner, Setting

FAKE = Path(__file__).with_name("fake_runner.py")


def runner(folder: Path, program: Path = FAKE, timeout: float = 30.0) -> Runner:
    return Runner(Emulator((sys.executable,)), program, folder / "scratch", timeout)


def feed(folder: Path) -> list[tuple[str, Path]]:
    np.save(folder / "a.npy", np.array([1, 2], dtype=np.float32))
    return [("a", folder / "a.npy")]


def test_the_command_line() -> None:
    words = Runner(Emulator(()), Path("run"), Path()).words(
        Path("m.tflite"), [("x:0", Path("x.npy"))], Setting(4, False), "--json"
    )
    assert words == ["run", "m.tflite", "--input", "x:0=x.npy", "--threads", "4", "--no-xnnpack", "--json"]
    assert (str(Setting(1, True)), str(Setting(4, False))) == (
        "1 thread",
        "4 threads, XNNPACK off",
    )


def test_outputs_come_back_and_nothing_stays(tmp_path: Path) -> None:
    done = runner(tmp_path).run(Path("m"), feed(tmp_path), Setting(1, True))
    assert [values.tolist() for values in done.outputs] == [[2.0, 3.0]]
    assert done.facts["delegated_nodes"] == 1
    assert not list((tmp_path / "scratch").iterdir())


def test_a_run_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPORT_FAKE", "hang")
    with pytest.raises(EmulatorFailed, match="did not end within 1 s"):
        runner(tmp_path, timeout=1.0).run(Path("m"), feed(tmp_path), Setting(1, True))


def test_strings_come_as_json(tmp_path: Path) -> None:
    program = tmp_path / "run.py"
    entry = {"name": "s", "dtype": "string", "shape": [1, 2], "data": ["ä", "b"]}
    program.write_text(
        f"""import json, sys
folder = sys.argv[sys.argv.index("--output") + 1]
open(folder + "/0_s.json", "w").write({json.dumps(json.dumps(entry))})
print(json.dumps({{"outputs": [{{"file": "0_s.json"}}]}}))
"""
    )
    done = runner(tmp_path, program).run(Path("m"), [], Setting(1, True))
    assert done.outputs[0].tolist() == [["ä".encode(), b"b"]]
