"""From a finished SDK to the packed file, its sums and its signature; nothing is there until all of it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from tfport.check import check_sdk
from tfport.deploy import REPORT
from tfport.environment import check_compiler
from tfport.errors import NotAnSdk, PackError
from tfport.manifest import read_manifest
from tfport.packed import conan, files
from tfport.packed.components import Linked, parse
from tfport.packed.licences import add_licences, check_licences
from tfport.packed.manifest import manifest, pack_name, pack_time, report_target
from tfport.packed.sbom import Product, sbom
from tfport.packed.signature import sign
from tfport.packed.tarball import compress, write_tar
from tfport.packed.toolchain import linked_libraries
from tfport.packed.vex import about, load_statements, vex
from tfport.report import Reporter
from tfport.runtimes import runtime_named
from tfport.sources.cache import full_disk_named
from tfport.summary import digests
from tfport.sums import SUMS, sha256_of, sums_of, sums_text
from tfport.target import Target

_LARGER = "Packing takes about three times the SDK's size. Make room, or give --output a folder elsewhere."


def pack(sdk: Path, output: Path, key: Optional[Path], reporter: Reporter) -> dict[str, Any]:
    """Pack ``sdk`` into ``output``; returns what was written.

    Raises ``NotAnSdk``, ``CheckFailed``, ``LicenceMissing``, ``SigningFailed``, ``PackError``, ``DiskFull``.
    """
    time, statements = pack_time(), load_statements()
    report = _report(sdk)
    target = report_target(report["target"])
    if check_compiler(target) != report["compiler"]:
        raise PackError(
            f"The SDK was built with GCC {report['compiler']}, here is {check_compiler(target)}",
            "tfport-run holds libraries of that compiler, which could not be named.",
            "Pack on the machine that built the SDK, or build it again here.",
        )
    reporter.say(f"Checking {sdk} for {target.name}")
    facts = check_sdk(sdk, target, runtime_named(report["runtime"]["name"]).keep)
    libraries = linked_libraries(target)
    components = [*parse(report["components"]), *(each.component for each in libraries)]
    product = Product(
        name=pack_name(report),
        version=report["runtime"]["version"],
        target=target.name,
        archive=facts.archive,
        sha256=sha256_of(sdk / facts.archive),
        time=time,
    )
    stage = output / f".{product.name}.new"
    with full_disk_named(output, _LARGER):
        shutil.rmtree(stage, ignore_errors=True)
        try:
            folder = stage / "files"
            stage.mkdir(parents=True)
            shutil.copytree(sdk, folder, symlinks=True, ignore=_report_of(sdk))
            add_licences(folder, libraries)
            runtime, version = runtime_named(report["runtime"]["name"]), report["runtime"]["version"]
            if target.board is None:  # an image is linked by CMake or make, with the board's script
                text = conan.recipe(runtime.sdk_recipe, version, facts.archive, target)
                (folder / conan.RECIPE).write_text(text, encoding="utf-8")
            check_licences(folder, [component.name for component in components])
            texts = {
                files.SBOM: sbom(product, components),
                files.VEX: vex(product, about(statements, components, facts.undefined)),
                files.MANIFEST: _json(manifest(report, target, components, time)),
            }
            for name, text in texts.items():
                (folder / name).write_text(text, encoding="utf-8")
            (folder / SUMS).write_text(sums_text(sums_of(folder)), encoding="utf-8")
            made = _archives(stage, product.name, time, reporter)
            if key is not None:
                made.insert(0, sign(made[0], key.expanduser().absolute()))
            _publish(made, output, product.name)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    written = [output / path.name for path in made]
    for path in reversed(written):
        reporter.say(f"{path}  {path.stat().st_size:,} bytes")
    return _result(product, target, components, written)


def _report(sdk: Path) -> dict[str, Any]:
    """The report of an SDK that is still what was built and tested. Raises ``NotAnSdk``, ``PackError``."""
    read_manifest(sdk)
    again = "Build it again: build.py --target NAME"
    if not sdk.is_dir():
        raise NotAnSdk(f"{sdk} is a file", "", "--sdk takes the folder of an SDK, such as dist/zuluko/lite.")
    try:
        report = json.loads((sdk / REPORT).read_text(encoding="utf-8"))
        parts = ("target", "runtime", "models", "compiler", "smoke", "check", "components", "sha256")
        lacking = [part for part in parts if part not in report]
    except (OSError, ValueError, TypeError) as error:
        raise NotAnSdk(f"{sdk} has no {REPORT} that can be read: {error}", "", again) from None
    if lacking:
        raise NotAnSdk(
            f"{sdk / REPORT} lacks {', '.join(lacking)}", "An earlier version of tfport built it.", again
        )
    if digests(sdk) != report["sha256"]:
        raise NotAnSdk(
            f"The libraries and programs in {sdk} are not those that were built",
            f"Their sums differ from those in {REPORT}.",
            again,
        )
    if not (report["smoke"] or {}).get("ok"):
        raise PackError(
            f"{sdk} has not passed its smoke test",
            "Only what is proven is packed.",
            "Run build.py smoke with the options of the build, and see what differs.",
        )
    return dict(report)


def _report_of(sdk: Path) -> Any:
    """Leaves out the report, which names paths of this machine; the manifest has its figures."""
    return lambda folder, names: [REPORT] if Path(folder) == sdk and REPORT in names else []


def _archives(stage: Path, name: str, time: int, reporter: Reporter) -> list[Path]:
    """Write both archives and the sums over them; the sums come first."""
    tar = stage / f"{name}.tar"
    with tar.open("wb") as sink:
        write_tar(stage / "files", name, time, sink)
    archives = [stage / f"{name}{suffix}" for suffix in files.SUFFIXES]
    for archive in archives:
        reporter.say(f"Compressing {archive.name}")
        compress(tar, archive)
    sums = files.sums_beside(stage, name)
    sums.write_text(sums_text({path.name: sha256_of(path) for path in archives}), encoding="utf-8")
    return [sums, *archives]


def _publish(made: list[Path], output: Path, name: str) -> None:
    """Move the files into place; the sums, which make a pack of them, come last.

    The signature of an earlier pack goes with its sums.
    """
    sums = files.sums_beside(output, name)
    for old in (sums, sums.with_name(f"{sums.name}.sig")):
        old.unlink(missing_ok=True)
    for path in sorted(made, key=lambda path: path.name == sums.name):
        path.replace(output / path.name)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def _result(
    product: Product, target: Target, components: list[Linked], written: list[Path]
) -> dict[str, Any]:
    return {
        "name": product.name,
        "target": target.name,
        "components": [f"{each.name}@{each.version}" for each in components],
        "files": {str(path): sha256_of(path) for path in written},
    }
