"""The Dockerfiles, really built and run: by buildah, from a Debian that mmdebstrap makes.

No registry is asked. Proxy, mirror and CA of this machine go in as secrets of the build. The first run takes
as long as the main job, twice; the cache mounts are buildah's, and stay.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clone import clone
from tests.e2e.support import tfport

PROGRAMS = ("buildah", "mmdebstrap", "git")
LACKING = [name for name in PROGRAMS if shutil.which(name) is None]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.full,
    pytest.mark.skipif(bool(LACKING), reason=f"not here: {' '.join(LACKING)} (apt-get install them)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="buildah's isolation by chroot needs root"),
]
IMAGE = "localhost/tfport-test"
ISOLATION = ("--isolation", "chroot")
DEBIAN = os.environ.get("TFPORT_DEBIAN_MIRROR", "")


def buildah(*words: object, timeout: float = 5400, check: bool = True) -> str:
    """Run buildah; what it says on both streams, once it has ended."""
    done = subprocess.run(
        ["buildah", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
    )
    if check and done.returncode != 0:
        pytest.fail(f"buildah {words[0]} ended with {done.returncode}\n{done.stdout[-12000:]}", pytrace=False)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bare Debian 12 under the name that goes into BASE."""
    tar = tmp_path_factory.mktemp("base") / "base.tar"
    words = ["mmdebstrap", "--variant=minbase", "bookworm", str(tar), *([DEBIAN] if DEBIAN else [])]
    subprocess.run(words, check=True, timeout=1200, stdin=subprocess.DEVNULL, capture_output=True)
    name = f"{IMAGE}-base"
    container = buildah("from", "scratch").splitlines()[-1]
    buildah("add", "-q", container, tar, "/")
    buildah("commit", "-q", "--rm", container, name)
    tar.unlink()
    yield name
    buildah("rmi", "--force", name, check=False)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How this machine reaches mirrors and indexes: for the build alone, in no image."""
    folder = tmp_path_factory.mktemp("secrets")
    dump = ["apt-config", "dump", "--format", '%f "%v";%n', "Acquire"]
    (folder / "apt").write_bytes(subprocess.run(dump, check=True, capture_output=True).stdout)
    given = {"apt": folder / "apt", "pip": Path("/etc/pip.conf")}
    given["ca"] = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
    return [f"--secret=id={name},src={path}" for name, path in given.items() if path.is_file()]


@pytest.fixture(scope="session")
def tree(squeezenet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of this tree holds, and a model beside it."""
    folder = clone(tmp_path_factory.mktemp("tree") / "tree")
    shutil.copy2(squeezenet, folder / "squeezenet.tflite")
    return folder


def image_of(name: str, dockerfile: str, base: str, tree: Path, *more: str) -> str:
    words = ["bud", "--layers", *ISOLATION, f"--build-arg=BASE={base}", *more]
    buildah(*words, "-f", tree / "docker" / dockerfile, "-t", f"{IMAGE}-{name}", tree)
    return f"{IMAGE}-{name}"


@pytest.fixture
def container() -> Iterator[list[str]]:
    """Containers that the test has made; they go when it ends."""
    made: list[str] = []
    yield made
    for name in made:
        buildah("rm", name, check=False)


def test_the_image_of_ci_is_the_artefacts_and_nothing_else(
    base: str, secrets: list[str], tree: Path, container: list[str]
) -> None:
    options = "--build-arg=OPTIONS=--model squeezenet.tflite"
    name = image_of("ci", "Dockerfile", base, tree, options, *secrets)
    container.append(buildah("from", "--pull-never", name).splitlines()[-1])
    root = Path(buildah("mount", container[0]).splitlines()[-1])
    assert {path.name for path in root.iterdir()} <= {"sdk", "packages", "dev", "etc", "proc", "run", "sys"}
    assert {path.name for path in root.iterdir() if any(path.iterdir())} == {"sdk", "packages"}
    report = json.loads((root / "sdk" / "report.json").read_text(encoding="utf-8"))
    assert report["smoke"] and report["operators"]["builtin"] and report["target"]["name"] == "zuluko"
    [packed] = (root / "packages").glob("*.tar.zst")
    verified = tfport("verify", packed)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    said = json.dumps(json.loads(buildah("inspect", "--type", "image", name))["OCIv1"])
    assert "proxy" not in said.lower() and str(Path.home()) not in said.replace("/home/tfport", "")


def test_a_user_builds_for_a_model_as_anybody(
    base: str, secrets: list[str], tree: Path, container: list[str], tmp_path: Path
) -> None:
    name = image_of("user", "Dockerfile.user", base, tree, *secrets)
    shutil.copy2(tree / "squeezenet.tflite", tmp_path / "my.tflite")
    os.chown(tmp_path, 4321, 4321)
    container.append(buildah("from", "--pull-never", name).splitlines()[-1])
    entry = json.loads(buildah("inspect", "--type", "image", name))["OCIv1"]["config"]["Entrypoint"]
    words = ["run", *ISOLATION, "--user", "4321:4321", "-v", f"{tmp_path}:/work", container[0], "--"]
    # buildah takes the place of a secret away with it, so none may be where the image has a file of its own.
    buildah(*words, "test", "-s", "/etc/ssl/certs/ca-certificates.crt")
    done = buildah(*words, *entry, "--target", "zuluko", "--model", "my.tflite", "--offline", "--json")
    report = json.loads(
        (tmp_path / "dist" / "zuluko" / "lite-my" / "report.json").read_text(encoding="utf-8")
    )
    assert report["smoke"] and (tmp_path / "dist").stat().st_uid == 4321, done[-2000:]
    compiled = [each["recipe"] for each in report["build"]["recipes"] if each["state"] == "built"]
    assert compiled == ["tfport-lite/2.14.1"], "all else is in the image"


def test_without_a_network_it_says_so_at_once(base: str, tree: Path) -> None:
    words = ["bud", *ISOLATION, f"--build-arg=BASE={base}", "-f", tree / "docker" / "Dockerfile"]
    done = subprocess.run(
        ["unshare", "--net", "buildah", *map(str, words), "-t", f"{IMAGE}-none", str(tree)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode != 0 and f"{IMAGE}-none" not in buildah("images")
    assert "error: no Debian mirror can be reached" in done.stdout + done.stderr
    assert "status 34" in done.stdout + done.stderr
