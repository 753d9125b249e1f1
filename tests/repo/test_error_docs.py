"""docs/errors.md has a paragraph for every error class, with its exit code, and for no other."""

from __future__ import annotations

import re

from tfport import errors
from tfport.target import ROOT


def documented() -> dict[str, int]:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return {name: int(code) for code, name in re.findall(r"\*\*(\d+) `(\w+)`\*\*", text)}


def raised() -> dict[str, int]:
    return {
        name: value.exit_code
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.TfportError) and value.exit_code != 1
    }


def test_every_error_has_its_paragraph_and_code() -> None:
    assert documented() == raised()


def test_no_two_errors_share_an_exit_code() -> None:
    codes = list(raised().values())
    assert sorted(set(codes)) == sorted(codes)
