from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tfport import bench_build as module
from tfport.bench_build import bench_build
from tfport.report import Reporter


class Builds:
    """Stands for the front door: writes the report that a build would write, and keeps what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = root, []  # type: ignore[var-annotated]

    def run(self, words: list[str], env: dict[str, str], log: Any = None) -> None:
        self.calls.append((words[words.index("-c") + 2], dict(env)))
        self.words = words
        if "build" in words:
            sdk = self.root / "build" / "bench" / "zuluko" / "sdk"
            cold = not sdk.exists()
            sdk.mkdir(parents=True, exist_ok=True)
            report = {
                "seconds": {"fetch": 0.1, "smoke": 0.0, **({"build": 250.0} if cold else {})},
                "build": {"recipes": [{"state": "built"}] * 15 if cold else []},
            }
            (sdk / "report.json").write_text(json.dumps(report))


@pytest.mark.parametrize("ccache", [True, False])
def test_every_kind_of_build_is_timed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ccache: bool
) -> None:
    builds = Builds(tmp_path)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "run", builds.run)
    monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/ccache" if ccache else None)
    result = bench_build("zuluko", [], tmp_path / "home", Reporter())
    names = [each["name"] for each in result["runs"]]
    assert names == (["cold", "no-op", "filling", "warm"] if ccache else ["cold", "no-op"])
    assert [each["built"] for each in result["runs"]] == ([15, 0, 15, 15] if ccache else [15, 0])
    assert builds.calls[0][0] == "fetch", "downloads come before what is timed"
    assert builds.calls[1][1]["CCACHE_DISABLE"] == "1"
    home = tmp_path / "build" / "bench" / "zuluko" / "home"
    assert all(env["TFPORT_HOME"] == str(home) for _, env in builds.calls)
    assert (home / "sources").resolve() == tmp_path / "home" / "sources"
    assert "kept" in capsys.readouterr().out
    assert json.loads((tmp_path / "build" / "bench" / "zuluko.json").read_text()) == result


@pytest.mark.parametrize("models", [[], [Path("/m/saved")]])
def test_a_model_that_the_host_reads_is_built_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: list[Path]
) -> None:
    builds = Builds(tmp_path)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "run", builds.run)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    result = bench_build("zuluko", models, tmp_path / "home", Reporter(), "tensorflow")
    assert result["runtime"] == "tensorflow" and result["limits"]["cold"] == 900.0
    assert ("--no-reference" in builds.words) == (not models)
    assert builds.words[builds.words.index("--runtime") + 1] == "tensorflow"
