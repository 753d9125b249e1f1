"""TensorFlow's pinned and patched tree, as far as lists of sources follow from it.

As a program, ``python -m tests.repo.core_tree`` prints recipes/tensorflow/all/ops.json as it should be.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.repo.pinned import apply, find_archive, touched, unpack
from tfport.core.steps.sources import Portable
from tfport.recipe import load_recipe
from tfport.target import ROOT

RECIPE = load_recipe(ROOT, "tensorflow")
_ELSEWHERE = tuple(f"tensorflow/{name}/" for name in ("dtensor", "go", "java", "js", "lite", "python"))


def make_tree(archive: Path, folder: Path) -> Portable:
    """Unpack and patch in ``folder`` what the BUILD files of TensorFlow's core name."""
    patched = touched(RECIPE)

    def wanted(name: str) -> bool:
        listed = name.startswith("tensorflow/") and not name.startswith(_ELSEWHERE)
        return name in patched or (listed and name.endswith(("/BUILD", ".cc", ".h", ".proto")))

    unpack(archive, wanted, folder)
    for patch in RECIPE.patches:
        apply(patch, folder)
    return Portable(folder)


def ops_json(portable: Portable) -> str:
    """The text of ops.json."""
    return json.dumps({"ops": portable.served_ops}, indent=1) + "\n"


if __name__ == "__main__":
    pinned = find_archive(RECIPE)
    if pinned is None:
        sys.exit(f"{RECIPE.sources[0].filename} is not in the cache: run 'build.py fetch'")
    with tempfile.TemporaryDirectory() as temporary:
        print(ops_json(make_tree(pinned, Path(temporary))), end="")
