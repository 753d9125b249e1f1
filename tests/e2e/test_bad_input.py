"""Bad input gets a clear error from the front door, and an interrupted build is simply run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support import HERE, Sdk, conan_lock, front_door, home, refused, tfport
from tfport import command
from tfport.errors import (
    DiskFull,
    ModelBroken,
    ModelMissing,
    ModelRefused,
    NoNetwork,
    NotALiteModel,
    NotAnSdk,
    UnknownTarget,
)
from tfport.model import read_tflite
from tfport.ops import canonical

pytestmark = pytest.mark.e2e
INTERRUPTED = 130


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    command.run([sys.executable, HERE / "graph_models.py", folder], timeout=300)
    return folder


def test_unknown_target_suggests_the_nearest(tmp_path: Path) -> None:
    said = refused(UnknownTarget.exit_code, "--target", "zulukoo", "--output", tmp_path / "sdk")
    assert "--target zuluko" in said and not (tmp_path / "sdk").exists()


def test_models_that_are_none(squeezenet: Path, tmp_path: Path) -> None:
    whole = squeezenet.read_bytes()
    bad = tmp_path / "bad.tflite"
    contents = {b"": NotALiteModel, b"PK\x03\x04" + bytes(100): NotALiteModel}
    contents |= {os.urandom(50_000): NotALiteModel, whole[:5000]: ModelBroken}
    for content, kind in contents.items():
        bad.write_bytes(content)
        said = refused(kind.exit_code, "--target", "zuluko", "--model", bad, "--output", tmp_path / "sdk")
        assert "bad.tflite" in said
    missing = tmp_path / "missing.tflite"
    assert "missing.tflite" in refused(ModelMissing.exit_code, "--target", "zuluko", "--model", missing)
    assert not (tmp_path / "sdk").exists()


def test_a_custom_op_that_nobody_has_is_named(sdk_all: Sdk, graphs: Path, tmp_path: Path) -> None:
    model = graphs / "cumprod.tflite"
    said = refused(
        ModelRefused.exit_code, "--target", "zuluko", "--model", model, "--output", tmp_path / "sdk"
    )
    assert "Cumprod" in said and not (tmp_path / "sdk").exists()
    assert "Cumprod" in refused(ModelRefused.exit_code, "check", "--sdk", sdk_all.folder, "--model", model)


def test_a_later_model_is_checked_against_a_library_in_the_field(
    sdk_squeezenet: Sdk, squeezenet: Path, models: Path
) -> None:
    for sdk in (sdk_squeezenet.folder, sdk_squeezenet.archive, sdk_squeezenet.runner):
        assert tfport("check", "--sdk", sdk, "--model", squeezenet).returncode == 0
        said = refused(ModelRefused.exit_code, "check", "--sdk", sdk, "--model", models / "lstm.tflite")
        assert "WHILE" in said or "LSTM" in said
        assert "CONV_2D:" not in said


def test_the_device_says_the_same(sdk_squeezenet: Sdk, models: Path) -> None:
    done = sdk_squeezenet.run(sdk_squeezenet.runner, models / "lstm.tflite", "--json")
    assert done.returncode == 4
    message = json.loads(done.stdout)["error"]["message"]
    assert "WHILE" in message or "LSTM" in message


def test_not_an_sdk(tmp_path: Path) -> None:
    assert str(tmp_path) in refused(NotAnSdk.exit_code, "check", "--sdk", tmp_path)


def test_folder_of_someone_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    refused(NotAnSdk.exit_code, "--target", "zuluko", "--output", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_network_with_a_cold_cache(tmp_path: Path) -> None:
    done = tfport(
        "--target", "zuluko", "--offline", "--output", tmp_path / "sdk", env={"TFPORT_HOME": str(tmp_path)}
    )
    assert done.returncode == NoNetwork.exit_code, done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "sdk").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=400m", str(disk)], check=True)


def test_full_disk_where_the_sdk_goes(sdk_squeezenet: Sdk, squeezenet: Path, small_disk: Path) -> None:
    words = ["--target", "zuluko", "--model", squeezenet, "--output", small_disk / "sdk", "--no-reference"]
    said = refused(DiskFull.exit_code, *words)
    assert str(small_disk) in said and "--output" in said
    assert list(small_disk.iterdir()) == [], "something half-written is left"
    enlarge(small_disk)
    done = tfport(*map(str, words))
    assert done.returncode == 0, done.stderr


def test_full_disk_where_conan_builds(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "sources").symlink_to(home() / "sources")
    words = ("--target", "zuluko", "--output", str(tmp_path / "sdk"), "--no-reference")
    done = tfport(*words, env={"TFPORT_HOME": str(small_disk)})
    said = done.stdout + done.stderr
    assert done.returncode == DiskFull.exit_code, said
    assert "No space is left" in said and "Traceback" not in said
    assert not (tmp_path / "sdk").exists()


@pytest.mark.full
def test_ctrl_c_and_a_full_disk_in_a_download(small_disk: Path, tmp_path: Path) -> None:
    """Downloads every source once; what has arrived before a stop is used by the run after it."""
    env = {**os.environ, "TFPORT_HOME": str(small_disk)}
    full = subprocess.run(front_door("fetch"), env=env, capture_output=True, text=True, timeout=600)
    assert full.returncode == DiskFull.exit_code, full.stderr
    enlarge(small_disk)
    log = tmp_path / "fetch.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            front_door("fetch"), env=env, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL
        )
    wait_for("fetched ", log, process, 120)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == INTERRUPTED, log.read_text()
    assert "Traceback" not in log.read_text()
    done = subprocess.run(front_door("fetch"), env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    offline = subprocess.run(front_door("fetch", "--offline"), env=env, capture_output=True, timeout=60)
    assert offline.returncode == 0, offline.stderr


def forget(model: Path) -> None:
    """Take the SDK that is cut to ``model`` out of the build cache, so that it is built again."""
    ops = canonical(op.name for op in read_tflite(model).ops)
    words = ["remove", "tfport-lite/*:*", "--package-query", f'options.ops="{ops}"', "--confirm"]
    env = {"CONAN_HOME": str(home() / "conan"), "NO_COLOR": "1"}
    with conan_lock():
        command.run([sys.executable, "-m", "conans.conan", *words], env=env, timeout=120)


def start(model: Path, output: Path, log: Path) -> subprocess.Popen[bytes]:
    words = front_door("--target", "zuluko", "--model", model, "--output", output, "--no-reference")
    with log.open("wb") as sink:
        return subprocess.Popen(
            words, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )


def wait_for(text: str, log: Path, process: subprocess.Popen[bytes], seconds: float = 3000) -> None:
    limit = time.monotonic() + seconds
    while text not in log.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None and time.monotonic() < limit, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def below(process: subprocess.Popen[bytes]) -> dict[tuple[int, str], str]:
    """Command lines of ``process`` and all that descend from it, by pid and start time, from /proc."""
    found: dict[int, tuple[int, str, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            words = (stat.parent / "cmdline").read_text(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = (int(fields[1]), fields[19], words)
    family = {process.pid}
    while True:
        more = {pid for pid, (parent, _, _) in found.items() if parent in family} - family
        if not more:
            break
        family |= more
    return {(pid, found[pid][1]): found[pid][2] for pid in family if pid in found}


def alive(those: dict[tuple[int, str], str]) -> list[str]:
    left = []
    for (pid, started), words in those.items():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[19] == started and fields[0] != "Z":
            left.append(words)
    return left


def interrupt_while(program: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Send Ctrl-C, as a terminal does, while ``program`` runs below ``process``, which must end by it."""
    limit = time.monotonic() + 3000
    family = below(process)
    while not any(program in words for words in family.values()):
        assert process.poll() is None and time.monotonic() < limit, log.read_text(encoding="utf-8")
        time.sleep(0.02)
        family = below(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == INTERRUPTED, log.read_text(encoding="utf-8")
    assert "Traceback" not in log.read_text(encoding="utf-8")
    assert alive(family) == [], "children are left"


def test_ctrl_c_in_a_compile_and_a_link_then_two_builds_at_once(
    sdk_all: Sdk, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models / "conv.tflite"
    forget(model)
    with monkeypatch.context() as patch:
        patch.setenv("CCACHE_DISABLE", "1")  # it would leave no compiler to interrupt
        first = start(model, tmp_path / "a", tmp_path / "first.log")
        interrupt_while("cc1plus", first, tmp_path / "first.log")
    second = start(model, tmp_path / "a", tmp_path / "second.log")
    interrupt_while("--force-group-allocation", second, tmp_path / "second.log")
    assert not (tmp_path / "a").exists()

    again = start(model, tmp_path / "a", tmp_path / "again.log")
    wait_for("Building with Conan", tmp_path / "again.log", again)
    beside = start(model, tmp_path / "b", tmp_path / "beside.log")
    assert again.wait(timeout=3000) == 0, (tmp_path / "again.log").read_text()
    assert beside.wait(timeout=3000) == 0, (tmp_path / "beside.log").read_text()
    assert "waiting" in (tmp_path / "beside.log").read_text()
    same = "lib/libtensorflow-lite.a"
    assert (tmp_path / "a" / same).read_bytes() == (tmp_path / "b" / same).read_bytes()


@pytest.mark.full
@pytest.mark.parametrize("recipe", ["xnnpack", "tensorflow-lite"])
def test_ctrl_c_in_the_middle_of_a_compile_from_cold(models: Path, tmp_path: Path, recipe: str) -> None:
    """With build caches of its own; sources come from the user's."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sources").symlink_to(home() / "sources")
    env = {**os.environ, "TFPORT_HOME": str(tmp_path / "home")}
    words = front_door(
        "--target",
        "zuluko",
        "--model",
        models / "conv.tflite",
        "--output",
        tmp_path / "sdk",
        "--no-reference",
    )
    log = tmp_path / "build.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            words,
            stdout=sink,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**env, "CCACHE_DISABLE": "1"},
            start_new_session=True,
        )
    wait_for(f"] {recipe}/", log, process)
    time.sleep(10)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == INTERRUPTED, log.read_text()
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=5400)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "abseil/20220623.1: from the cache" in done.stdout + done.stderr
