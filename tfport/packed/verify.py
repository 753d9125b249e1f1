"""Hold a packed file against all that it says of itself: sums, manifest, SBOM, licences, machine code."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Optional

from tfport.check import check_sdk
from tfport.errors import NotAnSdk, PackDamaged, PackError, SbomMismatch, SignatureInvalid
from tfport.manifest import read_manifest
from tfport.packed import files
from tfport.packed.licences import check_licences
from tfport.packed.manifest import figures, read_pack_manifest, report_target
from tfport.packed.sbom import Told, read_sbom
from tfport.packed.signature import verify as verify_signature
from tfport.packed.tarball import stem_of, tar_digest, unpack
from tfport.packed.vex import check_vex
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.sources.cache import full_disk_named
from tfport.sums import sha256_of
from tfport.target import Target

_ELSEWHERE = "It is unpacked there to look into it. Make room, or set TMPDIR to a folder on a larger disk."
_AGAIN = "Take the packed file from its source again."


def verify(file: Path, key: Optional[Path], reporter: Reporter) -> dict[str, Any]:
    """Check ``file``, with ``key`` (allowed signers) also who signed it; returns what was found.

    Raises ``PackError`` and its kinds, ``CheckFailed``, ``DiskFull``.
    """
    stem_of(file)
    if not file.is_file():
        raise PackError(f"{file} is not there", "", "Give the path of a packed file.")
    signer = _check_outside(file, key, reporter)
    temporary = Path(tempfile.gettempdir())
    with (
        full_disk_named(temporary, _ELSEWHERE),
        tempfile.TemporaryDirectory(prefix="tfport-verify-", dir=temporary) as place,
    ):
        folder, digest = unpack(file, Path(place))
        found = _check_inside(folder, digest, reporter)
    reporter.say(f"{file.name} is whole and fit for {found['target']}")
    return {"file": str(file), "signer": signer, **found}


def _check_outside(file: Path, key: Optional[Path], reporter: Reporter) -> Optional[str]:
    """The sums beside the file, and their signature."""
    sums = files.sums_beside(file.parent, stem_of(file))
    if not sums.is_file():
        if key is not None:
            raise SignatureInvalid(
                f"{file.name} cannot be held against a key: there is no {sums.name} beside it",
                "That is the file that is signed.",
                f"Fetch {sums.name} and {sums.name}.sig from where the packed file came.",
            )
        reporter.say(f"no {sums.name} beside it: only what is inside can be checked")
        return None
    signer = None
    if key is not None:
        signer = verify_signature(sums, key)
        reporter.say(f"signature: by {signer}")
    else:
        reporter.say("signature: not checked; --key takes a file of allowed signers")
    told = files.read_sums(sums)
    if told.get(file.name) != sha256_of(file):
        why = "" if file.name in told else "It is not listed there."
        raise PackDamaged(f"{file.name} is not the file that {sums.name} names", why, _AGAIN)
    reporter.say("sum of the packed file: right")
    return signer


def _check_inside(folder: Path, digest: str, reporter: Reporter) -> dict[str, Any]:
    files.check_sums(folder)
    reporter.say("sums of all files in it: right")
    manifest = read_pack_manifest(folder / files.MANIFEST)
    if manifest["name"] != folder.name:
        raise PackError(f"{folder.name} calls itself {manifest['name']}", "It was renamed.", _AGAIN)
    if tar_digest(folder, folder.name, manifest["time"]) != digest:
        raise PackDamaged(
            "The archive's own entries are not as they were written",
            "Order, owner, mode or time of a file was changed.",
            _AGAIN,
        )
    target = report_target(manifest["target"])
    _check_ops(folder, manifest, target)
    told = _check_sbom(folder, manifest)
    references = sorted(told.components)
    texts = check_licences(folder, [name.partition("@")[0] for name in references])
    reporter.say(f"SBOM: {len(references)} components, {texts} licence texts")
    answers = check_vex(folder / files.VEX, told.serial, references)
    reporter.say(f"VEX: {answers} vulnerabilities answered")
    facts = check_sdk(folder, target, runtime_named(manifest["runtime"]["name"]).keep)
    if json.loads(json.dumps(figures(facts.as_dict()))) != manifest["check"]:
        raise PackError(
            f"{files.MANIFEST} tells other figures of the library than the library has",
            "The manifest belongs to another build.",
            _AGAIN,
        )
    reporter.say(f"machine code: {facts.instructions:,} instructions, all within {target.cpu.core}")
    return {
        "name": folder.name,
        "target": target.name,
        "components": sorted(references),
        "licence_texts": texts,
        "vulnerabilities": answers,
    }


def _check_ops(folder: Path, manifest: dict[str, Any], target: Target) -> None:
    """Raises ``PackError`` unless the library was built for what the manifest says."""
    try:
        ops = read_manifest(folder)
    except NotAnSdk as error:
        raise PackError(f"There is no SDK in the packed file: {error.what}", error.why) from None
    told = (manifest["runtime"]["name"], manifest["runtime"]["version"], target.name)
    if (ops.runtime, ops.version, ops.target) != told:
        raise PackError(
            f"{files.MANIFEST} speaks of {' '.join(told)}",
            f"The library is {ops.runtime} {ops.version} for {ops.target}.",
            _AGAIN,
        )


def _check_sbom(folder: Path, manifest: dict[str, Any]) -> Told:
    """What the SBOM says. Raises ``SbomMismatch`` with every disagreement."""
    told = read_sbom(folder / files.SBOM)
    listed: dict[str, Any] = manifest["components"]
    faults = [f"{ref}: in the SBOM, not in {files.MANIFEST}" for ref in told.components if ref not in listed]
    faults += [f"{ref}: in {files.MANIFEST}, not in the SBOM" for ref in listed if ref not in told.components]
    for ref in sorted(told.components.keys() & listed.keys()):
        if "@".join(told.components[ref]) != ref:
            faults.append(f"{ref}: the SBOM calls it {'@'.join(told.components[ref])}")
        if list(told.sources[ref]) != listed[ref]:
            faults.append(f"{ref}: the SBOM and {files.MANIFEST} name other sources")
    archive = folder / told.archive
    if told.product != folder.name:
        faults.append(f"it is the SBOM of {told.product}")
    if not archive.is_file() or sha256_of(archive) != told.sha256:
        faults.append(f"{told.archive}: its sha256 is not the one that the SBOM is about")
    if faults:
        raise SbomMismatch(
            f"{files.SBOM} and the packed file disagree", "\n".join(faults), "Do not rely on this SBOM."
        )
    return told
