"""The shape of an SDK folder and the wording of findings; real objects are checked in tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.elf_bytes import ElfBytes, archive
from tfport import check
from tfport.errors import CheckFailed, SdkIncomplete, WrongMachine
from tfport.limits import Offer
from tfport.target import load_target


@pytest.fixture(autouse=True)
def no_toolchain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "offer_of_toolchain", lambda target, runtime: Offer({}, frozenset()))


def sdk_with(tmp_path: Path, *archives: tuple[str, bytes]) -> Path:
    (tmp_path / "lib").mkdir()
    for name, content in archives:
        (tmp_path / "lib" / name).write_bytes(content)
    return tmp_path


def failure(sdk: Path) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        check.check_sdk(sdk, load_target("zuluko"))
    return caught.value


def test_a_folder_without_an_archive(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert type(error) is SdkIncomplete and "holds 0 archives instead of one" in error.what


def test_two_archives(tmp_path: Path) -> None:
    error = failure(sdk_with(tmp_path, ("liba.a", archive()), ("libb.a", archive())))
    assert type(error) is SdkIncomplete and "liba.a, libb.a" in error.why


def test_two_objects(tmp_path: Path) -> None:
    error = failure(sdk_with(tmp_path, ("liba.a", archive(("a.o", b""), ("b.o", b"")))))
    assert type(error) is SdkIncomplete and "holds 2 objects instead of one" in error.what


@pytest.mark.parametrize("content", [b"", b"!<arch>\nrubbish" * 9, archive(("a.o", b"\x7fELF"))])
def test_a_damaged_archive(tmp_path: Path, content: bytes) -> None:
    assert type(failure(sdk_with(tmp_path, ("liba.a", content)))) is SdkIncomplete


def test_code_of_another_machine(tmp_path: Path) -> None:
    error = failure(sdk_with(tmp_path, ("liba.a", archive(("a.o", ElfBytes(machine=8).build())))))
    assert type(error) is WrongMachine
    assert "liba.a(a.o) is not ARM code of EABI version 5" in error.why


def test_an_arm_object_without_attributes(tmp_path: Path) -> None:
    error = failure(sdk_with(tmp_path, ("liba.a", archive(("a.o", ElfBytes().build())))))
    assert type(error) is WrongMachine and "carries no ARM attributes" in error.why


def test_all_findings_are_listed_and_counted(tmp_path: Path) -> None:
    elf = ElfBytes()
    text = elf.code(".text.f", b"\x00\xbf")
    elf.section(".debug_info", b"x")
    elf.symbol("xnn_init", text).symbol("missing")
    error = failure(sdk_with(tmp_path, ("liba.a", archive(("a.o", elf.build())))))
    assert error.what.endswith("is not fit for zuluko: 5 findings")
    assert error.why.splitlines() == [
        "liba.a(a.o) carries no ARM attributes",
        "missing is defined by no library of the toolchain",
        "xnn_init is global but not public",
        "liba.a(a.o) asks for an executable stack",
        "liba.a(a.o) still has .debug_info",
    ]


def test_a_long_list_is_cut_with_the_rest_counted(tmp_path: Path) -> None:
    elf = ElfBytes()
    text = elf.code(".text.f", b"\x00\xbf")
    for number in range(60):
        elf.symbol(f"leak{number:02}", text)
    error = failure(sdk_with(tmp_path, ("liba.a", archive(("a.o", elf.build())))))
    lines = error.why.splitlines()
    assert len(lines) == 41 and lines[-1] == "... and 22 more"


def test_every_class_has_its_own_exit_code() -> None:
    classes = [CheckFailed, *CheckFailed.__subclasses__()]
    codes = [c.exit_code for c in classes]
    assert len(set(codes)) == len(codes) and all(50 <= code <= 59 for code in codes)
