from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tfport.bench import guest_build
from tfport.bench.twin import build_twin, same_code
from tfport.errors import CommandFailed
from tfport.target import load_target

ZULUKO = load_target("zuluko")


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    folder = tmp_path / "sdk"
    for name in ("lib/debug", "lib/cmake/X", "include", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "lib" / "debug" / "libtensorflow-lite.debug.a").write_bytes(b"code with names")
    return folder


class CMake:
    """Stands for cmake: looks at what it is given, and leaves a program."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.builds = fails, 0

    def run(self, words: list[Any], **more: Any) -> None:
        if self.fails:
            raise CommandFailed("cmake returned 1")
        if "--build" in words:
            self.builds += 1
            folder = Path(words[words.index("--build") + 1])
            folder.mkdir()
            (folder / "tfport-run").write_text("program")
        else:
            [prefix] = [word for word in words if str(word).startswith("-DCMAKE_PREFIX_PATH=")]
            mirror = Path(prefix.split("=", 1)[1])
            assert (mirror / "lib" / "libtensorflow-lite.a").read_bytes() == b"code with names"
            assert (mirror / "lib" / "cmake" / "X").is_dir() and (mirror / "include").is_dir()


def test_the_twin_is_built_once_however_many_ask(
    sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cmake = CMake()
    monkeypatch.setattr(guest_build.command, "run", cmake.run)
    tools = tmp_path / "tools"
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(build_twin, sdk, ZULUKO, "lite", tools, tmp_path / "log") for _ in range(4)]
    [made] = {future.result() for future in asked}
    assert made is not None and made.read_text() == "program"
    assert cmake.builds == 1
    assert [path.name for path in tools.iterdir()] == [made.parent.name]


def test_a_twin_that_does_not_link_is_none_and_leaves_nothing(
    sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_build.command, "run", CMake(fails=True).run)
    assert build_twin(sdk, ZULUKO, "lite", tmp_path / "tools", tmp_path / "log") is None
    assert list((tmp_path / "tools").iterdir()) == []


def test_without_an_unstripped_library_or_on_bare_metal_there_is_none(sdk: Path, tmp_path: Path) -> None:
    assert build_twin(sdk, load_target("zuluko-baremetal"), "lite", tmp_path, tmp_path / "log") is None
    next((sdk / "lib" / "debug").iterdir()).unlink()
    assert build_twin(sdk, ZULUKO, "lite", tmp_path, tmp_path / "log") is None


def test_code_is_compared_by_its_bytes() -> None:
    python = Path("/proc/self/exe").resolve()
    assert same_code(python, python)
    assert not same_code(python, Path(next(iter(Path("/bin").glob("true")))).resolve())
