"""TensorFlow Lite without an operating system: an SDK cut to SqueezeNet on an emulated board."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.baremetal_images import PROGRAMS
from tests.e2e.conftest import build
from tests.e2e.support import ESPRESSO, Sdk, home
from tfport.catalogue import Shelf
from tfport.emulator import Emulator, build_counter
from tfport.errors import EmulatorFailed
from tfport.host import Host
from tfport.image import EXAMPLE, boot, build_image, hash_of
from tfport.inputs import Array, photograph, save_inputs
from tfport.model import LiteModel, read_tflite
from tfport.pack import FOLDER, pack_models
from tfport.target import Target, load_target
from tfport.target_run import PROGRAM, Runner, Setting

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def board() -> Target:
    return load_target("zuluko-baremetal")


@pytest.fixture(scope="module")
def nets(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, LiteModel]:
    """SqueezeNet as float32 and as int8, by type."""
    host = Host(home() / "models", tmp_path_factory.mktemp("host") / "host.log")
    forms = {"float32": "squeezenet-float32", "int8": "squeezenet-int8"}
    paths = {
        name: host.converted(next(m for m in shelf.catalogue.models if m.form == form), shelf)
        for name, form in forms.items()
    }
    host.work()
    return {name: read_tflite(path) for name, path in paths.items()}


@pytest.fixture(scope="module")
def bare(board: Target, nets: dict[str, LiteModel], tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    ready = os.environ.get("TFPORT_SDK_BAREMETAL")
    if ready:
        return Sdk(Path(ready), board)
    words = [word for net in nets.values() for word in ("--model", str(net.path))]
    return build(tmp_path_factory.mktemp("bare"), board, *words)


@pytest.fixture(scope="module")
def linux(zuluko: Target, nets: dict[str, LiteModel], tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    ready = os.environ.get("TFPORT_SDK")
    if ready:
        return Sdk(Path(ready), zuluko)
    words = [word for net in nets.values() for word in ("--model", str(net.path))]
    return build(tmp_path_factory.mktemp("linux"), zuluko, *words, "--no-reference")


@pytest.fixture(scope="module")
def report(bare: Sdk) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bare.folder / "report.json").read_text(encoding="utf-8"))
    return content


def picture(shelf: Shelf, net: LiteModel, name: str) -> dict[str, Array]:
    (tensor,) = net.inputs
    return {tensor.name: photograph(shelf.path(name), tensor, "bgr-minus-mean")}


def runner(sdk: Sdk, folder: Path) -> Runner:
    return Runner(Emulator.for_target(sdk.target), sdk.folder / PROGRAM, folder)


def test_the_sdk_has_what_an_image_is_linked_from(bare: Sdk) -> None:
    for part in (
        "lib/libtensorflow-lite.a",
        "lib/libtfport-baremetal.a",
        "lib/baremetal.ld",
        "lib/baremetal.flags",
        "include/tfport/baremetal.h",
        "share/tfport/baremetal/board.h",
        "share/tfport/examples/image/main.c",
    ):
        assert (bare.folder / part).is_file(), part


def test_it_ran_on_one_two_and_four_cores(report: dict[str, Any]) -> None:
    smoke = report["smoke"]
    assert smoke["ok"] and report["reference"]
    ways = {(run["threads"], run["xnnpack"]) for run in smoke["runs"]}
    assert ways == {(1, True), (2, True), (4, True), (1, False), (4, False)}
    assert all(image["ok"] and image["cores"] == 4 for image in smoke["images"])


def test_an_image_with_squeezenet_int8_is_small(report: dict[str, Any], nets: dict[str, LiteModel]) -> None:
    images = {image["model"]: image for image in report["smoke"]["images"]}
    image = images[nets["int8"].path.name]
    assert image["size"] <= 2_600_000
    assert image["start_up"] <= 15_000_000
    # Beyond the arenas: the tensors', and XNNPACK's, which comes with the first inference.
    assert image["ready_bytes"] - image["arena_bytes"] <= 1_000_000
    assert image["heap_bytes"] - image["ready_bytes"] <= 1_500_000


def test_the_busiest_of_four_cores_has_a_third_of_the_work(report: dict[str, Any]) -> None:
    assert len(report["smoke"]["cores"]) == 2
    for cores in report["smoke"]["cores"]:
        assert set(cores["per_core"]) == {"1", "2", "4"} and cores["busiest_share"] <= 0.35


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_photographs_are_what_linux_sees_in_them(
    kind: str, cores: int, bare: Sdk, linux: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    net = nets[kind]
    fed = save_inputs(picture(shelf, net, "coffee.png"), tmp_path / "in")
    setting = Setting(cores, True)
    (got,) = runner(bare, tmp_path / "bare").run(net.path, fed, setting).outputs
    (want,) = runner(linux, tmp_path / "linux").run(net.path, fed, setting).outputs
    assert int(np.argmax(got)) == ESPRESSO
    if kind == "int8":
        assert np.array_equal(got, want)
    else:
        # The exponential of the softmax is the C library's, and they are two.
        assert np.abs(got - want).max() <= 2e-7


def test_an_image_needs_nothing_but_its_board(
    board: Target, bare: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    """No semihosting, and the model in read-only memory: the same bits as from the runner."""
    net = nets["int8"]
    values = picture(shelf, net, "chelsea.png")
    booted = boot(board, build_image(bare.folder, net.path, list(values.values()), tmp_path / "image"))
    fed = save_inputs(values, tmp_path / "in")
    done = runner(bare, tmp_path / "out").run(net.path, fed, Setting(4, True))
    assert booted.hash == hash_of(done.outputs) and booted.cores == 4


def variant(bare: Sdk, model: Path, inputs: list[Array], folder: Path, **defines: str) -> Path:
    """The image of inferences.c with ``defines`` before it, built as the example is."""
    example = folder / "example"
    shutil.copytree(bare.folder / EXAMPLE, example)
    lines = [f"#define {name} {value}" for name, value in defines.items()]
    program = (PROGRAMS / "inferences.c").read_text(encoding="utf-8")
    (example / "main.c").write_text("\n".join([*lines, program]), encoding="utf-8")
    return build_image(bare.folder, model, inputs, folder / "image", example)


def packed_of(bare: Sdk, net: LiteModel) -> Path:
    return bare.folder / FOLDER / net.path.name


@pytest.mark.parametrize("packed", [True, False])
def test_a_thousand_inferences_leave_the_heap_as_it_is(
    packed: bool, board: Target, bare: Sdk, models: Path, tmp_path: Path
) -> None:
    model = models / "fire_int8.tflite"
    if packed:
        pack_models(bare.folder, [model], Emulator.for_target(board), tmp_path / "packed")
        model = tmp_path / "packed" / model.name
    values = np.arange(32 * 32 * 3, dtype=np.uint8).view(np.int8)
    image = variant(bare, model, [values], tmp_path, ROUNDS="1000")
    assert boot(board, image).cores == 4


def test_a_model_may_lie_where_a_boot_loader_puts_it(
    board: Target, bare: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    net, place = nets["int8"], 0x50000000
    inputs = list(picture(shelf, net, "coffee.png").values())
    model = packed_of(bare, net)
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    size = str(model.stat().st_size)
    image = variant(bare, empty, inputs, tmp_path, MODEL_AT=f"{place:#x}", MODEL_BYTES=size)
    plain = boot(board, variant(bare, model, inputs, tmp_path / "linked"))
    loader = ("-device", f"loader,file={model},addr={place:#x},force-raw=on")
    assert boot(board, image, words=loader).hash == plain.hash


def test_a_heap_that_is_too_small_is_an_error(
    board: Target, bare: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    """A status, not a hang: at every size that is too small."""
    net = nets["int8"]
    inputs = list(picture(shelf, net, "coffee.png").values())
    for size in (32, 64, 100, 200, 300, 1000):
        image = variant(bare, packed_of(bare, net), inputs, tmp_path / str(size), HEAP_KB=str(size))
        with pytest.raises(EmulatorFailed, match=r"The image ended with 1$") as caught:
            boot(board, image)
        assert "error: " in caught.value.why


@pytest.mark.parametrize("part", [0.25, 0.75], ids=["graph", "weights"])
def test_a_damaged_model_in_flash_is_refused(
    part: float, board: Target, bare: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    net = nets["int8"]
    data = bytearray(packed_of(bare, net).read_bytes())
    data[int(len(data) * part)] ^= 1
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(data)
    inputs = list(picture(shelf, net, "coffee.png").values())
    with pytest.raises(EmulatorFailed, match="ended with 1") as caught:
        boot(board, variant(bare, damaged, inputs, tmp_path))
    assert "damaged" in caught.value.why


def test_a_damaged_model_is_refused(bare: Sdk, nets: dict[str, LiteModel], tmp_path: Path) -> None:
    model = tmp_path / "damaged.tflite"
    data = bytearray(nets["int8"].path.read_bytes())
    data[4:8] = b"XXXX"
    model.write_bytes(bytes(data))
    done = Emulator.for_target(bare.target).run(
        [bare.folder / PROGRAM, model, "--json"], timeout=120, check=False
    )
    assert done.returncode != 0 and "is refused" in done.stdout


def test_the_same_work_is_the_same_count(
    bare: Sdk, nets: dict[str, LiteModel], shelf: Shelf, tmp_path: Path
) -> None:
    net = nets["int8"]
    fed = save_inputs(picture(shelf, net, "coffee.png"), tmp_path / "in")
    run = runner(bare, tmp_path / "out")
    counter = build_counter(home() / "tools")
    counts = [
        run.emulator.count_per_round(
            lambda n: run.words(net.path, fed, Setting(1, True), "--repeat", str(n), "--json"), counter
        )
        for _ in range(2)
    ]
    assert counts[0] == counts[1] and counts[0]["total"] > 5e7
