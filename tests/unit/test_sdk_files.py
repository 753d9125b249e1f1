"""What every SDK has: manifest, CMake package, pkg-config file, and tfport-run as a user would build it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import jinja2
import pytest

from tests.unit.trees import grow
from tfport.sdk_files import build_runner, describe, template, write_manifest
from tfport.target import ROOT

TEMPLATES = ROOT / "toolchains" / "templates"


def test_a_template_refuses_names_that_nobody_gives(tmp_path: Path) -> None:
    (tmp_path / "x.jinja").write_text("{# why #}\n{% if a %}\n  {{ a }} {{ b }}\n{% endif %}\nlast\n")
    assert template(tmp_path / "x.jinja").render(a=1, b=2) == "  1 2\nlast\n"
    with pytest.raises(jinja2.UndefinedError, match="'b' is undefined"):
        template(tmp_path / "x.jinja").render(a=1)


def test_the_manifest_in_the_archive_is_the_file(tmp_path: Path) -> None:
    text = json.dumps({"ops": {"Op": ['Class<"a\\b">', "Other<'c', 0>", "%d"]}})
    write_manifest(text, "tfport_test_manifest", tmp_path / "new")
    assert (tmp_path / "new/ops.json").read_text(encoding="utf-8") == text + "\n"
    source = (tmp_path / "new/manifest.c").read_text(encoding="utf-8")
    declared = re.fullmatch(r'const char tfport_test_manifest\[\] = (".*");\n', source)
    assert declared
    # Of a string of C, Python reads the escapes that stand in it alike.
    assert ast.literal_eval(declared[1]) == text


@pytest.mark.parametrize(
    ("package", "pkg_config"),
    [("TensorFlowLite", "tensorflow-lite"), ("TensorFlowCore", "tensorflow-core")],
)
def test_the_packages_of_both_runtimes(tmp_path: Path, package: str, pkg_config: str) -> None:
    describe(tmp_path, TEMPLATES, package, pkg_config, version="2.14.1", target="zuluko")
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    cmake = f"lib/cmake/{package}/{package}"
    assert made == [f"{cmake}Config.cmake", f"{cmake}ConfigVersion.cmake", f"lib/pkgconfig/{pkg_config}.pc"]
    config = (tmp_path / f"{cmake}Config.cmake").read_text(encoding="utf-8")
    assert f'set({package}_TARGET "zuluko")' in config and f"lib/lib{pkg_config}.a" in config
    assert 'set(PACKAGE_VERSION "2.14.1")' in (tmp_path / f"{cmake}ConfigVersion.cmake").read_text()
    assert f"-l{pkg_config} " in (tmp_path / f"lib/pkgconfig/{pkg_config}.pc").read_text()
    for name in made:
        assert not {"{{", "{%", "{#"} & set((tmp_path / name).read_text().split())


class Recorder:
    """Keeps the commands; the one that builds leaves a program, unless it is to fail."""

    def __init__(self, failing: str = "") -> None:
        self.commands: list[list[str]] = []
        self._failing = failing

    def __call__(self, words: list[str]) -> None:
        self.commands.append(words)
        if words[0] == self._failing:
            raise RuntimeError(f"{words[0]} failed")
        if words[:2] == ["cmake", "--build"]:
            program = Path(words[2]) / "tfport-run"
            grow(Path(words[2]), {"tfport-run": "with debug information"})
            program.chmod(0o755)


def build(run: Recorder, tmp_path: Path) -> None:
    build_runner(
        run,
        sources=tmp_path / "runtime" / "runner",
        folder=tmp_path / "runner",
        sdk=tmp_path / "sdk",
        package="TensorFlowCore",
        runtime="core",
        toolchain="/conan/conan_toolchain.cmake",
        prefix="arm-linux-gnueabihf-",
        jobs=3,
    )


def test_tfport_run_is_built_against_the_sdk_and_stripped(tmp_path: Path) -> None:
    run = Recorder()
    build(run, tmp_path)
    configure, compile_, strip = run.commands
    folders = ["-S", str(tmp_path / "runtime" / "runner"), "-B", str(tmp_path / "runner")]
    assert configure[:7] == ["cmake", *folders, "-G", "Ninja"]
    assert set(configure[7:]) == {
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_TOOLCHAIN_FILE=/conan/conan_toolchain.cmake",
        f"-DTensorFlowCore_DIR={tmp_path / 'sdk/lib/cmake/TensorFlowCore'}",
        "-DTFPORT_RUNTIME=core",
    }
    assert compile_ == ["cmake", "--build", str(tmp_path / "runner"), "--", "-j3"]
    program = tmp_path / "sdk/bin/tfport-run"
    assert strip == ["arm-linux-gnueabihf-strip", str(program)]
    assert program.read_text() == "with debug information" and program.stat().st_mode & 0o111


def test_no_program_is_put_into_the_sdk_that_was_not_built(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cmake failed"):
        build(Recorder(failing="cmake"), tmp_path)
    assert not (tmp_path / "sdk").exists()
