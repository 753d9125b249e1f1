from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfport.errors import RecipeInvalid, SbomMismatch
from tfport.packed.components import Linked
from tfport.packed.sbom import Product
from tfport.packed.vex import about, check_vex, load_statements, vex

GOOD = """[[statement]]
id = "CVE-1"
component = "demo"
version = "1.0"
state = "not_affected"
justification = "code_not_present"
summary = "It breaks."
detail = "It is not there."
source = "https://example.org/CVE-1"
"""
DEMO = Linked("demo", "1.0", "MIT")
PRODUCT = Product("tfport-demo", "1", "zuluko", "lib/a.a", "ab" * 32, 315532800)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vex.toml"
    path.write_text(text)
    return path


def test_statements_are_for_one_version(tmp_path: Path) -> None:
    statements = load_statements(file(tmp_path, GOOD))
    assert [each.id for each in about(statements, [DEMO], [])] == ["CVE-1"]
    assert about(statements, [Linked("demo", "1.1", "MIT"), Linked("other", "1.0", "MIT")], []) == []


def test_a_statement_is_taken_back_where_the_function_is_called(tmp_path: Path) -> None:
    statements = load_statements(file(tmp_path, GOOD + 'absent = ["regcomp"]\n'))
    assert about(statements, [DEMO], ["malloc"])[0].state == "not_affected"
    (said,) = about(statements, [DEMO], ["malloc", "regcomp"])
    assert (said.state, said.justification) == ("in_triage", "") and "regcomp" in said.detail


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"not_affected"', '"safe"', "state must be one of"),
        ('"code_not_present"', '"trust_me"', "knows no justification"),
        ('justification = "code_not_present"\n', "", "a justification goes with not_affected"),
        ('detail = "It is not there."\n', "", "detail is missing"),
        ("summary", "sumary", "unknown key 'sumary'"),
        ('version = "1.0"', "version = 1.0", "version must be a text"),
        ('"not_affected"', '"resolved_with_pedigree"', "a patch goes with"),
        ("[[statement]]", "[[statement", "cannot be read"),
    ],
)
def test_faults_of_the_file(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(RecipeInvalid) as caught:
        load_statements(file(tmp_path, GOOD.replace(old, new)))
    assert expected in caught.value.what + caught.value.why


def test_the_document_refers_to_the_sbom(tmp_path: Path) -> None:
    path = tmp_path / "vex.json"
    path.write_text(vex(PRODUCT, load_statements(file(tmp_path, GOOD))))
    (row,) = json.loads(path.read_text())["vulnerabilities"]
    assert row["analysis"]["justification"] == "code_not_present"
    assert check_vex(path, str(PRODUCT.serial), ["demo@1.0"]) == 1
    for serial, reference in ((str(PRODUCT.serial), "demo@1.1"), ("another", "demo@1.0")):
        with pytest.raises(SbomMismatch):
            check_vex(path, serial, [reference])
