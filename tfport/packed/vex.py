"""The VEX: for each known vulnerability of what is linked in, whether this configuration is affected and why.

``security/vex.toml`` holds the statements, each for one version of a component: another version asks the
question anew. Written as CycloneDX, which refers to the components of the SBOM by their BOM-Link.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from cyclonedx.model import XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.impact_analysis import (
    ImpactAnalysisJustification,
    ImpactAnalysisResponse,
    ImpactAnalysisState,
)
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilitySource,
)

from tfport.errors import RecipeInvalid, SbomMismatch
from tfport.packed.components import Linked
from tfport.packed.sbom import Product, pretty
from tfport.target import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STATEMENTS = ROOT / "security" / "vex.toml"
STATES = ("not_affected", "resolved_with_pedigree", "exploitable", "in_triage")
_KINDS: Mapping[str, type] = {"absent": list}
_REQUIRED = ("id", "component", "version", "state", "summary", "detail", "source")


@dataclass(frozen=True)
class Statement:
    """One answer: does vulnerability ``id`` matter in ``component`` of this ``version``, as tfport builds it?

    state, justification: of CycloneDX. summary: what is wrong there. detail: the argument. patch: our file
    that fixes it. advice: what a user can do. source: url of the record. absent: functions that the archive
    must not call for the statement to hold.
    """

    id: str
    component: str
    version: str
    state: str
    summary: str
    detail: str
    source: str
    justification: str = ""
    patch: str = ""
    advice: str = ""
    absent: tuple[str, ...] = ()


def load_statements(path: Path = STATEMENTS) -> list[Statement]:
    """All statements, in the file's order. Raises ``RecipeInvalid`` with all that is wrong."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("statement", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeInvalid(f"{path} cannot be read", str(error)) from None
    faults: list[str] = []
    statements = [found for number, row in enumerate(rows, 1) if (found := _statement(row, number, faults))]
    if faults:
        raise RecipeInvalid(f"{path} has {len(faults)} faults", "\n".join(faults))
    return statements


def about(
    statements: Iterable[Statement], components: Iterable[Linked], called: Iterable[str]
) -> list[Statement]:
    """Those statements that are about one of ``components`` in its version.

    ``called``: the functions of other libraries that the archive calls. A statement for which some of them
    must be absent is taken back where they are not.
    """
    there, functions = {(each.name, each.version) for each in components}, set(called)
    found = [each for each in statements if (each.component, each.version) in there]
    return [_taken_back(each, sorted(functions.intersection(each.absent))) for each in found]


def _taken_back(said: Statement, called: list[str]) -> Statement:
    if not called:
        return said
    detail = f"This archive calls {', '.join(called)}; whether the fault can be reached was not followed."
    return replace(said, state="in_triage", justification="", detail=detail)


def vex(product: Product, statements: Iterable[Statement]) -> str:
    """The whole document as JSON; the same text for the same SDK and statements."""
    bom = Bom(
        serial_number=uuid.uuid5(product.serial, "vex"),
        metadata=product.metadata,
        vulnerabilities=[_vulnerability(product, each) for each in statements],
    )
    return pretty(bom)


def check_vex(path: Path, serial: str, references: Iterable[str]) -> int:
    """The number of statements, all of which are about components of the SBOM with this serial number.

    Raises ``SbomMismatch``.
    """
    known = {_link(serial, each) for each in references}
    try:
        rows = json.loads(path.read_text(encoding="utf-8")).get("vulnerabilities", [])
        meant = {target["ref"] for row in rows for target in row["affects"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SbomMismatch(f"{path.name} cannot be read: {error}", "It was changed.") from None
    strange = sorted(meant - known)
    if strange:
        raise SbomMismatch(f"{path.name} is about components that the SBOM does not list", "\n".join(strange))
    return len(rows)


def _link(serial: str, component: str) -> str:
    """The BOM-Link of a component."""
    return f"urn:cdx:{serial}/1#{component}"


def _vulnerability(product: Product, said: Statement) -> Vulnerability:
    justification = ImpactAnalysisJustification(said.justification) if said.justification else None
    detail = said.detail + (f"\n\nFixed by {said.patch}." if said.patch else "")
    analysis = VulnerabilityAnalysis(
        state=ImpactAnalysisState(said.state),
        justification=justification,
        responses=[ImpactAnalysisResponse.UPDATE] if said.patch else [],
        detail=detail,
    )
    return Vulnerability(
        bom_ref=f"{said.id}:{said.component}",
        id=said.id,
        source=VulnerabilitySource(url=XsUri(said.source)),
        description=said.summary,
        recommendation=said.advice or None,
        analysis=analysis,
        affects=[BomTarget(ref=_link(str(product.serial), f"{said.component}@{said.version}"))],
    )


def _statement(row: Mapping[str, Any], number: int, faults: list[str]) -> Statement | None:
    here = f"statement {number} ({row.get('id', 'without id')})"
    known = [each.name for each in fields(Statement)]
    before = len(faults)
    faults += [f"{here}: unknown key {key!r}" for key in row if key not in known]
    faults += [f"{here}: {key} is missing" for key in _REQUIRED if not row.get(key)]
    faults += [
        f"{here}: {key} must be a text" for key in row if not isinstance(row[key], _KINDS.get(key, str))
    ]
    state, why = row.get("state"), row.get("justification", "")
    if state not in STATES:
        faults.append(f"{here}: state must be one of {', '.join(STATES)}")
    if (state == "not_affected") != bool(why):
        faults.append(f"{here}: a justification goes with not_affected, and only with it")
    if why and why not in [each.value for each in ImpactAnalysisJustification]:
        faults.append(f"{here}: CycloneDX knows no justification {why!r}")
    if (state == "resolved_with_pedigree") != bool(row.get("patch")):
        faults.append(f"{here}: a patch goes with resolved_with_pedigree, and only with it")
    if len(faults) > before:
        return None
    return Statement(**{**row, "absent": tuple(row.get("absent", ()))})
