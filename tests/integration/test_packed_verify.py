"""Packed files that are not what they say: damaged, signed by others, forged, or no packed files at all."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.cross import needs_compiler
from tests.integration.small_pack import NAME, edit, quiet, repacked
from tfport.errors import (
    CheckFailed,
    LicenceMissing,
    PackDamaged,
    PackError,
    SbomMismatch,
    SignatureInvalid,
    TfportError,
)
from tfport.packed import files
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


FORGERIES = {
    "licence-gone": (lambda f: shutil.rmtree(f / files.LICENCES / "zlib"), LicenceMissing, "zlib"),
    "licence-empty": (lambda f: (f / files.LICENCES / "zlib/LICENSE").write_text(""), LicenceMissing, "zlib"),
    "licence-of-nobody": (
        lambda f: shutil.copytree(f / files.LICENCES / "zlib", f / files.LICENCES / "openssl"),
        SbomMismatch,
        "openssl",
    ),
    "sbom-short": (edit(files.SBOM, lambda d: d["components"].pop(0)), SbomMismatch, "not in the SBOM"),
    "sbom-version": (
        edit(files.SBOM, lambda d: d["components"][0].update(version="9")),
        SbomMismatch,
        "the SBOM calls it",
    ),
    "sbom-source": (
        edit(
            files.SBOM,
            lambda d: d["components"][0]["externalReferences"][0]["hashes"][0].update(content="0" * 64),
        ),
        SbomMismatch,
        "other sources",
    ),
    "sbom-archive": (
        edit(files.SBOM, lambda d: d["metadata"]["component"]["hashes"][0].update(content="0" * 64)),
        SbomMismatch,
        "sha256",
    ),
    "sbom-none": (lambda f: (f / files.SBOM).write_text("{}"), SbomMismatch, "cannot|not an SBOM"),
    "vex-strange": (
        edit(files.VEX, lambda d: d["vulnerabilities"][0]["affects"][0].update(ref="urn:cdx:x/1#y")),
        SbomMismatch,
        "does not list",
    ),
    "vex-none": (lambda f: (f / files.VEX).unlink(), SbomMismatch, "cannot be read"),
    "manifest-none": (lambda f: (f / files.MANIFEST).unlink(), PackError, "cannot be read"),
    "manifest-newer": (edit(files.MANIFEST, lambda d: d.update(schema=99)), PackError, "form 99"),
    "manifest-target": (
        edit(files.MANIFEST, lambda d: d["target"].update(name="zuluko-vfpv3")),
        PackError,
        "speaks of",
    ),
    "manifest-figures": (
        edit(files.MANIFEST, lambda d: d["figures"]["check"].update(instructions=1)),
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
    change = edit(name, lambda document: _without_a_part(document, data))
    try:
        verify(repacked(packed / f"{NAME}.tar.gz", tmp_path, change), None, quiet()[0])
    except TfportError as error:
        assert error.what


def test_code_above_the_target(packed: Path, tmp_path: Path) -> None:
    def forge(folder: Path) -> None:
        edit(files.MANIFEST, lambda d: d["target"]["cpu"].update(fpu="neon-vfpv3"))(folder)

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
