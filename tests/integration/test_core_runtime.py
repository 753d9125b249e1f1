"""A model with strings and tables on its way through the house: read, prepared, planned, run, compared.

Host TensorFlow stands in for the target: it runs what ships, by the command line of tfport-run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.core_models import text
from tests.unit.core_models import core_tree
from tfport import smoke_core
from tfport.catalogue import Catalogue, Shelf
from tfport.core.model import read_core_models
from tfport.core.port import PORT
from tfport.deploy import MANIFEST, deploy, hash_files
from tfport.emulator import Emulator
from tfport.errors import ModelRefused
from tfport.host import Host
from tfport.plan import Plan, Request, make_plan
from tfport.reference import TENSORFLOW_VERSION, installed_version
from tfport.smoke import Setup
from tfport.smoke_results import SmokeResults
from tfport.sources import SourceCache
from tfport.target_run import Setting

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)
RUNNER = Path(__file__).with_name("host_runner.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the model, a tree of recipes and the caches."""
    made = tmp_path_factory.mktemp("core")
    text(made)
    core_tree(made / "tree")
    return made


def planned(folder: Path, *left_out: str, inputs: tuple[tuple[str, Path], ...] = ()) -> Plan:
    """The plan for the model, in a port that has all that it needs but for some ops."""
    [model] = read_core_models([folder / "text"], Host(folder / "home" / "models", folder / "host.log"))
    ops = sorted({op for op, _ in model.kernels} - set(left_out))
    (folder / "tree" / PORT).write_text(json.dumps({"ops": ops}))
    request = Request("zuluko", runtime="tensorflow", models=(folder / "text",), inputs=inputs)
    return make_plan(request, folder / "tree")


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPORT_HOME", str(folder / "home"))
    # One way to run: each costs a start of TensorFlow.
    monkeypatch.setattr(smoke_core, "SETTINGS", (Setting(1, True),))


def smoked(plan: Plan, folder: Path) -> SmokeResults:
    program = folder / "sdk" / "bin" / "tfport-run"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"import runpy; runpy.run_path({str(RUNNER)!r}, run_name='__main__')")
    setup = Setup(
        sdk=folder / "sdk",
        target=plan.target,
        shelf=Shelf(Catalogue((), (), ()), folder / "shelf", SourceCache(folder / "sources")),
        home=plan.home,
        work=folder / "work",
        inputs=plan.request.inputs,
        jobs=1,
        emulator=Emulator((sys.executable,)),
    )
    return plan.job.smoke(setup)


def test_what_ships_gives_the_results_of_the_original(folder: Path) -> None:
    np.save(folder / "key.npy", np.array([b"Italy", b"atlantis", b"peru"]))
    plan = planned(folder, inputs=(("key", folder / "key.npy"),))
    assert plan.sdk.name == "tensorflow-text"
    results = smoked(plan, folder)
    assert results.ok, results.problems
    runs = {run.model: run for run in results.runs}
    assert {name: run.input for name, run in runs.items()} == {
        "text, serving_default": "seeded",
        "text, look_up": "files",
    }
    found = {each.name: each for run in runs.values() for each in run.differences}
    assert {name: each.rule for name, each in found.items()} == {
        "clean": "equal",
        "ids": "equal",
        "score": "float",
        "value": "equal",
    }
    assert found["value"].dtype.startswith("bytes")


def test_the_prepared_model_is_what_is_deployed(folder: Path, tmp_path: Path) -> None:
    plan = planned(folder)
    (tmp_path / "package" / MANIFEST).parent.mkdir(parents=True)
    (tmp_path / "package" / MANIFEST).write_text("{}")
    deploy(tmp_path / "package", tmp_path / "sdk", plan.job.payload)
    files = set(hash_files(tmp_path / "sdk"))
    assert "share/tfport/models/text/saved_model.pb" in files
    assert any(name.startswith("share/tfport/models/text/assets/") for name in files), "the table's file"


def test_an_op_that_the_port_lacks_is_refused_with_its_node(folder: Path) -> None:
    with pytest.raises(ModelRefused) as caught:
        planned(folder, "StaticRegexReplace", "LookupTableFindV2")
    lines = caught.value.why.splitlines()
    assert [line.split(":")[0] for line in lines] == ["LookupTableFindV2", "StaticRegexReplace"]
    assert all("needed by node " in line for line in lines)


def test_a_library_cut_to_the_model_runs_the_model(folder: Path, tmp_path: Path) -> None:
    """The selection, read back as the manifest of the library that it makes, lacks nothing."""
    plan = planned(folder)
    ops: dict[str, list[str]] = {}
    for pair in plan.ops.split(";"):
        op, _, kernel = pair.partition(":")
        ops.setdefault(op, []).extend([kernel] if kernel else [])
    manifest = {"tfport_manifest": 1, "runtime": "tensorflow", "ops": ops}
    (tmp_path / "lib.a").write_text(json.dumps(manifest))
    host = Host(folder / "home" / "models", folder / "host.log")
    assert "runs" in plan.runtime.fits(tmp_path / "lib.a", folder / "text", host)
    del ops["StringLower"]
    (tmp_path / "lib.a").write_text(json.dumps(manifest))
    with pytest.raises(ModelRefused, match="needs 1 operator"):
        plan.runtime.fits(tmp_path / "lib.a", folder / "text", host)
