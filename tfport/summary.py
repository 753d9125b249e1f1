"""report.json: every figure of a run as plain data, from which the final table is made too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from tfport.sums import sha256_of

SCHEMA = 1
Row = tuple[str, ...]


def sizes(sdk: Path) -> dict[str, int]:
    """Bytes of the files that matter, by path in the SDK."""
    wanted = [*sdk.glob("lib/*.a"), *sdk.glob("lib/*.debug"), *sdk.glob("bin/*")]
    return {str(path.relative_to(sdk)): path.stat().st_size for path in sorted(wanted) if path.is_file()}


def digests(sdk: Path) -> dict[str, str]:
    """sha256 of the same files: by it a later step knows them again."""
    return {name: sha256_of(sdk / name) for name in sizes(sdk)}


def smoke_rows(smoke: Optional[Mapping[str, Any]]) -> list[Row]:
    """One row for each model and input over all its runs: model, input, top-1, difference, runs, time."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for run in (smoke or {}).get("runs", []):
        groups.setdefault((run["model"], run["input"]), []).append(run)
    rows: list[Row] = []
    for (model, source), runs in groups.items():
        passed = f"{sum(1 for run in runs if run['ok'])}/{len(runs)}"
        seconds = sum(run["seconds"] for run in runs)
        rows.append((model, source, _top(runs), _difference(runs), passed, f"{seconds:.1f} s"))
    for ops in (smoke or {}).get("ops", []):
        name = f"{ops['input']}, op by op, XNNPACK {'on' if ops['xnnpack'] else 'off'}"
        difference = f"{ops['worst_steps']:g} steps" + (f" ({ops['worst_op']})" if ops["worst_op"] else "")
        passed = "1/1" if ops["ok"] else "0/1"
        rows.append((ops["model"], name, f"{ops['ops']} ops", difference, passed, f"{ops['seconds']:.1f} s"))
    return rows


def built_rows(data: Mapping[str, Any]) -> list[Row]:
    """What was built: name and figure."""
    rows: list[Row] = [("result", str(data["sdk"])), ("operators", str(data["operators"]["summary"]))]
    rows += [(name, _bytes(size)) for name, size in data["sizes"].items()]
    check = data["check"]
    if check:
        rows.append(("code and data", f"{_bytes(check['code_size'])} and {_bytes(check['data_size'])}"))
    recipes = data["build"]["recipes"]
    fresh = [entry for entry in recipes if entry["state"] == "built"]
    if data["build"]["up_to_date"]:
        rows.append(("built", "nothing to do"))
    else:
        rows.append(("built", f"{len(fresh)} of {len(recipes)} recipes, the others came from the cache"))
    for image in (data["smoke"] or {}).get("images", []):
        if image["ok"]:
            heap = (
                f"{_bytes(image['heap_bytes'])} of heap ({_bytes(image['ready_bytes'])} before the inference)"
            )
            start = f"{image['start_up'] / 1e6:.1f} million instructions to the first inference"
            rows.append((f"{image['model']}, image", f"{_bytes(image['size'])}, {heap}, {start}"))
    for count in (data["smoke"] or {}).get("counts", []):
        if count["per_inference"]:
            millions = count["per_inference"]["total"] / 1e6
            stock = "" if count.get("xnnpack", True) else ", XNNPACK off"
            rows.append((f"{count['model']}, one thread{stock}", f"{millions:.1f} million instructions"))
    if data.get("quantisation"):
        rows.append(("accuracy of int8", data["quantisation"]["accuracy"]["told"]))
    for cores in (data["smoke"] or {}).get("cores", []):
        if cores["ok"]:
            share = f"{100 * cores['busiest_share']:.1f} % of the work of one core"
            rows.append((f"{cores['model']}, busiest of {max(map(int, cores['per_core']))} cores", share))
    rows += [(f"{pack['model']}, packed", _packed(pack)) for pack in (data["smoke"] or {}).get("packed", [])]
    stages = data["seconds"]
    rows.append(("time", ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in stages.items())))
    if not data["reference"]:
        rows.append(("compared with", "nothing: built with --no-reference"))
    return rows


def _packed(pack: Mapping[str, Any]) -> str:
    parts = [f"{_bytes(pack['in_place_bytes'])} used in place"]
    parts.append(f"heap {_bytes(pack['heap_bytes_unpacked'])} -> {_bytes(pack['heap_bytes'])}")
    if pack["start_up"]:
        before, after = pack["start_up_unpacked"] / 1e6, pack["start_up"] / 1e6
        parts.append(f"start-up {before:.1f} -> {after:.1f} million instructions")
    return ", ".join(parts)


def _top(runs: list[Mapping[str, Any]]) -> str:
    found = dict.fromkeys(run["label"] or run["top_class"] for run in runs if run["top_class"] is not None)
    if not found:
        return "-"
    scores = [run["score"] for run in runs if run["score"] is not None]
    score = f" {scores[0]:.3f}" if scores and len(found) == 1 else ""
    return " / ".join(str(name) for name in found) + score


def _difference(runs: list[Mapping[str, Any]]) -> str:
    worst: dict[str, float] = {}
    for run in runs:
        for difference in run["differences"]:
            value = float("inf") if difference["worst"] is None else difference["worst"]
            worst[difference["rule"]] = max(worst.get(difference["rule"], 0.0), value)
    units = {"float": "", "steps": " steps", "equal": " elements"}
    return ", ".join(f"{value:.2g}{units.get(rule, '')}" for rule, value in worst.items()) or "-"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 100_000 else f"{count:,} B"
