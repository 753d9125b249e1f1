"""The SBOM: what is linked in, as CycloneDX 1.6, and the same read back to hold an SDK against it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import (
    Component,
    ComponentScope,
    ComponentType,
    Diff,
    Patch,
    PatchClassification,
    Pedigree,
)
from cyclonedx.model.issue import IssueClassification, IssueType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tfport import __version__
from tfport.errors import SbomMismatch
from tfport.packed.components import AppliedPatch, Linked

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tfport")
_CLASS = {"backport": PatchClassification.BACKPORT}


@dataclass(frozen=True)
class Product:
    """The packed SDK. ``archive``: path of its one archive in it, with its ``sha256``."""

    name: str
    version: str
    target: str
    archive: str
    sha256: str
    time: int

    @property
    def serial(self) -> uuid.UUID:
        """The SBOM's serial number: the same for the same archive."""
        return uuid.uuid5(_NAMESPACE, f"{self.name} {self.sha256}")

    @property
    def metadata(self) -> BomMetaData:
        """What both documents say of their origin."""
        return BomMetaData(
            timestamp=datetime.fromtimestamp(self.time, timezone.utc),
            tools=ToolRepository(
                components=[Component(name="tfport", version=__version__, type=ComponentType.APPLICATION)]
            ),
            component=self.component,
        )

    @property
    def component(self) -> Component:
        """The SDK as the root of the SBOM."""
        return Component(
            name=self.name,
            version=self.version,
            type=ComponentType.LIBRARY,
            bom_ref=self.name,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=self.sha256)],
            properties=[
                Property(name="tfport:archive", value=self.archive),
                Property(name="tfport:target", value=self.target),
            ],
        )


def reference(component: Linked) -> str:
    """The name by which documents refer to a component."""
    return f"{component.name}@{component.version}"


def sbom(product: Product, components: Iterable[Linked]) -> str:
    """The whole document as JSON; the same text for the same SDK."""
    root = product.component
    parts = [_component(each) for each in components]
    bom = Bom(serial_number=product.serial, metadata=product.metadata, components=parts)
    bom.register_dependency(root, parts)
    return pretty(bom)


def pretty(bom: Bom) -> str:
    """A document as JSON with one order of everything."""
    data = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def _component(part: Linked) -> Component:
    checksums = [source.sha256 for source in part.sources if source.sha256]
    sources = [
        ExternalReference(
            type=ExternalReferenceType.SOURCE_DISTRIBUTION,
            url=XsUri(source.url),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=source.sha256)] if source.sha256 else [],
        )
        for source in part.sources
    ]
    website = [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(part.homepage))]
    described = [
        Property(name=f"tfport:patch:{Path(patch.file).name}", value=patch.subject) for patch in part.patches
    ]
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        bom_ref=reference(part),
        purl=_purl(part, checksums),
        licenses=[LicenseFactory().make_from_string(part.license)],
        external_references=[*sources, *(website if part.homepage else [])],
        pedigree=Pedigree(patches=[_patch(each) for each in part.patches]) if part.patches else None,
        properties=[Property(name="tfport:linked-into", value=part.where), *described],
    )


def _purl(part: Linked, checksums: list[str]) -> PackageURL:
    if part.where == "bin":
        return PackageURL("deb", "debian", part.name, part.version)
    qualifiers = {"checksum": ",".join(f"sha256:{each}" for each in checksums)} if checksums else None
    return PackageURL("generic", None, part.name, part.version, qualifiers)


def _patch(patch: AppliedPatch) -> Patch:
    issue = IssueType(
        type=IssueClassification.ENHANCEMENT,
        id=Path(patch.file).name,
        name=patch.subject,
        description=f"{patch.why}\n\nUpstream: {patch.upstream}".strip(),
    )
    kind = _CLASS.get(patch.upstream.split(":")[0].strip().lower(), PatchClassification.UNOFFICIAL)
    return Patch(type=kind, diff=Diff(url=XsUri(f"{patch.file}#sha256={patch.sha256}")), resolves=[issue])


@dataclass(frozen=True)
class Told:
    """What an SBOM says, as far as it can be held against an SDK; components by their reference."""

    serial: str
    product: str
    archive: str
    sha256: str
    components: Mapping[str, tuple[str, str]]
    sources: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> set[str]:
        """Names of all components."""
        return {name for name, _ in self.components.values()}


def read_sbom(path: Path) -> Told:
    """Read an SBOM that ``sbom`` wrote. Raises ``SbomMismatch``."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        bom = Bom.from_json(data)  # type: ignore[attr-defined]
        root = bom.metadata.component
        (digest,) = (each.content for each in root.hashes if each.alg == HashAlgorithm.SHA_256)
        (archive,) = (each.value for each in root.properties if each.name == "tfport:archive")
        listed = {str(each.bom_ref.value): each for each in bom.components}
        return Told(
            data["serialNumber"].rpartition(":")[2],
            root.name,
            archive,
            digest,
            {ref: (each.name, each.version or "") for ref, each in listed.items()},
            {
                ref: tuple(sorted(sha.content for out in each.external_references for sha in out.hashes))
                for ref, each in listed.items()
            },
        )
    except Exception as error:  # whatever the library makes of a document that is not one
        raise SbomMismatch(
            f"{path.name} is not an SBOM that can be read: {type(error).__name__}: {error}",
            "It was changed, or written by something else.",
        ) from None
