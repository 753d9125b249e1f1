"""The library with every op of the port: a model that it was not built for runs as on the host.

The graph has what only this library compiles: kernels that share names with their neighbours, and those whose
sources the port changes. Building it takes long; TFPORT_SDK_CORE_ALL names one that is built already.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.support import Sdk, on_board, tfport
from tfport.core.port import read_port
from tfport.target import ROOT, Target
from tfport.target_run import read_output

pytestmark = [pytest.mark.e2e, pytest.mark.full]
TOLERANCE = 1e-4  # of the largest value of the reference, or of 1
OUTPUTS = (
    "spectrogram",
    "matches",
    "matches_static",
    "replaced",
    "sparse_sum",
    "random",
    "summed",
    "read",
)


@pytest.fixture(scope="module")
def sdk(zuluko: Target, core_paths: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    ready = os.environ.get("TFPORT_SDK_CORE_ALL")
    folder = Path(ready) if ready else tmp_path_factory.mktemp("core-all") / "sdk"
    if not ready:
        words = ("--runtime", "tensorflow", "--ops", "all", "--model", core_paths["squeezenet.pb"])
        done = tfport("--target", zuluko.name, *words, "--output", folder, timeout=4 * 3600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return Sdk(folder, zuluko, "tensorflow-core")


def odd_graph(tf: Any) -> Any:
    """A graph that computes OUTPUTS from the placeholders audio, words and picture."""
    with tf.Graph().as_default() as graph:
        v1, raw = tf.compat.v1, tf.raw_ops
        audio = v1.placeholder(tf.float32, [400, 1], "audio")
        words = v1.placeholder(tf.string, [3], "words")
        picture = v1.placeholder(tf.float32, [1, 5, 7, 3], "picture")
        raw.AudioSpectrogram(input=audio, window_size=100, stride=50, name="spectrogram")
        pattern = tf.strings.join(["^", "t.*t$"])
        raw.RegexFullMatch(input=words, pattern=pattern, name="matches")
        raw.StaticRegexFullMatch(input=words, pattern="b.+", name="matches_static")
        raw.StaticRegexReplace(input=words, pattern="a", rewrite="-", name="replaced")
        indices = tf.constant([[0, 1], [2, 3]], tf.int64)
        shape = tf.constant([5, 7], tf.int64)
        two = tf.stack([picture[0, 0, 0, 0], picture[0, 1, 1, 1]])
        raw.SparseDenseCwiseAdd(
            sp_indices=indices, sp_values=two, sp_shape=shape, dense=picture[0, :, :, 0], name="sparse_sum"
        )
        state = tf.constant([7, 9], tf.int64)
        key, counter = raw.StatelessRandomGetKeyCounter(seed=state)
        raw.StatelessRandomUniformV2(shape=[4], key=key, counter=counter, alg=1, name="random")
        resized = raw.ResizeBilinear(images=picture, size=[9, 4], name="resized")
        bias = raw.BiasAdd(value=resized, bias=tf.constant([1.0, 2.0, 3.0]))
        raw.AddV2(x=bias, y=resized, name="summed")
        variant = raw.SerializeSparse(
            sparse_indices=indices, sparse_values=two, sparse_shape=shape, out_type=tf.variant
        )
        _, values, _ = raw.DeserializeSparse(serialized_sparse=variant, dtype=tf.float32)
        tf.identity(values, "read")
    return graph


def test_a_model_it_was_not_built_for_runs_as_on_the_host(sdk: Sdk, tmp_path: Path) -> None:
    import tensorflow as tf

    graph = odd_graph(tf)
    values = np.random.default_rng(3)
    feeds = {
        "audio": values.standard_normal((400, 1)).astype(np.float32),
        "words": np.array([b"tent", b"banana", b"tart!"]),
        "picture": values.standard_normal((1, 5, 7, 3)).astype(np.float32),
    }
    (tmp_path / "odd.pb").write_bytes(graph.as_graph_def().SerializeToString())
    words: list[str | Path] = [sdk.runner, tmp_path / "odd.pb", "--json", "--output", tmp_path]
    for name, value in feeds.items():
        np.save(tmp_path / f"{name}.npy", value)
        words += ["--input", f"{name}={tmp_path / name}.npy"]
    done = on_board(sdk.target, words)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = json.loads(done.stdout)["outputs"]
    found = {each["name"]: read_output(tmp_path / each["file"]) for each in outputs}
    with tf.compat.v1.Session(graph=graph) as session:
        given = {f"{name}:0": value for name, value in feeds.items()}
        wanted = dict(zip(OUTPUTS, session.run([f"{name}:0" for name in OUTPUTS], given)))
    assert {name.partition(":")[0] for name in found} == set(OUTPUTS)
    for name, value in found.items():
        reference = wanted[name.partition(":")[0]]
        assert value.shape == reference.shape, name
        if reference.dtype.kind == "f":
            limit = TOLERANCE * max(1.0, float(np.abs(reference).max()))
            assert float(np.abs(value - reference).max()) <= limit, name
        else:
            assert value.tolist() == reference.tolist(), name


def test_check_says_that_it_runs(sdk: Sdk, core_paths: dict[str, Path]) -> None:
    done = tfport("check", "--sdk", sdk.folder, "--model", core_paths["squeezenet.pb"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_serves_every_op_of_the_port(sdk: Sdk) -> None:
    assert set(sdk.report["operators"]["ops"]) >= read_port(ROOT)
