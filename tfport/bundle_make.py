"""Makes a bundle: sources and models from the cache, wheels from where pip takes them, locks, sums."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfport import bundle
from tfport.bootstrap import BASE, BUILD, REFERENCE
from tfport.catalogue import load_catalogue
from tfport.command import run
from tfport.errors import CommandFailed, NotOffered, RequirementsFailed
from tfport.recipe import load_recipes
from tfport.report import Reporter
from tfport.sources import SourceCache, SourceRef, fetch
from tfport.sources import write_bundle as copy_sources
from tfport.sources.cache import full_disk_named
from tfport.sums import SUMS, sums_of, sums_text
from tfport.target import ROOT

_PIP = ("-I", "-m", "pip", "download", "--disable-pip-version-check", "--no-build-isolation")


def make_bundle(
    output: Path, home: Path, reporter: Reporter, *, reference: bool = True, root: Path = ROOT
) -> dict[str, Any]:
    """Write the folder ``output``, whole or not at all; one that is there is replaced.

    Without ``reference`` host TensorFlow stays out. Raises ``NotOffered`` where ``output`` is something else,
    ``RequirementsFailed``, and what ``fetch`` raises.
    """
    output = output.absolute()
    if output.exists() and not (output / SUMS).is_file() and any(output.iterdir()):
        raise NotOffered(
            f"{output} exists and is no bundle",
            "All that is in it would be replaced.",
            "Give --output a folder that does not exist yet.",
        )
    cache = SourceCache(home / "sources")
    refs = [source for recipe in load_recipes(root) for source in recipe.sources]
    catalogue = load_catalogue(root / "models" / "models.toml")
    refs += [SourceRef(each.url, each.sha256) for each in catalogue.archives]
    with reporter.downloads() as progress:
        fetch(refs, cache, progress)
    locks = [BUILD, BASE, *([REFERENCE] if reference else [])]
    fresh = output.with_name(f".{output.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        with full_disk_named(output.parent):
            copy_sources(refs, cache, fresh)
            reporter.say(f"Downloading the wheels of {', '.join(locks)}")
            download_wheels([root / name for name in locks], fresh / bundle.WHEELS, root)
            (fresh / bundle.LOCKS).mkdir()
            for name in locks:
                shutil.copyfile(root / name, fresh / bundle.LOCKS / name)
            (fresh / bundle.PYTHON).write_text(bundle.this_python() + "\n", encoding="utf-8")
            files = sums_of(fresh)
            (fresh / SUMS).write_text(sums_text(files), encoding="utf-8")
        if output.exists():
            shutil.rmtree(output)
        fresh.rename(output)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    size = sum((output / name).stat().st_size for name in files)
    reporter.say(f"{output}: {len(files)} files, {size / 1e6:.0f} MB. Elsewhere: --offline --bundle {output}")
    return {"bundle": str(output), "files": len(files), "bytes": size}


def download_wheels(locks: Sequence[Path], folder: Path, root: Path) -> None:
    """The files of all ``locks``, held against their hashes by pip. Raises ``RequirementsFailed``."""
    words = [word for lock in locks for word in ("-r", str(lock))]
    try:
        run(
            [sys.executable, *_PIP, "--no-deps", "--require-hashes", "--dest", folder, *words],
            log=root / "build" / "logs" / "pip-download.log",
        )
    except CommandFailed as error:
        raise RequirementsFailed(
            "pip could not download the Python requirements",
            error.why,
            f"Run it again when the cause is gone. {error.hint}",
        ) from None
