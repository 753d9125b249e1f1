from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core_models import core_model, core_tree
from tfport import pipeline
from tfport.core.symbols import KEEP
from tfport.deploy import MANIFEST, Stamp, deploy, hash_files, write_stamp
from tfport.pipeline import Outcome, as_data, make_sdk
from tfport.plan import Plan, Request, make_plan
from tfport.report import Reporter
from tfport.runtimes import core
from tfport.summary import built_rows


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


class FakeConan:
    """Makes a package with a manifest and keeps what it was told."""

    told: list[tuple[str, list[str]]]
    package: Path

    def __init__(self, home: Path, sources: Path, logs: Path, on_event: object) -> None:
        self.home, self.logs = home, logs

    def export(self, recipes: object) -> None:
        pass

    def install(self, reference: str, profile: str, options: Sequence[str]) -> Path:
        self.told.append((reference, list(options)))
        return self.package


class FakeFacts:
    def as_dict(self) -> dict[str, Any]:
        return {"code_size": 1, "data_size": 2}


def test_a_core_sdk_carries_its_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    model = core_model(tmp_path)
    monkeypatch.setattr(core, "read_core_models", lambda paths, host: (model,))
    FakeConan.told, FakeConan.package = [], tmp_path / "package"
    (FakeConan.package / MANIFEST).parent.mkdir(parents=True)
    manifest = {"tfport_manifest": 1, "runtime": "tensorflow", "ops": {"AddV2": ["BinaryOp"]}}
    (FakeConan.package / MANIFEST).write_text(json.dumps(manifest))
    kept: list[object] = []

    def check(sdk: Path, target: object, keep: object) -> FakeFacts:
        kept.append(keep)
        return FakeFacts()

    monkeypatch.setattr(pipeline, "Conan", FakeConan)
    monkeypatch.setattr(pipeline, "check_sdk", check)
    request = Request("zuluko", runtime="tensorflow", models=(model.path,))
    plan = make_plan(request, core_tree(tmp_path / "tree"))

    def made() -> Outcome:
        outcome = Outcome(compiler="12.2.0")
        make_sdk(plan, outcome, Reporter())
        return outcome

    outcome = made()
    shipped = plan.sdk / "share" / "tfport" / "models" / "add" / "saved_model.pb"
    assert shipped.read_text() == "add.pb" and kept == [KEEP]
    assert FakeConan.told == [("tfport-core/2.14.1", plan.options)]
    report = as_data(plan, outcome)
    assert report["runtime"] == {"name": "tensorflow", "version": "2.14.1"}
    assert report["operators"]["ops"] == {"AddV2": ["BinaryOp"]}
    assert [component["name"] for component in report["components"]] == ["tfport"]  # no sources there
    assert report["models"] == [{"path": str(model.path), "sha256": model.sha256}]
    assert dict(row for row in built_rows(report) if len(row) == 2)["operators"] == (
        "1 ops, 1 kernels, cut to the models"
    )
    assert made().up_to_date
    shipped.write_text("another")
    assert not made().up_to_date, "the models are covered by the stamp"
    assert shipped.read_text() == "add.pb"


class FakeServer:
    """A Conan server that has the package, or has it not until it is built."""

    told: list[str]
    has: bool

    def __init__(self, conan: FakeConan, url: str) -> None:
        self.conan, self.url = conan, url

    def introduce(self) -> None:
        self.told.append(f"introduced {self.url}")

    def install(self, reference: str, profile: str, options: Sequence[str], build: str) -> Path | None:
        self.told.append(build)
        return self.conan.package if self.has or build == "missing" else None


@pytest.mark.parametrize("has", [True, False])
def test_sources_are_fetched_only_for_what_a_server_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    FakeConan.told, FakeConan.package = [], tmp_path / "package"
    (FakeConan.package / MANIFEST).parent.mkdir(parents=True)
    (FakeConan.package / MANIFEST).write_text("{}")
    FakeServer.told, FakeServer.has = [], has
    monkeypatch.setattr(pipeline, "Conan", FakeConan)
    monkeypatch.setattr(pipeline, "Server", FakeServer)
    monkeypatch.setattr(pipeline, "check_sdk", lambda sdk, target, keep: FakeFacts())
    monkeypatch.setattr(pipeline, "fetch_all", lambda plan, reporter: FakeServer.told.append("fetched"))
    plan = make_plan(Request("zuluko", output=tmp_path / "sdk", remote="http://c"))
    make_sdk(plan, Outcome(compiler="12.2.0"), Reporter())
    assert FakeServer.told == ["introduced http://c", "never", *([] if has else ["fetched", "missing"])]
    assert (plan.sdk / MANIFEST).is_file() and FakeConan.told == []


def test_with_a_server_only_the_demos_are_fetched_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(tmp_path / "home"))
    asked: list[tuple[int, bool, Path | None]] = []

    def fetch(
        refs: list[object], cache: object, progress: object, offline: bool, bundle: Path | None
    ) -> None:
        asked.append((len(refs), offline, bundle))

    monkeypatch.setattr(pipeline, "fetch", fetch)
    plan = make_plan(Request("zuluko", output=tmp_path / "sdk", offline=True, bundle=tmp_path))
    pipeline.fetch_all(plan, Reporter())
    pipeline.fetch_all(plan, Reporter(), sources=False)
    (all_of_it, *rest), (demos, *_) = asked
    assert 0 < demos < all_of_it and rest == [True, tmp_path]
