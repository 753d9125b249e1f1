from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tfport.errors import NotAnSdk
from tfport.packed.components import linked, parse
from tfport.packed.manifest import figures, pack_name, pack_time
from tfport.recipe import closure, load_recipe, load_recipes
from tfport.target import ROOT


def test_components_survive_the_report() -> None:
    components = linked([load_recipe(ROOT, name) for name in ("zlib", "abseil", "tfport-lite")])
    assert [each.name for each in components] == ["abseil", "tfport", "zlib"]
    assert parse(json.loads(json.dumps([asdict(each) for each in components]))) == components
    (zlib,) = (each for each in components if each.name == "zlib")
    assert zlib.sources[0].sha256.startswith("71feb794") and zlib.license == "Zlib"
    assert zlib.patches[0].subject == "Do without the resource file for Windows"


@pytest.mark.parametrize("runtime", ["tfport-lite", "tfport-core"])
def test_every_component_of_a_runtime_has_a_licence_and_a_source(runtime: str) -> None:
    for component in linked(closure(load_recipes(ROOT), runtime, "Linux")):
        assert component.license and (component.sources or component.name == "tfport")
        assert all(len(source.sha256) == 64 for source in component.sources)
        assert all(patch.subject for patch in component.patches)


@pytest.mark.parametrize("rows", [None, 3, ["x"], [{}], [{"name": "a", "sources": [], "patches": []}]])
def test_what_is_no_list_of_components(rows: object) -> None:
    with pytest.raises(NotAnSdk):
        parse(rows)


def test_names_of_packs() -> None:
    report = {"runtime": {"name": "lite", "version": "2.14.1"}, "target": {"name": "zuluko"}, "models": []}
    assert pack_name(report) == "tfport-lite-2.14.1-zuluko"
    report["models"] = [{"path": "/a/my model.tflite"}, {"path": "b.tflite"}]
    assert pack_name(report) == "tfport-lite-my_model-b-2.14.1-zuluko"


def test_time_is_that_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert pack_time() == 315532800
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert pack_time() == 1700000000


def test_figures_are_without_seconds() -> None:
    run = {"seconds": 1.5, "seconds_per_inference": 2.0, "worst": 0.1, "kernels": ["a"]}
    assert figures({"seconds": 3, "runs": (run,)}) == {"runs": [{"worst": 0.1, "kernels": ["a"]}]}
