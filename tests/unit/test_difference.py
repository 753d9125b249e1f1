from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.difference import first_difference

AR = b"!<arch>\n"


def member(name: str, data: bytes, time: int = 0) -> bytes:
    header = f"{name:<16}{time:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "lib").mkdir(parents=True)
    (one / "lib" / "a.a").write_bytes(AR + member("a.o/", b"first") + member("b.o/", b"second"))
    (one / "text.txt").write_bytes(b"some text")
    shutil.copytree(one, two)
    return one, two


def test_the_same(pair: tuple[Path, Path]) -> None:
    assert first_difference(*pair) == ""


def test_a_file_too_many(pair: tuple[Path, Path]) -> None:
    (pair[1] / "more").write_bytes(b"")
    assert first_difference(*pair) == f"more is in {pair[1]} only"
    assert first_difference(*pair, frozenset({"more"})) == ""


def test_a_byte_of_a_text(pair: tuple[Path, Path]) -> None:
    (pair[1] / "text.txt").write_bytes(b"some test")
    assert first_difference(*pair) == "text.txt: byte 7 of 9 and 9: b'some text' here, b'some test' there"


def test_a_member_of_an_archive(pair: tuple[Path, Path]) -> None:
    (pair[1] / "lib" / "a.a").write_bytes(AR + member("a.o/", b"first") + member("b.o/", b"sacond"))
    assert first_difference(*pair).startswith("lib/a.a: member b.o/: byte 1 ")


def test_the_time_in_an_archive(pair: tuple[Path, Path]) -> None:
    (pair[1] / "lib" / "a.a").write_bytes(AR + member("a.o/", b"first", 99) + member("b.o/", b"second"))
    assert first_difference(*pair).startswith("lib/a.a: member a.o/ (header): byte 16 ")


def test_another_order(pair: tuple[Path, Path]) -> None:
    (pair[1] / "lib" / "a.a").write_bytes(AR + member("b.o/", b"second") + member("a.o/", b"first"))
    assert "member 'a.o/ (header)' here, 'b.o/ (header)' there" in first_difference(*pair)
