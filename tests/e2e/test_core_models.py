"""Models of the core runtime on the target's CPU, held against host TensorFlow running the original.

The three forms of SqueezeNet run in the library that is cut to its graph; all models run in the library that
is cut to them together, whose kernels take long to compile.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Union

import numpy as np
import pytest

from tests.e2e.core_shelf import (
    CASES,
    DEFAULT,
    FOLDERS,
    PITCH,
    QUANTISED_SQUEEZENET,
    Case,
    Prepared,
    feeds,
)
from tests.e2e.support import ESPRESSO, Sdk, tfport
from tfport.catalogue import Shelf
from tfport.emulator import Emulator
from tfport.errors import EmulatorFailed
from tfport.host import Host
from tfport.inputs import Array, Names, save_inputs
from tfport.target_run import Runner, Setting, TargetRun

pytestmark = pytest.mark.e2e
SETTINGS = tuple(Setting(threads, xnnpack) for threads in (1, 4) for xnnpack in (True, False))
TOLERANCE = 1e-4  # of the largest value of the reference, or of 1
BARE = {"squeezenet.pb": (SETTINGS[0], SETTINGS[-1]), "quantised.pb": SETTINGS[:1], "norms.pb": SETTINGS[:1]}
FORMS = ("squeezenet.pb", "squeezenet", "squeezenet.keras")
Ended = Union[TargetRun, EmulatorFailed]
Key = tuple[Case, Setting, bool]  # True: the graph as it was given, False: what was prepared of the model
Wanted = dict[Case, dict[str, Array]]
Runs = dict[Key, Ended]


@pytest.fixture(scope="module")
def fed(shelf: Shelf) -> dict[Case, Names]:
    given = feeds(shelf)
    assert set(given) == set(CASES)
    return given


def references(host: Host, prepared: Prepared, asked: dict[Case, Names]) -> Wanted:
    """What host TensorFlow makes of each case with the model as it was given: output -> values."""
    models = prepared(*dict.fromkeys(name for name, _ in asked))
    files = {(n, key): host.core_results(models[n], key, inputs) for (n, key), inputs in asked.items()}
    host.work()
    found = {}
    for (name, key), path in files.items():
        with np.load(path) as values:
            ports = models[name].signature(key).outputs
            found[name, key] = {port.name: values[f"out{k}"] for k, port in enumerate(ports)}
    return found


@pytest.fixture(scope="module")
def wanted(fed: dict[Case, Names], prepared: Prepared, core_host: Host) -> Wanted:
    """The reference of every case, and of the eight-bit model."""
    quantised = {(QUANTISED_SQUEEZENET, DEFAULT): fed[FORMS[0], DEFAULT]}
    return references(core_host, prepared, {**fed, **quantised})


def runner(sdk: Sdk, scratch: Path) -> Runner:
    return Runner(Emulator.for_target(sdk.target), sdk.runner, scratch)


def run_all(sdk: Sdk, keys: list[Key], fed: dict[Case, Names], models: dict[Key, Path], work: Path) -> Runs:
    """Run every case of ``keys``, as many at a time as there are cores."""
    board = runner(sdk, work / "outputs")
    files = {case: save_inputs(inputs, work / str(k)) for k, (case, inputs) in enumerate(fed.items())}

    def run(key: Key) -> Ended:
        case, setting, _ = key
        try:
            return board.run(models[key], files[case], setting, ("--signature", case[1]))
        except EmulatorFailed as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(keys, pool.map(run, keys)))


@pytest.fixture(scope="module")
def squeezed(
    core_sdk_squeezenet: Sdk,
    fed: dict[Case, Names],
    prepared: Prepared,
    core_paths: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Runs:
    """The forms of SqueezeNet in the library that is cut to its graph, and the graph as it was given."""
    ready = prepared(*FORMS)
    models = {((form, DEFAULT), way, False): ready[form].prepared for form in FORMS for way in SETTINGS}
    graph = FORMS[0]
    models |= {((graph, DEFAULT), setting, True): core_paths[graph] for setting in BARE[graph]}
    return run_all(core_sdk_squeezenet, list(models), fed, models, tmp_path_factory.mktemp("squeezed"))


@pytest.fixture(scope="module")
def wanted_of_squeezenet(fed: dict[Case, Names], prepared: Prepared, core_host: Host) -> Wanted:
    asked = {case: inputs for case, inputs in fed.items() if case[0] in FORMS}
    return references(core_host, prepared, asked)


@pytest.fixture(scope="module")
def runs(
    core_sdk: Sdk,
    fed: dict[Case, Names],
    core_paths: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Runs:
    """Every case as it was deployed with the library that is cut to all, and graphs as they were given."""
    models = {
        (case, setting, False): core_sdk.models / FOLDERS[case[0]] for case in CASES for setting in SETTINGS
    }
    for name, settings in BARE.items():
        models |= {((name, DEFAULT), setting, True): core_paths[name] for setting in settings}
    return run_all(core_sdk, list(models), fed, models, tmp_path_factory.mktemp("runs"))


def ended(run: Ended) -> TargetRun:
    assert isinstance(run, TargetRun), f"{run.what}: {run.why}"
    return run


def by_name(run: TargetRun) -> dict[str, Array]:
    return dict(zip((entry["name"] for entry in run.facts["outputs"]), run.outputs))


def agree(found: dict[str, Array], want: dict[str, Array]) -> None:
    """The rule: floats within the tolerance, everything else equal; type and shape always."""
    assert list(found) == list(want)
    for name, reference in want.items():
        got = found[name]
        assert got.shape == reference.shape and got.dtype.kind == reference.dtype.kind, name
        if reference.dtype.kind == "f":
            assert got.dtype == reference.dtype and np.isfinite(reference).all(), name
            limit = TOLERANCE * max(1.0, float(np.abs(reference).max()))
            assert float(np.abs(got - reference).max()) <= limit, name
        else:
            assert got.tolist() == reference.tolist(), name


def check(run: TargetRun, case: Case, setting: Setting, wanted: Wanted) -> None:
    agree(by_name(run), wanted[case])
    assert run.facts["threads"] == setting.threads and run.facts["runtime"] == "tensorflow"
    if not setting.xnnpack:
        assert not run.facts["xnnpack"] and run.facts["delegated_nodes"] == 0
    elif case[0].startswith(("squeezenet", "norms", PITCH)):
        assert run.facts["xnnpack"] and run.facts["delegated_nodes"] > 0


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_squeezenet_in_its_own_library(
    squeezed: Runs, wanted_of_squeezenet: Wanted, form: str, setting: Setting
) -> None:
    case = (form, DEFAULT)
    run = ended(squeezed[case, setting, False])
    check(run, case, setting, wanted_of_squeezenet)
    assert int(run.outputs[0].argmax()) == ESPRESSO


@pytest.mark.parametrize("setting", BARE[FORMS[0]], ids=str)
def test_squeezenet_s_graph_as_it_was_given(
    squeezed: Runs, wanted_of_squeezenet: Wanted, setting: Setting
) -> None:
    case = (FORMS[0], DEFAULT)
    check(ended(squeezed[case, setting, True]), case, setting, wanted_of_squeezenet)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_target_gives_what_the_host_gives(runs: Runs, wanted: Wanted, case: Case, setting: Setting) -> None:
    check(ended(runs[case, setting, False]), case, setting, wanted)


@pytest.mark.parametrize("name", BARE)
def test_a_graph_runs_as_it_was_given(runs: Runs, wanted: Wanted, name: str) -> None:
    for setting in BARE[name]:
        agree(by_name(ended(runs[(name, DEFAULT), setting, True])), wanted[name, DEFAULT])


def test_what_they_say_is_right(runs: Runs) -> None:
    """Answers that one can write down without a reference."""

    def values(name: str, key: str = DEFAULT) -> dict[str, Array]:
        return by_name(ended(runs[(name, key), SETTINGS[0], False]))

    text = values("text")
    assert text["clean"].tolist() == [b"the cat sat", b"", b"home   home", b"a fast dog ran home on the mat"]
    assert text["ids"].tolist()[:2] == [[2, 3, 4, 0, 0, 0], [0] * 6]
    assert values("text", "look_up")["value"].tolist() == [b"lima", b"nowhere", b"rome"]
    assert values("stateful", "count")["calls"] == 42
    assert values("stateful", "age")["age"].tolist() == [42, -1, 31]
    assert values("control", "record")["largest"] == 2
    assert values("lstm.keras")["result"].shape == (3, 3)


def test_a_session_keeps_its_variables(core_sdk: Sdk, tmp_path: Path) -> None:
    words = (core_sdk.runner, core_sdk.models / "stateful", "--signature", "count")
    done = core_sdk.run(*words, "--repeat", "3", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("*.npy")
    assert np.load(file) == 46


def test_only_the_outputs_that_are_asked_for(core_sdk: Sdk, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.float32(2))
    words = [core_sdk.runner, core_sdk.models / "control", "--json", "--signature", "record"]
    done = core_sdk.run(*words, "--fetch", "scaled", "--input", f"x={tmp_path}/x.npy")
    assert done.returncode == 0, done.stderr
    assert [entry["name"] for entry in json.loads(done.stdout)["outputs"]] == ["scaled"]


def test_squeezenet_in_eight_bits(
    core_sdk: Sdk,
    prepared: Prepared,
    coffee_core: Path,
    wanted: Wanted,
    tmp_path: Path,
) -> None:
    """The article's second experiment; the library is not cut to this model, but holds what it needs."""
    model = prepared(QUANTISED_SQUEEZENET)[QUANTISED_SQUEEZENET]
    (port,) = model.signature().inputs
    run = runner(core_sdk, tmp_path).run(model.prepared, [(port.name, coffee_core)], SETTINGS[0])
    agree(by_name(run), wanted[QUANTISED_SQUEEZENET, DEFAULT])
    assert int(run.outputs[0].argmax()) == ESPRESSO


