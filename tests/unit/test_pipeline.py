from __future__ import annotations

from pathlib import Path

import pytest

from tfport.deploy import Stamp, deploy, hash_files, write_stamp
from tfport.pipeline import Outcome, make_sdk
from tfport.plan import Plan, Request, make_plan
from tfport.report import Reporter


def test_an_sdk_that_is_current_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    (package / "share" / "tfport").mkdir(parents=True)
    (package / "share" / "tfport" / "ops.json").write_text("{}")
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    made = make_plan(Request("zuluko", output=tmp_path / "sdk"))
    deploy(package, made.sdk)
    monkeypatch.setattr(Plan, "stamp", tmp_path / "stamp.json")
    write_stamp(made.stamp, Stamp(made.digest("12.2.0"), hash_files(made.sdk), {"code_size": 5}))
    monkeypatch.setenv("PATH", "")
    outcome = Outcome(compiler="12.2.0")
    make_sdk(made, outcome, Reporter())
    assert outcome.up_to_date and outcome.facts == {"code_size": 5} and not made.home.exists()
