"""What int8 costs in accuracy, beside its speed: how well both precisions of a network agree on pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Optional

from tfport.bench.cases import NAMED, Case, demo_pictures, lite_path, scaling_of
from tfport.bench.results import Row
from tfport.catalogue import Shelf
from tfport.deploy import REPORT
from tfport.host import Host
from tfport.quantise.accuracy import Agreement
from tfport.quantise.samples import Samples, samples_of

HEAD = "top-1 as fp32"


def agreements(
    models: Sequence[str], precisions: Sequence[str], pictures: Optional[Samples], host: Host, shelf: Shelf
) -> dict[str, Agreement]:
    """By network, for the standard ones that are measured in int8; ``pictures`` None: the demo pictures.

    Raises what ``Host.work`` raises, ``CalibrationInvalid`` among it.
    """
    wanted = [name for name in models if name in NAMED and "int8" in precisions]
    if wanted and pictures is None:
        files = demo_pictures(shelf)
        pictures = samples_of(files[0].parent, files)
    found = {}
    for name in wanted:
        assert pictures is not None
        pair = [lite_path(name, precision, host, shelf) for precision in ("fp32", "int8")]
        found[name] = host.agreement(pair[0], pair[1], pictures, scaling_of(name))
    host.work()
    return {name: Agreement(**json.loads(path.read_text(encoding="utf-8"))) for name, path in found.items()}


def told_by(sdks: Sequence[Path], cases: Sequence[Case]) -> dict[str, Agreement]:
    """By network, for those models that ``--quantize int8`` made with one of these SDKs."""
    found = {}
    for sdk in sdks:
        try:
            made = json.loads((sdk / REPORT).read_text(encoding="utf-8")).get("quantisation") or {}
        except (OSError, ValueError):
            continue
        for case in cases:
            if made and made["model"]["sha256"] == case.lite.sha256:
                names = (each.name for each in fields(Agreement))
                found[case.network] = Agreement(**{name: made["accuracy"][name] for name in names})
    return found


def with_accuracy(rows: Sequence[Row], found: Mapping[str, Agreement]) -> list[Row]:
    """The same rows; those of our engines in int8, which run the very model that was compared, say it too."""
    return [
        replace(row, accuracy=found.get(row.network))
        if row.ours and row.ok and row.precision == "int8"
        else row
        for row in rows
    ]


def cell(row: Row) -> str:
    """For the table."""
    return row.accuracy.top1 if row.accuracy else ""
