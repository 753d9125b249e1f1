"""The Dockerfiles name what build.py asks of a machine, the same in both, and nothing of any one machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tfport.environment import needs
from tfport.target import ROOT, load_target

FILES = [ROOT / "docker" / name for name in ("Dockerfile", "Dockerfile.user")]
# What stands between a bare Debian and build.py, and what makes the second build fast.
OURS = {"ca-certificates", "ccache", "python3", "python3-venv"}
STAGE = re.compile(r"^FROM \$\{BASE\} AS machine\n(.*?)^FROM ", re.MULTILINE | re.DOTALL)


def stage(text: str) -> str:
    """The first stage without its comments."""
    found = STAGE.search(text)
    assert found
    return "".join(line + "\n" for line in found[1].splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_packages_are_those_that_a_build_asks_for(path: Path) -> None:
    install = stage(path.read_text(encoding="utf-8")).split("apt-get install", 1)[1].split("&&")[0]
    named = set(re.findall(r"(?<= )[a-z][a-z0-9+.-]+(?= )", install))
    wanted = {package for need in needs(load_target("zuluko")) for package in need.packages}
    assert named == wanted | OURS


def test_both_start_from_the_same_machine() -> None:
    assert len({stage(path.read_text(encoding="utf-8")) for path in FILES}) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_base_is_an_argument_and_the_program_has_no_rights(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "\nARG BASE=debian:bookworm-slim\n" in text
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) <= {"${BASE}", "machine", "scratch"}
    assert text.index("\nUSER tfport\n") < text.index("python3 build.py")
    assert "root" not in re.findall(r"^USER (\S+)", text, re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_of_a_machine_is_written_down(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|_proxy=|trusted-host|index-url", text, re.IGNORECASE)
