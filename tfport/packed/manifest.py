"""manifest.json of a packed file: for whom and of what it was built, and what it measured when it was tested.

All of it comes from the report of the build, without what is of one machine only: paths and seconds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tfport.errors import NotAnSdk, PackError
from tfport.packed.components import Linked
from tfport.target import Target, target_of

SCHEMA = 1
_EPOCH = 315532800  # 1980-01-01: the oldest time that every archiver takes for one
_OF_THIS_MACHINE = ("seconds", "seconds_per_inference", "heap_high_water_bytes")
_TOO_LONG = ("undefined",)


def pack_name(report: Mapping[str, Any]) -> str:
    """``tfport-<runtime>-<version>-<target>``; an SDK that is cut to models names them behind the runtime."""
    runtime, models = report["runtime"], [Path(model["path"]).stem for model in report["models"]]
    words = [runtime["name"], *(re.sub(r"[^A-Za-z0-9._]+", "_", model) for model in models)]
    return f"tfport-{'-'.join(words)}-{runtime['version']}-{report['target']['name']}"


def pack_time() -> int:
    """The time of everything in a pack, in seconds: ``SOURCE_DATE_EPOCH``, or a fixed one.

    Raises ``PackError``.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", str(_EPOCH))
    if not given.isdigit() or not 0 < int(given) < 1 << 33:  # what ustar holds
        raise PackError(
            f"SOURCE_DATE_EPOCH is {given!r}",
            "It must be a time in seconds since 1970.",
            "Set it to a number, or unset it.",
        )
    return int(given)


def report_target(data: Mapping[str, Any]) -> Target:
    """The target as a report or manifest holds it. Raises ``PackError``."""
    faults: list[str] = []
    target = target_of(_without_none(data), faults)
    if target is None:
        raise PackError("The description of the target is not one", "\n".join(faults), "It was changed.")
    return target


def manifest(
    report: Mapping[str, Any], target: Target, components: Iterable[Linked], time: int
) -> dict[str, Any]:
    """The whole manifest as plain data. Raises ``NotAnSdk`` when the report lacks a part."""
    try:
        return {
            "schema": SCHEMA,
            "name": pack_name(report),
            "tfport": report["tfport"],
            "runtime": report["runtime"],
            "target": _without_none(asdict(target)),
            "flags": list(target.compile_flags),
            "compiler": {"program": target.compiler.program("gcc"), "version": report["compiler"]},
            "source_date_epoch": time,
            "components": {f"{each.name}@{each.version}": _component(each) for each in components},
            "models": [
                {"name": Path(model["path"]).name, "sha256": model["sha256"]} for model in report["models"]
            ],
            "operators": report["operators"],
            "figures": {
                "sizes": report["sizes"],
                "check": figures(report["check"]),
                "smoke": figures(report["smoke"]),
            },
        }
    except (KeyError, TypeError) as error:
        raise NotAnSdk(
            f"report.json lacks {error}", "Another version of tfport wrote it.", "Build the SDK again."
        ) from None


def figures(data: Any) -> Any:
    """Measured figures without those that another run of the same SDK would not give again."""
    if isinstance(data, dict):
        skipped = (*_OF_THIS_MACHINE, *_TOO_LONG)
        return {key: figures(value) for key, value in data.items() if key not in skipped}
    if isinstance(data, (list, tuple)):
        return [figures(value) for value in data]
    return data


def read_pack_manifest(path: Path) -> dict[str, Any]:
    """What is checked of a manifest that ``manifest`` made: ``components`` with the sha256 of their sources.

    Raises ``PackError``.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise PackError(
                f"The packed file has form {data['schema']}, this is tfport for form {SCHEMA}",
                "Another version of tfport packed it.",
                "Verify it with that version.",
            )
        found = {
            "name": str(data["name"]),
            "runtime": {part: str(data["runtime"][part]) for part in ("name", "version")},
            "target": dict(data["target"]),
            "components": {
                str(ref): sorted(str(source["sha256"]) for source in part["sources"] if source["sha256"])
                for ref, part in data["components"].items()
            },
            "check": data["figures"]["check"],
            "time": int(data["source_date_epoch"]),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(
            f"{path.name} cannot be read: {type(error).__name__}: {error}",
            "The file was not made by build.py pack, or was changed.",
        ) from None
    return found


def _component(component: Linked) -> dict[str, Any]:
    return {
        "license": component.license,
        "sources": [{"url": source.url, "sha256": source.sha256} for source in component.sources],
        "patches": [f"{Path(patch.file).name}: {patch.subject}" for patch in component.patches],
    }


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    if isinstance(data, (list, tuple)):
        return [_without_none(value) for value in data]
    return data
