from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfport import publish as module
from tfport.conan_server import Stored
from tfport.errors import NotBuilt, RemoteFailed
from tfport.publish import publish
from tfport.report import Reporter


class FakeServer:
    """Has the first package; fails at the package ``fails``."""

    fails = ""

    def __init__(self, conan: object, url: str) -> None:
        self.url = url

    def introduce(self) -> None:
        pass

    def stored(self, reference: str, profile: str, options: object) -> list[Stored]:
        return [Stored(f"{name}/1.0#r", "p#q") for name in ("base", "library", "sdk")]

    def upload(self, each: Stored) -> bool:
        if self.fails and each.recipe.startswith(self.fails):
            raise RemoteFailed("it failed", "why", "hint")
        return not each.recipe.startswith("base")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A plan whose SDK was built and passed."""
    monkeypatch.setattr(
        module, "Conan", lambda home, *_: SimpleNamespace(home=home, export=lambda recipes: None)
    )
    monkeypatch.setattr(module, "Server", FakeServer)
    monkeypatch.setattr(module, "check_compiler", lambda target: "12.2.0")
    monkeypatch.setattr(module, "render_profile", lambda *_: "")
    monkeypatch.setattr(FakeServer, "fails", "")
    (tmp_path / "sdk").mkdir()
    report(tmp_path, {"inputs": "digest of 12.2.0", "smoke": {"ok": True}})
    return SimpleNamespace(
        home=tmp_path,
        work=tmp_path,
        sdk=tmp_path / "sdk",
        target=SimpleNamespace(name="zuluko"),
        recipes=(),
        jobs=1,
        options=[],
        sdk_recipe=SimpleNamespace(reference="sdk/1.0"),
        digest=lambda compiler: f"digest of {compiler}",
    )


def report(folder: Path, content: dict[str, Any]) -> None:
    (folder / "sdk" / "report.json").write_text(json.dumps(content))


def test_what_was_sent_and_what_was_there(plan: Any) -> None:
    done = publish(plan, "http://c", Reporter())
    assert done["there"] == ["base/1.0#r:p#q"]
    assert done["sent"] == ["library/1.0#r:p#q", "sdk/1.0#r:p#q"]


def test_a_failure_says_where(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeServer, "fails", "library")
    with pytest.raises(RemoteFailed) as caught:
        publish(plan, "http://c", Reporter())
    assert caught.value.what == "it failed, at library/1.0 (2 of 3)"
    assert (caught.value.why, caught.value.hint) == ("why", "hint")


@pytest.mark.parametrize(
    "content",
    [
        {"inputs": "of another tree", "smoke": {"ok": True}},
        {"inputs": "digest of 12.2.0", "smoke": {"ok": False}},
        {"inputs": "digest of 12.2.0", "smoke": None},
        {},
    ],
)
def test_only_what_was_built_here_and_passed(plan: Any, tmp_path: Path, content: dict[str, Any]) -> None:
    report(tmp_path, content)
    with pytest.raises(NotBuilt):
        publish(plan, "http://c", Reporter())


def test_no_sdk_at_all(plan: Any, tmp_path: Path) -> None:
    (tmp_path / "sdk" / "report.json").unlink()
    with pytest.raises(NotBuilt):
        publish(plan, "http://c", Reporter())
