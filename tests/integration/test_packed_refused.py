"""SDKs that are not packed, and packing that fails: nothing half-written stays."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cross import needs_compiler
from tests.integration.small_pack import edit, quiet
from tfport.errors import (
    DiskFull,
    LicenceMissing,
    NotAnSdk,
    PackError,
    SigningFailed,
    TfportError,
)
from tfport.packed import files
from tfport.packed.make import pack
from tfport.packed.verify import verify

pytestmark = [
    needs_compiler,
    pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen on this machine"),
]


def refused(file: Path, kind: type[TfportError], key: Path | None = None) -> TfportError:
    with pytest.raises(kind) as caught:
        verify(file, key, quiet()[0])
    assert type(caught.value) is kind
    return caught.value


def test_a_folder_that_is_no_sdk(tmp_path: Path) -> None:
    with pytest.raises(NotAnSdk):
        pack(tmp_path, tmp_path / "out", None, quiet()[0])
    assert not (tmp_path / "out").exists()


@pytest.fixture
def mine(sdk: Path, tmp_path: Path) -> Path:
    """The SDK, to be damaged."""
    return Path(shutil.copytree(sdk, tmp_path / "mine"))


def unpacked(sdk: Path, kind: type[TfportError], key: Path | None = None) -> TfportError:
    """The error of packing ``sdk``; nothing is left of it."""
    output = sdk.parent / "out"
    with pytest.raises(kind) as caught:
        pack(sdk, output, key, quiet()[0])
    assert not output.exists() or not list(output.iterdir())
    return caught.value


def _report(sdk: Path, change: Any) -> None:
    edit("report.json", change)(sdk)


def test_an_sdk_of_an_earlier_version(mine: Path) -> None:
    _report(mine, lambda report: report.pop("components"))
    assert "components" in unpacked(mine, NotAnSdk).what


def test_an_sdk_without_a_report(mine: Path) -> None:
    (mine / "report.json").unlink()
    unpacked(mine, NotAnSdk)


def test_an_sdk_that_was_changed(mine: Path) -> None:
    (archive,) = (mine / "lib").glob("*.a")
    archive.write_bytes(archive.read_bytes() + b"\n")
    assert "not those that were built" in unpacked(mine, NotAnSdk).what


def test_an_sdk_that_failed_its_smoke_test(mine: Path) -> None:
    _report(mine, lambda report: report["smoke"].update(ok=False))
    assert "smoke test" in unpacked(mine, PackError).what


def test_an_sdk_of_another_compiler(mine: Path) -> None:
    _report(mine, lambda report: report.update(compiler="12.9.9"))
    assert "12.9.9" in unpacked(mine, PackError).what


def test_an_sdk_without_a_licence(mine: Path) -> None:
    shutil.rmtree(mine / files.LICENCES / "abseil")
    assert "abseil" in unpacked(mine, LicenceMissing).what


def test_a_link_in_an_sdk(mine: Path) -> None:
    (mine / "include" / "link.h").symlink_to("/etc/passwd")
    unpacked(mine, PackError)


def test_a_key_that_cannot_sign(mine: Path, tmp_path: Path, keys: Path) -> None:
    unpacked(mine, SigningFailed, tmp_path / "no-key")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"], check=True
    )
    unpacked(mine, SigningFailed, tmp_path / "locked")


def test_a_pack_that_fails_leaves_the_one_before(mine: Path, keys: Path) -> None:
    output = mine.parent / "out"
    pack(mine, output, None, quiet()[0])
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    with pytest.raises(SigningFailed):
        pack(mine, output, keys / "none", quiet()[0])
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_a_full_disk(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfport.packed.make.compress", full)
    assert "three times" in unpacked(mine, DiskFull).hint
