"""SDKs, models and inputs that the end-to-end tests share, made once a session through the front door.

Variables name SDKs that are built already, to save the wait while writing tests: TFPORT_SDK (all ops) and
TFPORT_SDK_SQUEEZENET (cut to SqueezeNet) of TensorFlow Lite, TFPORT_SDK_CORE (cut to all models of
core_shelf.py) and TFPORT_SDK_CORE_SQUEEZENET (cut to SqueezeNet's graph) of TensorFlow core, all for zuluko;
TFPORT_SDK_BAREMETAL (cut to SqueezeNet in both types) for zuluko-baremetal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.e2e import core_shelf
from tests.e2e.support import HERE, Sdk, home, tfport
from tfport.catalogue import Shelf, load_catalogue
from tfport.core.model import CoreModel, read_core_models
from tfport.host import Host
from tfport.inputs import photograph
from tfport.model import read_tflite
from tfport.sources import SourceCache
from tfport.target import Target, load_target


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kernels for all the models take longer to compile than the default suite may."""
    for item in items:
        if "core_sdk" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def zuluko() -> Target:
    return load_target("zuluko")


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    """The demo models and pictures."""
    return Shelf(load_catalogue(), home() / "files", SourceCache(home() / "sources"))


@pytest.fixture(scope="session")
def squeezenet(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SqueezeNet v1.1 in float32, converted by host TensorFlow."""
    host = Host(home() / "models", tmp_path_factory.mktemp("host") / "host.log")
    model = next(m for m in shelf.catalogue.models if m.form == "squeezenet-float32")
    path = host.converted(model, shelf)
    host.work()
    return path


@pytest.fixture(scope="session")
def coffee(shelf: Shelf, squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """coffee.png as SqueezeNet's input."""
    path = tmp_path_factory.mktemp("pictures") / "coffee.npy"
    (tensor,) = read_tflite(squeezenet).inputs
    np.save(path, photograph(shelf.path("coffee.png"), tensor, "bgr-minus-mean"))
    return path


@pytest.fixture(scope="session")
def espresso(squeezenet: Path, coffee: Path) -> float:
    """The score that host TensorFlow gives to coffee.png's class."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        str(squeezenet), experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.load(coffee))
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    return float(scores.max())


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of tiny_models.py."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run(
        [sys.executable, str(HERE / "tiny_models.py"), str(folder)], check=True, capture_output=True
    )
    return folder


def build(folder: Path, target: Target, *arguments: str) -> Sdk:
    """Build an SDK into ``folder``; the log of a failure is the test's message."""
    done = tfport("--target", target.name, "--output", folder, *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    (archive,) = folder.rglob("lib/libtensorflow-*.a")
    return Sdk(archive.parents[1], target, archive.stem[len("lib") :])


@pytest.fixture(scope="session")
def sdk_all(zuluko: Target, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The main job's SDK for zuluko, all ops, with the whole smoke test."""
    ready = os.environ.get("TFPORT_SDK")
    return Sdk(Path(ready), zuluko) if ready else build(tmp_path_factory.mktemp("all"), zuluko)


@pytest.fixture(scope="session")
def sdk_squeezenet(zuluko: Target, squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The SDK for zuluko cut to SqueezeNet."""
    ready = os.environ.get("TFPORT_SDK_SQUEEZENET")
    if ready:
        return Sdk(Path(ready), zuluko)
    return build(tmp_path_factory.mktemp("cut"), zuluko, "--model", str(squeezenet))


@pytest.fixture(scope="session")
def sdk_vfpv3(squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The SDK for zuluko-vfpv3 cut to SqueezeNet."""
    folder = tmp_path_factory.mktemp("vfpv3")
    return build(folder, load_target("zuluko-vfpv3"), "--model", str(squeezenet))


@pytest.fixture(scope="session")
def core_paths(shelf: Shelf) -> dict[str, Path]:
    """The models of core_shelf.py by name."""
    return core_shelf.core_paths(shelf)


@pytest.fixture(scope="session")
def core_host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Host TensorFlow on the user's cache."""
    return Host(home() / "models", tmp_path_factory.mktemp("host") / "host.log")


@pytest.fixture(scope="session")
def prepared(core_paths: dict[str, Path], core_host: Host) -> core_shelf.Prepared:
    """Models of core_shelf.py, by name, as host TensorFlow prepares them."""

    def prepare(*names: str) -> dict[str, CoreModel]:
        return dict(zip(names, read_core_models([core_paths[name] for name in names], core_host)))

    return prepare


@pytest.fixture(scope="session")
def core_sdk(zuluko: Target, core_paths: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The SDK of TensorFlow core for zuluko, cut to all the models together, smoke-tested on all of them."""
    ready = os.environ.get("TFPORT_SDK_CORE")
    if ready:
        return Sdk(Path(ready), zuluko, "tensorflow-core")
    folder = tmp_path_factory.mktemp("core")
    words = ["--runtime", "tensorflow"]
    for name in core_shelf.FOLDERS:
        words += ["--model", str(core_paths[name])]
    for name, values in (("sentence", core_shelf.SENTENCES), ("key", core_shelf.KEYS)):
        np.save(folder / f"{name}.npy", values)
        words += ["--input", f"{name}={folder / name}.npy"]
    return build(folder / "sdk", zuluko, *words)


@pytest.fixture(scope="session")
def core_sdk_squeezenet(
    zuluko: Target, core_paths: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Sdk:
    """The SDK of TensorFlow core for zuluko, cut to SqueezeNet's frozen graph."""
    ready = os.environ.get("TFPORT_SDK_CORE_SQUEEZENET")
    if ready:
        return Sdk(Path(ready), zuluko, "tensorflow-core")
    words = ("--runtime", "tensorflow", "--model", str(core_paths["squeezenet.pb"]))
    return build(tmp_path_factory.mktemp("core-cut"), zuluko, *words)


@pytest.fixture(scope="session")
def coffee_core(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """coffee.png as the input of SqueezeNet's graph."""
    path = tmp_path_factory.mktemp("pictures") / "coffee.npy"
    np.save(path, core_shelf.coffee_image(shelf))
    return path
