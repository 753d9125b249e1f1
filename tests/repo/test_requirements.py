"""The locks: every package pinned by hash, no index named, and all of them agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
Pins = dict[tuple[str, str], str]


def pins(lock: Path) -> Pins:
    """(name, marker) -> version."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; (.*?))? \\$", lock.read_text(), re.MULTILINE)
    return {(name, marker): version for name, version, marker in found}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_is_a_pin_or_a_hash(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.match(r"^([A-Za-z0-9._-]+==\S+.* \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$", line), line
    assert "://" not in lock.read_text() and pins(lock)


def test_locks_agree_with_each_other() -> None:
    seen: dict[str, set[str]] = {}
    for lock in LOCKS:
        for (name, _), version in pins(lock).items():
            seen.setdefault(name, set()).add(version)
    everything = pins(ROOT / "requirements-reference.lock") | pins(ROOT / "requirements-dev.lock")
    forked = {name for name, versions in seen.items() if len(versions) > 1}
    by_marker = {name for name, marker in everything if marker}
    assert forked <= by_marker


def test_every_requirement_is_locked() -> None:
    for source in ROOT.glob("requirements*.in"):
        locked = {name.lower() for name, _ in pins(source.with_suffix(".lock"))}
        for line in source.read_text().splitlines():
            name = re.match(r"[A-Za-z0-9._-]+", line)
            if name and not line.startswith("-"):
                assert name[0].lower() in locked


def test_the_versions_that_the_design_names() -> None:
    reference = {name: version for (name, _), version in pins(ROOT / "requirements-reference.lock").items()}
    assert reference["conan"] == "2.34.0" and reference["tensorflow-cpu"] == "2.14.1"
