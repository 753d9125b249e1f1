"""Models whose weights tfport-pack packed ahead of time: the same bits, less to do, never a wrong result."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import GC, HERE, PROGRAMS, Sdk, home
from tfport.catalogue import Shelf
from tfport.emulator import Emulator, build_counter
from tfport.flat import Flat
from tfport.host import Host

pytestmark = pytest.mark.e2e
OPS = ("mixed", "mixed_int8", "deconv", "deconv_int8", "shared", "shared_int8")
REFUSED = (3, 6)  # of packed.c: by the verifier, or when the interpreter is made
MUTANTS = 300
MAGIC = b"tfportPW"


@pytest.fixture(scope="module")
def program(sdk_all: Sdk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    return sdk_all.c_program(PROGRAMS / "packed.c", folder / "packed", "-D_GNU_SOURCE", "-static", *GC)


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of packed_models.py."""
    folder = tmp_path_factory.mktemp("ops")
    words = [sys.executable, str(HERE / "packed_models.py"), str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def squeezenet_int8(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    host = Host(home() / "models", tmp_path_factory.mktemp("host") / "host.log")
    model = next(m for m in shelf.catalogue.models if m.form == "squeezenet-int8")
    path = host.converted(model, shelf)
    host.work()
    return path


def pack(sdk: Sdk, model: Path, folder: Path, *options: str) -> tuple[Path, dict[str, Any]]:
    output = folder / f"packed-{model.name}"
    done = sdk.run(sdk.folder / "bin" / "tfport-pack", model, output, "--json", *options)
    assert done.returncode == 0, done.stderr
    return output, json.loads(done.stdout)


def run(sdk: Sdk, program: Path, model: Path, mode: str = "default") -> dict[str, Any]:
    done = sdk.run(program, mode, model, "1")
    assert done.returncode == 0, (done.returncode, done.stderr)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def check_same(sdk: Sdk, program: Path, model: Path, packed: Path, facts: dict[str, Any]) -> None:
    """The same bits, with packed weights in place and not in memory."""
    plain = run(sdk, program, model)
    for mode in ("default", "explicit", "cached"):
        got = run(sdk, program, packed, mode)
        assert got["sum"] == plain["sum"] and got["packed"] == facts["packed_bytes"]
        assert got["memory"] <= plain["memory"] - facts["packed_bytes"] + 1024


@pytest.mark.parametrize("name", OPS)
def test_every_op_that_packs_gives_the_same_bits(
    sdk_all: Sdk, program: Path, ops: Path, tmp_path: Path, name: str
) -> None:
    packed, facts = pack(sdk_all, ops / f"{name}.tflite", tmp_path)
    # XNNPACK has no transposed convolution with a scale for each channel.
    assert (facts["packed_bytes"] > 0) == (name != "deconv_int8") and facts["start_up_bytes"] == 0
    assert packed.stat().st_size == facts["file_bytes"]
    check_same(sdk_all, program, ops / f"{name}.tflite", packed, facts)


@pytest.mark.parametrize("form", ["float32", "int8"])
def test_squeezenet_starts_without_packing(
    request: pytest.FixtureRequest, sdk_all: Sdk, program: Path, tmp_path: Path, form: str
) -> None:
    model = request.getfixturevalue("squeezenet" if form == "float32" else "squeezenet_int8")
    packed, facts = pack(sdk_all, model, tmp_path)
    check_same(sdk_all, program, model, packed, facts)
    # Nearly all of the model is weights, which the file holds once; floats of 3x3 kernels as Winograd's 6x6.
    assert packed.stat().st_size <= (2.4 if form == "float32" else 1.05) * model.stat().st_size
    counter, emulator = build_counter(home() / "tools"), Emulator.for_target(sdk_all.target)
    before, after = (
        emulator.count([program, "default", path, "0"], counter, 300)["total"] for path in (model, packed)
    )
    # A few instructions for each byte, to check it, instead of 35 for each weight (floats: of fewer bytes).
    share = 1 / 2 if form == "float32" else 1 / 3
    assert after < share * before and after <= 3 * packed.stat().st_size + 3_000_000, (before, after)


def test_without_xnnpack_plain_weights_are_needed(
    sdk_all: Sdk, program: Path, ops: Path, tmp_path: Path
) -> None:
    model = ops / "mixed_int8.tflite"
    packed, _ = pack(sdk_all, model, tmp_path)
    done = sdk_all.run(program, "off", packed, "1")
    assert done.returncode == 6 and "runs outside XNNPACK" in done.stderr and "--keep-weights" in done.stderr
    whole, facts = pack(sdk_all, model, tmp_path, "--keep-weights")
    assert facts["dropped_bytes"] == 0
    for mode in ("off", "default"):
        assert run(sdk_all, program, whole, mode)["sum"] == run(sdk_all, program, model, mode)["sum"]


def test_weights_of_minus_128_stay_with_other_kernels(
    sdk_all: Sdk, program: Path, ops: Path, tmp_path: Path
) -> None:
    def kernels(path: Path) -> int:
        done = sdk_all.run(sdk_all.runner, path, "--json")
        assert done.returncode == 0, done.stderr
        return len(json.loads(done.stdout)["kernels"])

    plain = ops / "mixed_int8.tflite"
    low, lower = tmp_path / "low.tflite", tmp_path / "lower.tflite"
    low.write_bytes(_with_lowest(plain.read_bytes(), 1))
    lower.write_bytes(_with_lowest(plain.read_bytes(), 4))
    assert kernels(plain) > kernels(low) > kernels(lower)
    packed, facts = pack(sdk_all, low, tmp_path)
    check_same(sdk_all, program, low, packed, facts)


def _with_lowest(data: bytes, kernels: int) -> bytes:
    """The model with -128 for every low weight of so many convolutions."""
    copy = bytearray(data)
    model = Flat(data).root()
    buffers = list(model.tables(4))
    for tensor in (tensor for graph in model.tables(2) for tensor in graph.tables(0)):
        start, size = buffers[tensor.scalar(2, "I")].span(0)
        if kernels and len(tensor.numbers(0, "i")) == 4 and size:
            kernels -= 1
            for place in range(start, start + size):
                if 0x80 <= copy[place] < 0xA0:
                    copy[place] = 0x80
    assert kernels == 0
    return bytes(copy)


def test_damaged_files_never_give_a_wrong_result(
    sdk_all: Sdk, program: Path, ops: Path, tmp_path: Path
) -> None:
    """Every byte may change, weights too, and any part of the end may be missing."""
    good: dict[str, str] = {}
    copies = []
    for name, options in (
        ("mixed", ()),
        ("mixed_int8", ()),
        ("deconv", ()),
        ("mixed_int8", ("--keep-weights",)),
    ):
        packed, _ = pack(sdk_all, ops / f"{name}.tflite", tmp_path, *options)
        data = packed.read_bytes()
        for number, copy in enumerate(_damaged(data, MUTANTS // 4, len(copies))):
            path = tmp_path / f"{len(copies)}-{number}.tflite"
            path.write_bytes(copy)
            copies.append(path)
            good[path.name] = (
                run(sdk_all, program, ops / f"{name}.tflite")["sum"]
                if number == 0
                else good[f"{len(copies) - 1 - number}-0.tflite"]
            )
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda path: sdk_all.run(program, "default", path, "1"), copies))
    refused = 0
    for path, result in zip(copies, done):
        if result.returncode in REFUSED:
            refused += 1
            assert result.stderr.strip(), path
        else:
            assert result.returncode == 0, (path, result.returncode, result.stderr)
            assert json.loads(result.stdout)["sum"] == good[path.name], path
    assert refused > len(copies) / 2


def _damaged(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    header = data.rindex(MAGIC, 0, len(data) - 20)
    for number in range(count):
        if number % 5 == 0:
            yield data[: chance.randrange(8, len(data))]
            continue
        copy = bytearray(data)
        # Half of them where the numbers of the packed weights are.
        first, last = (header, header + 300) if number % 2 else (0, len(data))
        for _ in range(chance.choice((1, 1, 2, 4))):
            place = chance.randrange(first, min(last, len(data)))
            copy[place] = chance.choice((0, 1, 127, 255, copy[place] ^ (1 << chance.randrange(8))))
        yield bytes(copy)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("format", "packed in format 9"),
        ("library", "packed by library 1.2.3"),
        ("kernels", "other microkernels"),
    ],
)
def test_files_of_another_library_are_refused(
    sdk_all: Sdk, program: Path, ops: Path, tmp_path: Path, what: str, words: str
) -> None:
    model = ops / "mixed.tflite"
    for options, can_run in (((), False), (("--keep-weights",), True)):
        packed, _ = pack(sdk_all, model, tmp_path, *options)
        packed.write_bytes(_foreign(packed.read_bytes(), what))
        done = sdk_all.run(program, "default", packed, "1")
        if can_run:  # by packing at start-up, as always
            assert (
                done.returncode == 0 and json.loads(done.stdout)["sum"] == run(sdk_all, program, model)["sum"]
            )
        else:
            assert done.returncode == 6
        assert (can_run and what == "kernels") or words in done.stderr, done.stderr


def _foreign(data: bytes, what: str) -> bytes:
    """The file as another library would have written it: changed, with the checksums that go with it."""
    copy = bytearray(data)
    header = struct.unpack_from("<I", data, len(data) - 12)[0]
    weights = struct.unpack_from("<I", data, header + 24)[0]
    table, size = header + 80, 24 * weights
    if what == "format":
        struct.pack_into("<I", copy, header + 8, 9)
    elif what == "library":
        copy[header + 32 : header + 48] = b"1.2.3".ljust(16, b"\0")
    else:
        for place in range(table, table + size, 24):
            copy[place + 4] ^= 1  # the seed; the order by kernel stays
    struct.pack_into("<I", copy, header + 12, 0)
    parts = xxh32(bytes(copy[header:table])), xxh32(bytes(copy[table : table + size]))
    struct.pack_into("<I", copy, header + 12, xxh32(struct.pack("<2I", *parts)))
    return bytes(copy)


def xxh32(data: bytes) -> int:
    """The hash of packed files, by its definition."""
    primes = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
    mask = 0xFFFFFFFF

    def turn(value: int, bits: int) -> int:
        return (value << bits | (value & mask) >> (32 - bits)) & mask

    result = primes[4]
    if len(data) >= 16:
        lanes = [(primes[0] + primes[1]) & mask, primes[1], 0, -primes[0] & mask]
        for at in range(0, len(data) - 15, 16):
            for k, word in enumerate(struct.unpack_from("<4I", data, at)):
                lanes[k] = turn((lanes[k] + word * primes[1]) & mask, 13) * primes[0] & mask
        result = sum(turn(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & mask
    result = (result + len(data)) & mask
    for at in range(len(data) // 16 * 16, len(data) - 3, 4):
        result = (
            turn((result + struct.unpack_from("<I", data, at)[0] * primes[2]) & mask, 17) * primes[3] & mask
        )
    for byte in data[len(data) - len(data) % 4 :]:
        result = turn((result + byte * primes[4]) & mask, 11) * primes[0] & mask
    result = (result ^ result >> 15) * primes[1] & mask
    result = (result ^ result >> 13) * primes[2] & mask
    return result ^ result >> 16


def test_the_hash_is_that_of_its_definition() -> None:
    assert (xxh32(b""), xxh32(b"abc")) == (0x02CC5D05, 0x32D153FF)


def test_the_packer_refuses_what_it_cannot_pack(sdk_all: Sdk, ops: Path, tmp_path: Path) -> None:
    packer = sdk_all.folder / "bin" / "tfport-pack"
    packed, _ = pack(sdk_all, ops / "mixed.tflite", tmp_path)
    (tmp_path / "text.tflite").write_text("no model")
    for words, code, said in (
        ((packed, tmp_path / "x"), 3, "packed already"),
        ((tmp_path / "text.tflite", tmp_path / "x"), 3, "not a TensorFlow Lite model"),
        ((ops / "mixed.tflite", tmp_path / "none" / "x"), 2, "cannot write"),
        ((ops / "mixed.tflite",), 2, "--help"),
    ):
        done = sdk_all.run(packer, *words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "x").exists() and not list(tmp_path.rglob("*.part"))


def test_a_model_is_a_flatbuffer_still(sdk_all: Sdk, ops: Path, tmp_path: Path) -> None:
    """Buffers that are outside keep their size, and lie where the file says."""
    packed, facts = pack(sdk_all, ops / "mixed.tflite", tmp_path)
    data = packed.read_bytes()
    outside = [
        (b.scalar(1, "Q"), b.scalar(2, "Q")) for b in Flat(data).root().tables(4) if b.scalar(1, "Q") > 1
    ]
    assert sum(size for _, size in outside) == facts["dropped_bytes"]
    assert all(offset % 64 == 0 and offset + size <= len(data) for offset, size in outside)
