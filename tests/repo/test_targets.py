"""The real target files: one form, every key explained, a compiler that takes their flags."""

from __future__ import annotations

import re
import shutil

import pytest

from tfport.command import run
from tfport.target import TOOLCHAINS, dump_target, known_keys, load_target, target_names

NAMES = target_names()


def test_the_two_linux_targets_are_here() -> None:
    assert {"zuluko", "zuluko-vfpv3"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_target_files_reserialise_to_themselves(name: str) -> None:
    assert dump_target(load_target(name)) == (TOOLCHAINS / f"{name}.toml").read_text()


def test_readme_explains_every_key_and_no_other() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", (TOOLCHAINS / "README.md").read_text(), re.MULTILINE)
    assert [key for key, _ in rows] == known_keys()
    assert all(len(meaning) > 10 for _, meaning in rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_compiler_takes_the_flags(name: str) -> None:
    target = load_target(name)
    if not shutil.which(target.compiler.program("gcc")):
        pytest.skip(f"{target.compiler.program('gcc')} is not installed")
    done = run([target.compiler.program("gcc"), *target.compile_flags, "-dM", "-E", "-"], stdin=b"")
    assert "#define __ARM_NEON 1\n" in done.stdout
    assert ("#define __ARM_FEATURE_FMA 1\n" in done.stdout) == target.cpu.has_vfpv4
