"""Bad models and inputs for TensorFlow core: through the front door, and on the target's CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.mutants import SMALL, graph_mutants
from tests.e2e.support import Sdk, refused
from tfport.errors import (
    CommandTimedOut,
    ModelIncomplete,
    ModelInputInvalid,
    ModelMissing,
    ModelRefused,
    ModelTooNew,
    NotACoreModel,
)
from tfport.target import ROOT

pytestmark = pytest.mark.e2e
# What tfport-run documents.
DONE, MODEL, UNSUPPORTED, INPUT, INVOKE = 0, 3, 4, 5, 6
META_GRAPHS, GRAPH_DEF = 2, 2  # fields of a SavedModel and of its parts
FEW_AND_MANY = [30, pytest.param(500, marks=pytest.mark.full)]  # mutants


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of core_bad.py."""
    folder = tmp_path_factory.mktemp("bad")
    words = [sys.executable, "-m", "tests.e2e.core_bad", folder]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return folder


def no_models(folder: Path, graph: Path) -> Iterator[Path]:
    """Files and folders that are no model."""
    whole = graph.read_bytes()
    contents = {
        "empty.pb": b"",
        "random.pb": np.random.default_rng(1).bytes(50_000),
        "zeros.pb": bytes(4096),
        "lite.tflite": whole[:4] + b"TFL3" + whole[8:2000],
        "text.pb": b'node { name: "x" op: "Placeholder" }\n',
        "page.pb": b"<!DOCTYPE html><html>not found</html>",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield folder / name
    (folder / "nothing").mkdir()
    yield folder / "nothing"


# --- Through the front door: refused before anything is built ---


def build(folder: Path, model: Path, *more: object) -> tuple[object, ...]:
    """The words that build an SDK for ``model`` in ``folder``."""
    words = ("--target", "zuluko", "--runtime", "tensorflow", "--model", model)
    return (*words, "--output", folder / "sdk", *more)


def test_not_a_model(core_paths: dict[str, Path], tmp_path: Path) -> None:
    for path in no_models(tmp_path, core_paths["squeezenet.pb"]):
        said = refused(NotACoreModel.exit_code, *build(tmp_path, path))
        assert path.name in said and "SavedModel" in said + "SavedModel" * (path.suffix == ".tflite"), path
    assert "gone.pb" in refused(ModelMissing.exit_code, *build(tmp_path, tmp_path / "gone.pb"))
    assert not (tmp_path / "sdk").exists()


def test_a_saved_model_without_its_variables(core_paths: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "squeezenet"
    shutil.copytree(core_paths["squeezenet"], folder)
    shutil.rmtree(folder / "variables")
    said = refused(ModelIncomplete.exit_code, *build(tmp_path, folder))
    assert "variables/variables.index" in said and not (tmp_path / "sdk").exists()


def test_an_op_without_a_kernel_is_named_with_its_node(bad: Path, tmp_path: Path) -> None:
    said = refused(ModelRefused.exit_code, *build(tmp_path, bad / "jpeg.pb"))
    assert "DecodeJpeg" in said and "picture" in said and not (tmp_path / "sdk").exists()


def test_a_graph_of_a_later_tensorflow(bad: Path, tmp_path: Path) -> None:
    said = refused(ModelTooNew.exit_code, *build(tmp_path, bad / "later.pb"))
    assert "99999" in said
    said = refused(ModelTooNew.exit_code, *build(tmp_path, bad / "future.pb"))
    assert "FutureConv" in said and "new" in said and not (tmp_path / "sdk").exists()


def test_inputs_that_fit_no_model(core_paths: dict[str, Path], tmp_path: Path) -> None:
    def fed(name: str, values: object) -> str:
        np.save(tmp_path / "in.npy", values)
        words = build(tmp_path, core_paths["squeezenet.pb"], "--input", f"{name}={tmp_path}/in.npy")
        return refused(ModelInputInvalid.exit_code, *words)

    image = np.zeros((1, 227, 227, 3), np.float32)
    said = fed("picture", image)
    assert "'picture'" in said and "image" in said
    said = fed("image", image.astype(np.float64))
    assert "float64" in said and "float32" in said
    assert "[1, 227, 227]" in fed("image", image[..., 0])
    assert not (tmp_path / "sdk").exists()


def test_a_later_model_against_a_library_in_the_field(core_sdk_squeezenet: Sdk, bad: Path) -> None:
    for sdk in (core_sdk_squeezenet.folder, core_sdk_squeezenet.runner):
        said = refused(ModelRefused.exit_code, "check", "--sdk", sdk, "--model", bad / "angle.pb")
        assert "Atan2" in said and "corner" in said


# --- On the target: a status of the library, an exit code of tfport-run, and what is wrong ---


def failure(sdk: Sdk, code: int, *words: object) -> str:
    """Run tfport-run, which must end with ``code``; returns what it said."""
    done = sdk.run(sdk.runner, *map(str, words), "--json")
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code and error["message"] in done.stderr
    return str(error["message"])


def test_target_not_a_model(core_sdk_squeezenet: Sdk, core_paths: dict[str, Path], tmp_path: Path) -> None:
    sdk = core_sdk_squeezenet
    for path in no_models(tmp_path, core_paths["squeezenet.pb"]):
        assert str(path) in failure(sdk, MODEL, path)
    inner = sdk.models / "squeezenet" / "saved_model.pb"
    for path in (tmp_path / "gone", core_paths["lstm.keras"], inner):
        assert str(path) in failure(sdk, MODEL, path)
    whole = core_paths["squeezenet.pb"].read_bytes()
    for size in (1, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.pb").write_bytes(whole[:size])
        assert "cut.pb" in failure(sdk, MODEL, tmp_path / "cut.pb")


def test_target_a_saved_model_without_its_files(core_sdk: Sdk, bad: Path, tmp_path: Path) -> None:
    said = failure(core_sdk, MODEL, bad / "unfrozen")
    assert "variables/variables.index" in said
    folder = tmp_path / "text"
    shutil.copytree(core_sdk.models / "text", folder)
    shutil.rmtree(folder / "assets")
    assert "capitals.txt" in failure(core_sdk, MODEL, folder)


def test_target_lists_the_names_that_it_knows(core_sdk_squeezenet: Sdk, bad: Path, tmp_path: Path) -> None:
    sdk, model = core_sdk_squeezenet, bad / "small"
    np.save(tmp_path / "x.npy", np.zeros((1, 12, 12, 3), np.float32))
    said = failure(sdk, INPUT, model, "--signature", "run")
    assert "'run'" in said and "'classify'" in said and "'describe'" in said
    assert "--signature" in failure(sdk, INPUT, model)
    describe = (model, "--signature", "describe")
    said = failure(sdk, INPUT, *describe, "--input", f"picture={tmp_path}/x.npy")
    assert "'picture'" in said and "'image'" in said
    said = failure(sdk, INPUT, *describe, "--fetch", "sum")
    assert "'sum'" in said and "'features'" in said and "'scores'" in said
    said = failure(sdk, INPUT, bad / "small.pb", "--signature", "run")
    assert "'run'" in said and "'serving_default'" in said


def test_target_inputs_that_do_not_fit(core_sdk_squeezenet: Sdk, bad: Path, tmp_path: Path) -> None:
    image = np.zeros((1, 12, 12, 3), np.float32)
    for words in ((bad / "small.pb",), (bad / "small", "--signature", "classify")):

        def fed(values: object, words: tuple[object, ...] = words) -> str:
            np.save(tmp_path / "in.npy", values)
            return failure(core_sdk_squeezenet, INPUT, *words, "--input", f"image={tmp_path}/in.npy")

        said = fed(image.astype(np.int32))
        assert "'image'" in said and "float32" in said and "int32" in said
        said = fed(image[0])
        assert "[12, 12, 3]" in said and "[1, 12, 12, 3]" in said
        assert "[1, 13, 12, 3]" in fed(np.zeros((1, 13, 12, 3), np.float32))
        assert "string" in fed(np.array([b"coffee"]))


def test_target_names_ops_that_the_library_lacks(core_sdk_squeezenet: Sdk, bad: Path) -> None:
    said = failure(core_sdk_squeezenet, UNSUPPORTED, bad / "angle.pb")
    assert "Atan2" in said and "corner" in said
    said = failure(core_sdk_squeezenet, UNSUPPORTED, bad / "unfrozen")
    assert all(word in said for word in ("VarHandleOp", "'weight'", "ReadVariableOp", "'read'"))
    # The op is there, but not for this type.
    assert "Relu" in failure(core_sdk_squeezenet, UNSUPPORTED, bad / "double.pb")


def test_target_a_graph_of_a_later_tensorflow(core_sdk_squeezenet: Sdk, bad: Path) -> None:
    assert "99999" in failure(core_sdk_squeezenet, MODEL, bad / "later.pb")
    assert "FutureConv" in failure(core_sdk_squeezenet, UNSUPPORTED, bad / "future.pb")


def end(sdk: Sdk, words: Sequence[str | Path]) -> str:
    """How tfport-run ends: by an exit code that is documented, or in another way."""
    try:
        code = sdk.run(sdk.runner, *words, timeout=120).returncode
    except CommandTimedOut:
        return "hang"
    return {DONE: "ran", MODEL: "refused", UNSUPPORTED: "op", INPUT: "input", INVOKE: "failed"}.get(
        code, f"code {code}"
    )


def judged(sdk: Sdk, models: Iterator[Path], count: int, *words: str) -> None:
    """None crashes or hangs; and enough of them are not so broken that nothing but the reader sees them."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = Counter(pool.map(lambda model: end(sdk, [model, *words]), models))
    assert sum(ends.values()) == count
    assert set(ends) <= {"ran", "refused", "op", "input", "failed"}, ends
    assert ends["ran"] >= count // 20 and count - ends["refused"] >= count // 5, ends


def graphs(original: Path, folder: Path, count: int, largest: int = SMALL) -> Iterator[Path]:
    """Corrupted copies of a GraphDef."""
    data = original.read_bytes()
    for number, mutant in enumerate(graph_mutants(data, count, largest=largest)):
        path = folder / f"{number}.pb"
        path.write_bytes(mutant)
        yield path


def saved_models(original: Path, folder: Path, count: int) -> Iterator[Path]:
    """Corrupted copies of a SavedModel."""
    data = (original / "saved_model.pb").read_bytes()
    for number, mutant in enumerate(graph_mutants(data, count, META_GRAPHS, GRAPH_DEF)):
        path = folder / str(number)
        shutil.copytree(original, path)
        (path / "saved_model.pb").write_bytes(mutant)
        yield path


@pytest.mark.parametrize("count", FEW_AND_MANY)
def test_corrupted_graphs_never_crash_or_hang(
    core_sdk_squeezenet: Sdk, bad: Path, tmp_path: Path, count: int
) -> None:
    judged(core_sdk_squeezenet, graphs(bad / "small.pb", tmp_path, count), count)


@pytest.mark.parametrize("count", FEW_AND_MANY)
def test_corrupted_saved_models_never_crash_or_hang(
    core_sdk_squeezenet: Sdk, bad: Path, tmp_path: Path, count: int
) -> None:
    models = saved_models(bad / "small", tmp_path, count)
    judged(core_sdk_squeezenet, models, count, "--signature", "classify")


def test_corrupted_tables_and_strings_never_crash_or_hang(core_sdk: Sdk, tmp_path: Path) -> None:
    judged(core_sdk, saved_models(core_sdk.models / "text", tmp_path, 500), 500)


def test_corrupted_quantised_graphs_never_crash_or_hang(
    core_sdk: Sdk, core_paths: dict[str, Path], tmp_path: Path
) -> None:
    # Weights count: kernels quantise them by the range that they have, were it infinite.
    judged(core_sdk, graphs(core_paths["quantised.pb"], tmp_path, 500, largest=1 << 20), 500)
