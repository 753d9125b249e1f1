"""The statements on vulnerabilities: each about a version that is here, each fix by a patch that is here."""

from __future__ import annotations

import re

import pytest

from tfport.packed.vex import Statement, load_statements
from tfport.recipe import load_recipe
from tfport.target import ROOT

STATEMENTS = load_statements()


@pytest.mark.parametrize("said", STATEMENTS, ids=lambda said: f"{said.id}-{said.component}")
def test_statement(said: Statement) -> None:
    assert re.fullmatch(r"CVE-\d{4}-\d{4,}", said.id) and said.source.endswith(said.id)
    # Of the compiler's own libraries Debian knows the version, not a recipe.
    if (ROOT / "recipes" / said.component).is_dir():
        recipe = load_recipe(ROOT, said.component)
        assert recipe.version == said.version, "another version asks the question anew"
        if said.patch:
            assert ROOT / said.patch in [patch.path for patch in recipe.patches]
    else:
        assert said.component.startswith(("lib", "gcc")) and not said.patch


def test_no_question_is_answered_twice() -> None:
    asked = [(said.id, said.component) for said in STATEMENTS]
    assert sorted(set(asked)) == sorted(asked)
