from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfport.sums import SUMS, parse_sums, sha256_of, sums_of, sums_text

NAMES = st.text("abc/. é", min_size=1).filter(lambda name: not name[0].isspace())


def test_of_a_file_and_of_a_folder_but_for_the_sums(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"a" * 3_000_000)
    (tmp_path / SUMS).write_text("not counted")
    told = hashlib.sha256(b"a" * 3_000_000).hexdigest()
    assert sha256_of(tmp_path / "deep" / "a") == told
    assert sums_of(tmp_path) == {"deep/a": told}


@given(st.dictionaries(NAMES, st.binary().map(lambda data: hashlib.sha256(data).hexdigest()), min_size=1))
def test_what_is_written_is_read(sums: dict[str, str]) -> None:
    assert parse_sums(sums_text(sums)) == sums


@pytest.mark.parametrize("text", ["", "\n", "abc  name\n", "0" * 64 + "name\n", "0" * 64 + "  \n"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sha256sum"):
        parse_sums(text)
