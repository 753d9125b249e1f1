"""tfport-run on graphs and SavedModels of TensorFlow itself: results, names, errors and broken files."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.integration import core_models
from tests.integration.native_core import (
    HEAP_WRAPPERS,
    RUNTIME,
    Runner,
    compile_all,
    library,
    link,
    needs_host,
    runner_sources,
)
from tfport.inputs import seeded_input

pytestmark = needs_host
MUTANTS = 100  # of each kind of file


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    program = [sys.executable, core_models.__file__, str(folder)]
    subprocess.run(program, check=True, capture_output=True, env=environment)
    return folder


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def runner(objects: list[Path], models: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("runner")
    wrappers = [f"-Wl,--wrap={name}" for name in HEAP_WRAPPERS.split()]
    program = link(folder / "tfport-run", [*compile_all(folder, runner_sources()), *objects], *wrappers)
    return Runner(program, models)


def feed(folder: Path, **arrays: npt.ArrayLike) -> list[str]:
    """The arguments that feed these inputs."""
    words = []
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
        words += ["--input", f"{name}={folder / name}.npy"]
    return words


def test_every_type_goes_in_and_out(runner: Runner, tmp_path: Path) -> None:
    done = runner("types.pb", "--seed", "5", output=tmp_path)
    assert done.code == 0, done.said
    names = sorted(f"{name}_in" for name in [*core_models.NUMBERS.split(), "bool", "string"])
    assert [each["name"] for each in done.report["inputs"]] == names
    for index, name in enumerate(names):
        dtype = name[: -len("_in")]
        given = seeded_input(5, index, (1, 3), dtype)
        got = done.outputs[f"{dtype}_out"]
        if dtype == "string":
            assert got == [text * 2 for text in given.reshape(-1).tolist()]
        else:
            assert np.array_equal(got, ~given if dtype == "bool" else given + given), dtype


def test_strings_of_any_bytes_and_length(runner: Runner, tmp_path: Path) -> None:
    texts = [b"", b"\xff\xfe", "drei\u20ac".encode(), b"x" * 1000, b"in\0side", b"23 bytes, 24 bytes..."]
    words = feed(tmp_path, string_in=np.array(texts).reshape(2, 3))
    done = runner("types.pb", *words, "--fetch", "string_out", output=tmp_path / "out")
    assert done.outputs == {"string_out": [text * 2 for text in texts]}
    empty = feed(tmp_path, string_in=np.zeros((0, 3), "S1"), int8_in=np.zeros((0, 3), np.int8))
    done = runner("types.pb", *empty, "--fetch=int8_out", "--fetch=string_out", output=tmp_path / "none")
    assert done.outputs["string_out"] == [] and done.outputs["int8_out"].shape == (0, 3)


def test_quantised_integers_are_plain_ones_in_files(runner: Runner, tmp_path: Path) -> None:
    words = feed(tmp_path, x=np.array([0, 1, 128, 255], np.uint8), y=np.array([-128, -1, 0, 127], np.float32))
    done = runner("quantised.pb", *words, output=tmp_path / "out")
    assert done.outputs["numbers"].tolist() == [0, 1, 128, 255]
    assert done.outputs["bytes:0"].tolist() == [-128, -1, 0, 127]
    assert [each["name"] for each in done.report["outputs"]] == ["bytes:0", "bytes:1", "bytes:2", "numbers"]


@pytest.mark.parametrize("words", [(), ("--threads", "4"), ("--no-xnnpack", "--repeat", "3")])
@pytest.mark.parametrize("name", ["net.pb", "gpu.pb"])
def test_a_net_gives_what_tensorflow_gives(
    runner: Runner, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    expected = np.load(runner.models / "net.npz")
    done = runner(name, *feed(tmp_path, image=expected["image"]), *words, output=tmp_path / "out")
    assert done.code == 0, done.said
    assert list(done.outputs) == ["hundredths", "scores", "text"]
    assert np.abs(done.outputs["scores"] - expected["scores"]).max() <= 1e-4
    assert np.array_equal(done.outputs["hundredths"], expected["hundredths"])
    assert done.outputs["text"] == expected["text"].tolist()


def test_signatures(runner: Runner, tmp_path: Path) -> None:
    image = seeded_input(1, 0, (5, 4), "float32")
    done = runner("several", *feed(tmp_path, image=image), output=tmp_path / "default")
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    assert np.abs(done.outputs["scores"] - image @ weights).max() < 1e-4
    assert done.outputs["top"].tolist() == (image @ weights).argmax(-1).tolist()

    words = feed(tmp_path, words=np.array([[b"zwei", b"vier"]]))
    done = runner("several", "--signature", "look_up", *words, output=tmp_path / "table")
    assert done.outputs["ids"].tolist() == [[2, -1]] and done.outputs["upper"] == [b"ZWEI", b"VIER"]

    for name, more in (("several", ("--signature", "count")), ("only_one", ())):
        step = feed(tmp_path, step=np.int64(5))
        done = runner(name, *more, *step, "--warmup", "1", "--repeat", "2", output=tmp_path / name)
        assert (done.outputs["total"], done.outputs["power"]) == (15, 16)
    done = runner("constants", *feed(tmp_path, **{"in": np.float32([[1, 2]])}), output=tmp_path / "constants")
    assert done.outputs["out"].tolist() == [[3, 6]]


def test_report(runner: Runner) -> None:
    report = runner("several", "--repeat", "3", "--threads", "2").report
    assert (report["runtime"], report["version"]) == ("tensorflow", "2.14.1")
    assert (report["target"], report["threads"]) == ("this machine", 2)
    assert report["inputs"] == [{"name": "image", "dtype": "float32", "shape": [1, 4]}]
    assert len(report["seconds_per_inference"]) == 3
    assert (report["xnnpack"], report["delegated_nodes"]) == (True, 2)
    files = [path for path in (runner.models / "several").rglob("*") if path.is_file()]
    assert report["model_bytes"] == sum(path.stat().st_size for path in files)
    report = runner("net.pb", "--no-xnnpack").report
    assert (report["xnnpack"], report["delegated_nodes"]) == (False, 0)
    assert report["model_bytes"] == (runner.models / "net.pb").stat().st_size
    assert report["nodes"] == 29


def test_says_nothing_of_its_own_unless_asked(runner: Runner) -> None:
    for name in ("net.pb", "several"):
        done = runner.words(name)
        assert (done.returncode, done.stderr) == (0, "")
        assert "output" in done.stdout
    assert "INFO: Reading SavedModel from" in runner.words("several", "--verbose").stderr


def test_inputs_go_by_the_names_of_their_tensors_too(runner: Runner, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    for name in ("image", "serving_default_image", "serving_default_image:0"):
        done = runner("several", "--input", f"{name}={tmp_path}/x.npy", output=tmp_path / "out")
        assert done.outputs["scores"].tolist() == [[18, 22, 26]]
    np.save(tmp_path / "x.npy", np.ones((1, 8, 8, 3), np.float32))
    assert runner("net.pb", "--input", f"image:0={tmp_path}/x.npy").code == 0


def test_unknown_names_list_the_known_ones(runner: Runner, tmp_path: Path) -> None:
    for words, known in (
        (("several", "--signature", "lookup"), "'count', 'look_up', 'serving_default'"),
        (("no_default",), "'count', 'look_up' with --signature"),
        (("net.pb", "--signature", "main"), "'serving_default'"),
        (("several", "--fetch", "probs"), "'scores', 'top'"),
        (("net.pb", "--fetch", "score"), "'hundredths', 'scores', 'text'"),
        (("several", *feed(tmp_path, picture=np.zeros((1, 4), np.float32))), "'image'"),
    ):
        done = runner(*words)
        assert done.code == 5 and known in done.error, words
    assert runner("net.pb", "--signature", "serving_default").code == 0


def test_inputs_that_do_not_fit(runner: Runner, tmp_path: Path) -> None:
    for array, said in (
        (np.zeros((1, 5), np.float32), "[-1, 4]"),
        (np.zeros(4, np.float32), "[4]"),
        (np.zeros((1, 4), np.float64), "float64"),
    ):
        done = runner("several", *feed(tmp_path, image=array))
        assert done.code == 5 and "'image'" in done.error and said in done.error
    assert "which cannot be fed" in runner("resource.pb").error
    done = runner("shapes.pb")
    assert done.code == 5 and "'free'" in done.error and "--input" in done.error


def test_open_shapes(runner: Runner, tmp_path: Path) -> None:
    words = feed(
        tmp_path,
        free=np.arange(8, dtype=np.float32).reshape(4, 1, 2),
        left=np.ones((2, 3), np.float32),
        right=np.ones((3, 1), np.float32),
    )
    done = runner("shapes.pb", *words, output=tmp_path / "out")
    assert done.outputs["size"] == 8 and done.outputs["product"].tolist() == [[3], [3]]
    assert done.outputs["halves:1"].tolist() == [[[4, 5]], [[6, 7]]]
    # What only the kernel knows not to fit.
    np.save(tmp_path / "left.npy", np.ones((2, 4), np.float32))
    done = runner("shapes.pb", *words)
    assert done.code == 6 and "[2,4]" in done.error and "(node 'product')" in done.error


def test_ops_without_definition_or_kernel_are_named(runner: Runner) -> None:
    done = runner("unknown_op.pb")
    assert done.code == 4
    assert "Hardmax (node 'scores')" in done.error and "MinPool (node 'MaxPool2d')" in done.error
    done = runner("no_kernel.pb")
    assert done.code == 4 and "NcclAllReduce" in done.error and "node reduced" in done.error


def test_models_that_cannot_be_run_say_why(runner: Runner, tmp_path: Path) -> None:
    for name, said in (
        ("newer.pb", "99999"),
        ("cycle.pb", "cycle"),
        ("tags", "'serve tpu'"),
        ("sparse", "sparse"),
        ("dangling", "'q:0'"),
        ("missing.pb", "No such file"),
        ("several/saved_model.pb", "folder"),
        ("several/variables", "saved_model.pb"),
        ("several/variables/variables.index", "no graph of TensorFlow"),
    ):
        done = runner(name)
        assert done.code == 3 and said in done.error, (name, done.error)
    keras = tmp_path / "net.keras"
    keras.write_bytes(b"PK\x03\x04")
    done = runner(str(keras))
    assert done.code == 3 and "SavedModel that build.py made of it" in done.error


def test_a_saved_model_without_its_parts(runner: Runner, tmp_path: Path) -> None:
    whole = runner.models / "several"

    def without(name: str) -> str:
        copy = tmp_path / name.replace("/", "-")
        shutil.copytree(whole, copy)
        part = copy / name
        shutil.rmtree(part) if part.is_dir() else part.unlink()
        return str(copy)

    done = runner(without("variables"))
    assert done.code == 3 and "without its variables" in done.error
    done = runner(without("variables/variables.data-00000-of-00001"))
    assert done.code == 3 and "variables" in done.error
    done = runner(without("assets/words.txt"))
    assert done.code == 3 and "words.txt" in done.error
    done = runner(without("saved_model.pb"))
    assert done.code == 3 and "saved_model.pb" in done.error


def test_an_assertion_inside_tensorflow_is_an_error(runner: Runner) -> None:
    done = runner("assertion")
    assert done.code == 3 and "TensorFlow gave up: Check failed" in done.error
    assert done.said.count("Check failed") == 1
    done = runner("constant.pb")
    assert done.code == 3 and "'weights' has a value of another type" in done.error


@pytest.mark.parametrize("name", ["net.pb", "several/saved_model.pb"])
def test_files_cut_short_are_refused(runner: Runner, tmp_path: Path, name: str) -> None:
    data = (runner.models / name).read_bytes()
    for length in (0, 1, 7, len(data) // 3, len(data) // 2, len(data) - 1):
        done = runner(_broken(runner, tmp_path, name, data[:length]))
        assert done.code == 3, (length, done)


def _broken(runner: Runner, folder: Path, name: str, data: bytes) -> str:
    """A copy of a model with other content in one file; what to run."""
    if "/" not in name:
        (folder / name).write_bytes(data)
        return str(folder / name)
    model = folder / name.split("/")[0]
    if not model.exists():
        shutil.copytree(runner.models / model.name, model)
    (folder / name).write_bytes(data)
    return str(model)


@pytest.mark.parametrize("name", ["net.pb", "several/saved_model.pb", "several/variables/variables.index"])
def test_corrupted_files_never_crash_it(runner: Runner, tmp_path: Path, name: str) -> None:
    data = (runner.models / name).read_bytes()
    rng = random.Random(name)
    ends: Counter[int] = Counter()
    for _ in range(MUTANTS):
        mutant = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            place = rng.randrange(len(mutant))
            old = mutant[place]
            near = (old ^ (1 << rng.randrange(8)), (old + 1) & 255, (old - 1) & 255)
            mutant[place] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256), *near))
        ends[runner(_broken(runner, tmp_path, name, bytes(mutant))).code] += 1
    assert set(ends) <= {0, 3, 4, 5, 6}, ends
    assert 0 < ends[3] < MUTANTS, ends


def test_example(objects: list[Path], models: Path, tmp_path: Path) -> None:
    source = RUNTIME / "examples" / "classify_core.c"
    program = link(tmp_path / "classify", [*compile_all(tmp_path, [source]), *objects])
    image = np.array([[1, 3]], np.float32)
    np.save(tmp_path / "image.npy", image)
    (tmp_path / "image.raw").write_bytes(image.tobytes())

    def classify(*words: object) -> subprocess.CompletedProcess[str]:
        argv = [program, *map(str, words)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60)

    for name in ("image.npy", "image.raw"):
        assert classify(models / "constants", tmp_path / name).stdout == "1 9.000000\n"
    done = classify(models / "several", tmp_path / "image.raw", "serving_default_image", "no_such")
    assert done.returncode == 1 and "no such input or output" in done.stderr
    np.save(tmp_path / "image.npy", np.array([[1, 3, 5]], np.float32))
    done = classify(models / "constants", tmp_path / "image.npy")
    assert done.returncode == 1 and "not an image of that size" in done.stderr
    assert "Could not find SavedModel" in classify(models / "net.pb", tmp_path / "image.npy").stderr
