"""Packed files of a small SDK: what is in them, that they are the same again, that stock tools read them."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.integration.cross import needs_compiler
from tests.integration.small_pack import COMPONENTS, NAME, quiet
from tfport.errors import (
    PackError,
)
from tfport.packed import files
from tfport.packed.make import pack
from tfport.packed.verify import verify
from tfport.target import ROOT

pytestmark = [
    needs_compiler,
    pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen on this machine"),
]


def test_four_files_and_nothing_else(packed: Path) -> None:
    suffixes = [".SHA256SUMS", ".SHA256SUMS.sig", ".tar.gz", ".tar.zst"]
    assert sorted(path.name for path in packed.iterdir()) == [NAME + suffix for suffix in suffixes]


@pytest.mark.parametrize("suffix", files.SUFFIXES)
def test_a_pack_is_verified(packed: Path, keys: Path, suffix: str) -> None:
    found = verify(packed / f"{NAME}{suffix}", keys / "ours.allowed", quiet()[0])
    assert found["signer"] == "release@ours" and found["target"] == "zuluko"
    assert {"abseil@20220623.1", "zlib@1.2.13", "tfport@0.1.0"} <= set(found["components"])


def test_what_is_inside(packed: Path, sdk: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(packed / f"{NAME}.tar.gz", tmp_path)
    folder = tmp_path / NAME
    for path in sdk.rglob("*"):
        inside = folder / path.relative_to(sdk)
        if path.is_file() and path.name != "report.json":
            assert inside.read_bytes() == path.read_bytes()
    assert not (folder / "report.json").exists(), "it names paths of the machine that built"
    manifest = json.loads((folder / files.MANIFEST).read_text())
    assert manifest["models"] == [{"name": "my model.tflite", "sha256": "ab" * 32}]
    assert manifest["flags"][0] == "-march=armv7ve" and manifest["compiler"]["version"].startswith("12.")
    assert manifest["figures"]["smoke"] == {"ok": True, "runs": [{"model": "m", "worst": 0.5}]}
    assert "/home/" not in (folder / files.MANIFEST).read_text()
    assert 'name = "tfport-lite"' in (folder / "conanfile.py").read_text()
    named = {path.name for path in (folder / files.LICENCES).iterdir()}
    assert named >= {*COMPONENTS, "tfport", "libc6-dev-armhf-cross"}
    assert any(path.name == "LGPL-2.1" for path in (folder / files.LICENCES).rglob("*"))


def test_sbom_and_vex_are_cyclonedx(packed: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(packed / f"{NAME}.tar.gz", tmp_path)
    for name in (files.SBOM, files.VEX):
        text = (tmp_path / NAME / name).read_text()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    sbom = json.loads((tmp_path / NAME / files.SBOM).read_text())
    (abseil,) = (each for each in sbom["components"] if each["name"] == "abseil")
    assert abseil["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert len(abseil["pedigree"]["patches"]) == 2
    assert abseil["pedigree"]["patches"][0]["resolves"][0]["name"]
    (source,) = (each for each in abseil["externalReferences"] if each["type"] == "source-distribution")
    assert source["hashes"][0]["content"].startswith("abfe2897f3a3")
    vex = json.loads((tmp_path / NAME / files.VEX).read_text())
    serial = sbom["serialNumber"].rpartition(":")[2]
    targets = {target["ref"] for each in vex["vulnerabilities"] for target in each["affects"]}
    assert f"urn:cdx:{serial}/1#zlib@1.2.13" in targets


def test_the_same_bytes_again(
    packed: Path, sdk: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Path(shutil.copytree(sdk, tmp_path / "elsewhere"))
    for path in moved.rglob("*.h"):
        path.touch()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    pack(moved, tmp_path / "out", keys / "ours", quiet()[0])
    for path in packed.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name


def test_entries_belong_to_nobody_and_have_the_given_time(
    sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    pack(sdk, tmp_path, None, quiet()[0])
    assert not list(tmp_path.glob("*.sig"))
    with tarfile.open(tmp_path / f"{NAME}.tar.gz") as tar:
        entries = tar.getmembers()
    assert [each.name for each in entries] == sorted(each.name for each in entries)
    assert {(each.uid, each.gid, each.uname, each.gname) for each in entries} == {(0, 0, "", "")}
    assert {each.mtime for each in entries} == {1700000000} and {each.mode for each in entries} == {0o644}
    assert gzip.decompress((tmp_path / f"{NAME}.tar.gz").read_bytes())
    assert verify(tmp_path / f"{NAME}.tar.zst", None, quiet()[0])["signer"] is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(PackError, match="SOURCE_DATE_EPOCH"):
        pack(sdk, tmp_path, None, quiet()[0])


def test_stock_tools_check_it(copy: Path, keys: Path) -> None:
    """The line of the README, as it stands there but for names."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^(P=tfport-.*?\))\n```", readme, re.MULTILINE | re.DOTALL)
    line = line.replace("tfport-lite-2.14.1-zuluko", NAME).replace("release@example.com", "release@ours")
    shutil.copyfile(keys / "ours.allowed", copy / "allowed_signers")

    def run_line() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", line], cwd=copy, capture_output=True, text=True)

    done = run_line()
    assert done.returncode == 0, done.stderr
    assert 'Good "tfport" signature' in done.stdout and f"{NAME}.tar.gz: OK" in done.stdout
    assert (copy / NAME / files.MANIFEST).is_file()
    shutil.copyfile(keys / "other.allowed", copy / "allowed_signers")
    assert run_line().returncode != 0
