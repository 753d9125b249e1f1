"""Packed files of a small SDK: what is in them, that they are the same again, and every way to be wrong."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.cross import needs_compiler
from tests.integration.small_pack import COMPONENTS, NAME, finished_sdk, quiet, repacked
from tfport.errors import (
    CheckFailed,
    DiskFull,
    LicenceMissing,
    NotAnSdk,
    PackDamaged,
    PackError,
    SbomMismatch,
    SignatureInvalid,
    SigningFailed,
    TfportError,
)
from tfport.packed import files
from tfport.packed.make import pack
from tfport.packed.verify import verify
from tfport.target import ROOT

pytestmark = [
    needs_compiler,
    pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen on this machine"),
]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_sdk(tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys and, for each, a file of allowed signers."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        kind, public, *_ = (folder / f"{name}.pub").read_text().split()
        (folder / f"{name}.allowed").write_text(f'release@{name} namespaces="tfport" {kind} {public}\n')
    return folder


@pytest.fixture(scope="module")
def packed(sdk: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("packed")
    pack(sdk, output, keys / "ours", quiet()[0])
    return output


@pytest.fixture
def copy(packed: Path, tmp_path: Path) -> Path:
    """The packed files, to be damaged."""
    return Path(shutil.copytree(packed, tmp_path / "copy"))


def refused(file: Path, kind: type[TfportError], key: Path | None = None) -> TfportError:
    with pytest.raises(kind) as caught:
        verify(file, key, quiet()[0])
    assert type(caught.value) is kind
    return caught.value


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


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), suffix=st.sampled_from(files.SUFFIXES))
def test_one_byte_changed(copy: Path, packed: Path, data: st.DataObject, suffix: str) -> None:
    original = (packed / f"{NAME}{suffix}").read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    changed = original[at] ^ data.draw(st.integers(1, 255))
    (copy / f"{NAME}{suffix}").write_bytes(original[:at] + bytes([changed]) + original[at + 1 :])
    assert "not the file" in refused(copy / f"{NAME}{suffix}", PackDamaged).what


@pytest.mark.parametrize("suffix", files.SUFFIXES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_cut_short_without_sums_beside_it(copy: Path, suffix: str, share: float) -> None:
    file = copy / f"{NAME}{suffix}"
    files.sums_beside(copy, NAME).unlink()
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    refused(file, PackDamaged)


def test_another_key(packed: Path, keys: Path) -> None:
    error = refused(packed / f"{NAME}.tar.zst", SignatureInvalid, keys / "other.allowed")
    assert "not a signature" in error.what


def test_a_signature_of_other_sums(copy: Path, keys: Path) -> None:
    sums = files.sums_beside(copy, NAME)
    sums.write_text(sums.read_text().replace("a", "b"))
    refused(copy / f"{NAME}.tar.zst", SignatureInvalid, keys / "ours.allowed")


def test_a_signature_for_another_purpose(copy: Path, keys: Path) -> None:
    sums = files.sums_beside(copy, NAME)
    sums.with_name(f"{sums.name}.sig").unlink()
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-f", keys / "ours", "-n", "file", sums],
        check=True,
        capture_output=True,
    )
    refused(copy / f"{NAME}.tar.zst", SignatureInvalid, keys / "ours.allowed")


@pytest.mark.parametrize("lost", ["SHA256SUMS", "SHA256SUMS.sig"])
def test_no_signature(copy: Path, keys: Path, lost: str) -> None:
    (copy / f"{NAME}.{lost}").unlink()
    error = refused(copy / f"{NAME}.tar.gz", SignatureInvalid, keys / "ours.allowed")
    assert lost in error.what + error.hint


def test_no_file_of_allowed_signers(packed: Path, tmp_path: Path) -> None:
    assert "allowed signers" in refused(packed / f"{NAME}.tar.gz", SignatureInvalid, tmp_path / "no").hint


def _edit(name: str, change: Any) -> Any:
    def apply(folder: Path) -> None:
        data = json.loads((folder / name).read_text())
        change(data)
        (folder / name).write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")

    return apply


FORGERIES = {
    "licence-gone": (lambda f: shutil.rmtree(f / files.LICENCES / "zlib"), LicenceMissing, "zlib"),
    "licence-empty": (lambda f: (f / files.LICENCES / "zlib/LICENSE").write_text(""), LicenceMissing, "zlib"),
    "licence-of-nobody": (
        lambda f: shutil.copytree(f / files.LICENCES / "zlib", f / files.LICENCES / "openssl"),
        SbomMismatch,
        "openssl",
    ),
    "sbom-short": (_edit(files.SBOM, lambda d: d["components"].pop(0)), SbomMismatch, "not in the SBOM"),
    "sbom-version": (
        _edit(files.SBOM, lambda d: d["components"][0].update(version="9")),
        SbomMismatch,
        "the SBOM calls it",
    ),
    "sbom-source": (
        _edit(
            files.SBOM,
            lambda d: d["components"][0]["externalReferences"][0]["hashes"][0].update(content="0" * 64),
        ),
        SbomMismatch,
        "other sources",
    ),
    "sbom-archive": (
        _edit(files.SBOM, lambda d: d["metadata"]["component"]["hashes"][0].update(content="0" * 64)),
        SbomMismatch,
        "sha256",
    ),
    "sbom-none": (lambda f: (f / files.SBOM).write_text("{}"), SbomMismatch, "cannot|not an SBOM"),
    "vex-strange": (
        _edit(files.VEX, lambda d: d["vulnerabilities"][0]["affects"][0].update(ref="urn:cdx:x/1#y")),
        SbomMismatch,
        "does not list",
    ),
    "vex-none": (lambda f: (f / files.VEX).unlink(), SbomMismatch, "cannot be read"),
    "manifest-none": (lambda f: (f / files.MANIFEST).unlink(), PackError, "cannot be read"),
    "manifest-newer": (_edit(files.MANIFEST, lambda d: d.update(schema=99)), PackError, "form 99"),
    "manifest-target": (
        _edit(files.MANIFEST, lambda d: d["target"].update(name="zuluko-vfpv3")),
        PackError,
        "speaks of",
    ),
    "manifest-figures": (
        _edit(files.MANIFEST, lambda d: d["figures"]["check"].update(instructions=1)),
        PackError,
        "other figures",
    ),
    "ops-none": (lambda f: (f / "share/tfport/ops.json").unlink(), PackError, "no SDK"),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_forgeries_with_right_sums(packed: Path, tmp_path: Path, case: str) -> None:
    change, kind, text = FORGERIES[case]
    error = refused(repacked(packed / f"{NAME}.tar.gz", tmp_path, change), kind)
    assert any(part in error.what + error.why for part in text.split("|"))


def _without_a_part(data: Any, draw: st.DataObject) -> None:
    """Take one thing out of a JSON document, however deep."""
    keys: list[Any] = sorted(data) if isinstance(data, dict) else list(range(len(data)))
    key = keys[draw.draw(st.integers(0, len(keys) - 1))]
    if data[key] and isinstance(data[key], (dict, list)) and draw.draw(st.booleans()):
        _without_a_part(data[key], draw)
    elif draw.draw(st.booleans()):
        del data[key]
    else:
        data[key] = draw.draw(st.sampled_from([None, 7, "x", [], {}]))


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), name=st.sampled_from([files.SBOM, files.VEX, files.MANIFEST]))
def test_no_document_brings_verify_down(packed: Path, tmp_path: Path, data: st.DataObject, name: str) -> None:
    change = _edit(name, lambda document: _without_a_part(document, data))
    try:
        verify(repacked(packed / f"{NAME}.tar.gz", tmp_path, change), None, quiet()[0])
    except TfportError as error:
        assert error.what


def test_code_above_the_target(packed: Path, tmp_path: Path) -> None:
    def forge(folder: Path) -> None:
        _edit(files.MANIFEST, lambda d: d["target"]["cpu"].update(fpu="neon-vfpv3"))(folder)

    with pytest.raises(CheckFailed):
        verify(repacked(packed / f"{NAME}.tar.gz", tmp_path, forge), None, quiet()[0])


@pytest.mark.parametrize("what", ["changed", "added", "removed"])
def test_files_that_differ_from_the_sums_inside(packed: Path, tmp_path: Path, what: str) -> None:
    def forge(folder: Path) -> None:
        place = folder / files.LICENCES / "zlib" / "LICENSE"
        {
            "changed": lambda: place.write_text("another"),
            "added": lambda: (folder / "extra").write_text("x"),
            "removed": place.unlink,
        }[what]()

    error = refused(repacked(packed / f"{NAME}.tar.gz", tmp_path, forge, sums=False), PackDamaged)
    assert "SHA256SUMS" in error.what


def test_entries_that_are_not_as_written(packed: Path, tmp_path: Path) -> None:
    file = repacked(packed / f"{NAME}.tar.gz", tmp_path, lambda folder: None, time=1)
    assert "entries" in refused(file, PackDamaged).what


@pytest.mark.parametrize("kind", ["outside", "absolute", "link", "twice", "other-top"])
def test_entries_that_nobody_should_unpack(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"{NAME}.tar.gz"
    names = {"outside": f"{NAME}/../../evil", "absolute": "/tmp/evil", "other-top": "other/evil"}
    with tarfile.open(file, "w:gz") as tar:
        entry = tarfile.TarInfo(names.get(kind, f"{NAME}/evil"))
        if kind == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        for _ in range(2 if kind == "twice" else 1):
            tar.addfile(entry)
    assert "does not belong" in refused(file, PackDamaged).what
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_what_is_no_pack(tmp_path: Path) -> None:
    assert refused(tmp_path / "sdk.zip", PackError).hint
    assert "not there" in refused(tmp_path / f"{NAME}.tar.gz", PackError).what


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
    _edit("report.json", change)(sdk)


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
