from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.bench_fakes import case, lite_model, tensor
from tests.unit.lite_bytes import ModelBytes
from tfport.bench import arm_compute, ncnn_graph, unpacked
from tfport.bench.cases import real
from tfport.bench.engines import Engine
from tfport.bench.peers import GUEST, Peer, available, described, packages
from tfport.errors import ConversionFailed, NoNetwork
from tfport.model import read_tflite
from tfport.sources import SourceCache, SourceRef
from tfport.target import load_target

ZULUKO = load_target("zuluko")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    yield None


class Shop:
    """Stands for the package indexes; ``sold_out`` cannot be had."""

    def __init__(self, folder: Path, sold_out: str = "") -> None:
        self.folder, self.sold_out, self.asked = folder, sold_out, 0

    def fetch(self, refs: list[SourceRef], cache: Any, told: Any, offline: bool) -> list[Path]:
        self.asked += 1
        files = []
        for ref in refs:
            if self.sold_out and self.sold_out in ref.url:
                raise NoNetwork(f"no network: {ref.filename} is missing")
            path = self.folder / ref.filename
            with zipfile.ZipFile(path, "w") as wheel:
                wheel.writestr("lib.so", "code")
            files.append(path)
        return files


def got(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Engine], list[str]]:
    monkeypatch.setattr(unpacked, "fetch", shop.fetch)
    monkeypatch.setattr(unpacked, "_unpack_debian", lambda file, into: (into / file.name).touch())
    return available(ZULUKO, SourceCache(folder / "s"), folder / "tools", folder / "work", quiet)


def test_what_is_pinned_can_be_asked_for() -> None:
    """Every file has a sha256 and a form that the fetcher reads, and every driver is there."""
    assert all(ref.url.startswith("debian:bookworm/") for ref in packages())
    assert all(ref.filename.endswith("_armhf.deb") for ref in arm_compute.packages())
    for peer in described():
        assert SourceRef(peer.wheel, peer.sha256).filename.endswith("armv7l.whl")
        assert (GUEST / peer.script).is_file()
        assert peer.graph in ("tflite", "ncnn")


def test_peers_are_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path)
    found, left_out = got(tmp_path, shop, monkeypatch)
    assert [peer.name for peer in found] == [*(peer.name for peer in described()), "libarm-compute"]
    assert left_out == []
    *wheels, library = found
    assert all(isinstance(peer, Peer) and (peer.site / "lib.so").is_file() for peer in wheels)
    assert isinstance(library, arm_compute.ArmComputePeer)
    assert len(list(library.root.iterdir())) == len(arm_compute.packages())
    asked = shop.asked
    got(tmp_path, shop, monkeypatch)
    assert shop.asked == asked
    assert not [path for path in (tmp_path / "tools").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("sold_out", "peers"),
    [("ncnn", ["tflite-runtime", "libarm-compute"]), ("libarm-compute43", ["ncnn", "tflite-runtime"])],
)
def test_a_peer_that_cannot_be_had_is_left_out_with_a_line(
    sold_out: str, peers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, left_out = got(tmp_path, Shop(tmp_path, sold_out), monkeypatch)
    assert [peer.name for peer in found] == peers
    [line] = left_out
    assert line.startswith(f"{sold_out.rstrip('43')} is left out") and "no network" in line


def test_without_the_guests_python_there_are_no_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, [line] = got(tmp_path, Shop(tmp_path, "numpy"), monkeypatch)
    assert [peer.name for peer in found] == ["libarm-compute"]
    assert "wheels are left out" in line


def test_peers_need_an_operating_system(tmp_path: Path) -> None:
    found, [line] = available(
        load_target("zuluko-baremetal"), SourceCache(tmp_path), tmp_path, tmp_path, quiet
    )
    assert found == [] and "operating system" in line


def test_peers_run_one_thread_and_one_picture(tmp_path: Path) -> None:
    peer = Peer(described()[0], ZULUKO, tmp_path, tmp_path, tmp_path)
    assert peer.refuses(case(), 1) == ""
    assert "one thread" in peer.refuses(case(), 4)
    two = lite_model()
    graph = replace(two.graphs[0], inputs=(0, 1))
    assert "one input" in peer.refuses(replace(case(), lite=replace(two, graphs=(graph,))), 1)


@pytest.mark.parametrize(("given", "words"), [({"builtin": 14}, "LOGISTIC"), ({}, "ADD of a constant")])
def test_what_is_not_written_for_ncnn_is_named(tmp_path: Path, given: dict[str, int], words: str) -> None:
    (tmp_path / "m.tflite").write_bytes(ModelBytes(**given).build())
    with pytest.raises(ConversionFailed, match=words):
        ncnn_graph.write_ncnn(read_tflite(tmp_path / "m.tflite"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sum_of_what_two_layers_read_is_written_for_ncnn(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(ModelBytes(node_inputs=(0, 0)).build())
    written = ncnn_graph.write_ncnn(read_tflite(tmp_path / "m.tflite"), tmp_path)
    assert written.read_text().splitlines()[2:] == [
        "Input in 0 1 t0",
        "Split split_0 1 2 t0 t0_0 t0_1",
        "BinaryOp layer0 2 1 t0_0 t0_1 t2 0=0",
    ]


def test_a_symmetric_scale_holds_the_whole_range() -> None:
    """-3 is the zero point: the range is 130 steps upwards and 125 down."""
    quantised = replace(tensor("t", (1,), "int8", 0.5), zero_points=(-3,))
    assert ncnn_graph.activation_scale(quantised) == pytest.approx(127 / (130 * 0.5))


def test_stored_numbers_stand_for_real_ones() -> None:
    quantised = replace(tensor("t", (2,), "int8", 0.5), zero_points=(-3,))
    assert real(np.array([-3, 1], dtype=np.int8), quantised).tolist() == [0.0, 2.0]
    floats = np.array([1.5], dtype=np.float32)
    assert real(floats, tensor("t", (1,))) is floats
