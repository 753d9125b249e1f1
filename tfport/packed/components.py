"""What is linked into an SDK, as plain data: taken from the recipes when it is built, kept in report.json.

The tree may move on after a build, so a pack is made from what the report says and never from the recipes
that happen to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tfport import __version__
from tfport.errors import NotAnSdk
from tfport.patch import load_patch
from tfport.recipe import PatchRef, Recipe
from tfport.sums import sha256_of

OWN = "tfport"  # the name of all that is our own code


@dataclass(frozen=True)
class Source:
    """A pinned file; ``url`` in the form of conandata.yml."""

    url: str
    sha256: str


@dataclass(frozen=True)
class AppliedPatch:
    """A patch: its path in this repository, sha256, and what its header says."""

    file: str
    sha256: str
    subject: str
    why: str
    upstream: str


@dataclass(frozen=True)
class Linked:
    """One component. ``where``: the folder of the SDK whose files hold its code, ``lib`` or ``bin``."""

    name: str
    version: str
    license: str
    homepage: str = ""
    sources: tuple[Source, ...] = ()
    patches: tuple[AppliedPatch, ...] = ()
    where: str = "lib"


def linked(recipes: Iterable[Recipe]) -> list[Linked]:
    """One component for each recipe with sources, and one for our own code, by name."""
    foreign = [
        Linked(
            recipe.name,
            recipe.version,
            recipe.license,
            recipe.homepage,
            tuple(Source(source.url, source.sha256) for source in recipe.sources),
            tuple(_patch(recipe.name, patch) for patch in recipe.patches),
        )
        for recipe in recipes
        if recipe.sources
    ]
    return sorted([*foreign, Linked(OWN, __version__, "Apache-2.0")], key=lambda each: each.name)


def parse(rows: object) -> list[Linked]:
    """What ``dataclasses.asdict`` made of components, from JSON. Raises ``NotAnSdk``."""
    try:
        return [_component(row) for row in rows]  # type: ignore[attr-defined]
    except (KeyError, TypeError, AttributeError):
        raise NotAnSdk(
            "The report of this SDK does not say what is linked into it",
            "It was built by an earlier version of tfport, or report.json was changed.",
            "Build the SDK again: build.py --target NAME",
        ) from None


def _component(row: Mapping[str, Any]) -> Linked:
    return Linked(
        **{
            **row,
            "sources": tuple(Source(**source) for source in row["sources"]),
            "patches": tuple(AppliedPatch(**patch) for patch in row["patches"]),
        }
    )


def _patch(recipe: str, ref: PatchRef) -> AppliedPatch:
    patch = load_patch(ref.path)
    file = f"patches/{recipe}/{ref.path.name}"
    return AppliedPatch(file, sha256_of(ref.path), patch.subject, patch.why, patch.upstream)