def test_layout(core_sdk: Sdk) -> None:
    for part in ("lib/libtensorflow-core.a", "bin/tfport-run", "include/tensorflow/c/c_api.h"):
        assert (core_sdk.folder / part).is_file(), part
    for header in ("core/public/session.h", "cc/saved_model/loader.h"):
        assert (core_sdk.folder / "include-cxx" / "tensorflow" / header).is_file(), header
    assert {path.name for path in core_sdk.models.iterdir()} == set(FOLDERS.values())
    licences = {path.name for path in (core_sdk.folder / "share" / "licenses").iterdir()}
    assert {"abseil", "eigen", "nsync", "protobuf", "re2", "tensorflow", "xnnpack"} <= licences


def test_the_report_tells_of_every_model_and_signature(core_sdk: Sdk) -> None:
    report = core_sdk.report
    smoke: dict[str, Any] = report["smoke"]
    assert smoke["ok"] and smoke["problems"] == [] and report["reference"]
    assert report["runtime"] == {"name": "tensorflow", "version": "2.14.1"}
    assert [Path(model["path"]).name for model in report["models"]] == list(FOLDERS)
    keys: dict[str, set[str]] = {}
    for name, key in CASES:
        keys.setdefault(name, set()).add(key)
    names = {name if len(keys[name]) == 1 else f"{name}, {key}" for name, key in CASES}
    ways: dict[str, set[tuple[int, bool]]] = {}
    for run in smoke["runs"]:
        ways.setdefault(run["model"], set()).add((run["threads"], run["xnnpack"]))
        assert run["differences"], run["model"]
    assert set(ways) == names
    assert all({(1, True), (4, True), (1, False)} <= found for found in ways.values())


def test_check_says_which_models_a_library_runs(core_sdk: Sdk, core_paths: dict[str, Path]) -> None:
    words = [word for name in core_paths for word in ("--model", core_paths[name])]
    done = tfport("check", "--sdk", core_sdk.folder, *words)
    assert done.returncode == 0, done.stderr[-3000:]
