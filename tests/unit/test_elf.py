"""ELF facts: archives, damaged files, text relocations."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.unit.elf_bytes import ALLOC, EXEC, LOCAL, REL, WRITE, ElfBytes, archive
from tfport.elf import NotElf, archive_definitions, members, parse

LONG = "a_member_name_of_more_than_15_characters.o"


def test_members_have_their_names_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "lib.a"
    path.write_bytes(archive(("a.o", b"odd"), (LONG, b"long"), ("b.o", b"")))
    assert list(members(path)) == [("a.o", b"odd"), (LONG, b"long"), ("b.o", b"")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"!<thin>\n", "not an ar archive"),
        (archive(("a.o", b"x" * 50))[:-20], "cut short in member a.o/"),
        (archive(("a.o", b"1234")).replace(b"`\n", b"??"), "damaged ar archive at byte 8"),
    ],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "lib.a"
    path.write_bytes(content)
    with pytest.raises(NotElf, match=message):
        list(members(path))


@pytest.mark.parametrize("size", [0, 10, 52, 60, 100, 200])
def test_a_truncated_object_is_refused_or_read_but_never_crashes(size: int) -> None:
    elf = ElfBytes()
    elf.code(".text", b"\x00\xbf" * 20)
    try:
        parse(elf.symbol("f", 1).build()[:size], "cut.o")
    except NotElf as error:
        assert "cut.o" in str(error)
    else:
        pytest.fail("a truncated object was taken for whole")


def test_a_64_bit_object_is_refused() -> None:
    with pytest.raises(NotElf, match=r"x\.o is not a 32-bit"):
        parse(b"\x7fELF\x02\x01" + bytes(60), "x.o")


def relocated(kind: int, flags: int) -> tuple[str, ...]:
    elf = ElfBytes()
    target = elf.section(".target", bytes(8), flags=flags)
    elf.section(".rel.target", struct.pack("<II", 0, kind), kind=REL, info=target)
    return parse(elf.build(), "x.o").text_relocations()


def test_absolute_relocations_of_code_and_constants_are_text_relocations() -> None:
    assert relocated(2, ALLOC | EXEC) == (".target: R_ARM_ABS32",)
    assert relocated(47, ALLOC | EXEC) == (".target: R_ARM_THM_MOVW_ABS_NC",)
    assert relocated(2, ALLOC) == (".target: R_ARM_ABS32",)


def test_relative_ones_and_those_of_data_or_debug_sections_are_not() -> None:
    assert relocated(42, ALLOC | EXEC) == ()  # R_ARM_PREL31
    assert relocated(2, ALLOC | WRITE) == ()
    assert relocated(2, 0) == ()


def test_definitions_of_archives_and_objects(tmp_path: Path) -> None:
    one = ElfBytes()
    one.symbol("first", one.code(".text", bytes(4))).symbol("own", 1, LOCAL).symbol("malloc")
    two = ElfBytes()
    two.symbol("second", two.code(".text", bytes(4)))
    (tmp_path / "lib.a").write_bytes(archive(("one.o", one.build()), ("note.txt", b"text")))
    (tmp_path / "two.o").write_bytes(two.build())
    assert archive_definitions([tmp_path / "lib.a", tmp_path / "two.o"]) == {"first", "second"}


def test_a_file_without_attributes_has_none() -> None:
    assert parse(ElfBytes().build(), "x.o").attributes() is None
