"""Which ops the port of TensorFlow core has kernels for, and the refusal of a model that needs another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tfport.core.model import CoreModel
from tfport.core.selection import canonical
from tfport.errors import ModelRefused, RecipeInvalid

# Every op that has a kernel in the files that the recipe compiles.
PORT = Path("recipes") / "tensorflow" / "all" / "ops.json"
# What a pass of the port puts in the place of a kernel for floats whose weights are constant: kernels of our
# patches to TensorFlow, which its own registry does not know.
FAST = {
    "Conv2D": ("_XnnpackConv2D", "XnnpackConv2DOp"),
    "DepthwiseConv2dNative": ("_XnnpackConv2D", "XnnpackConv2DOp"),
    "MatMul": ("_XnnpackMatMul", "XnnpackMatMulOp"),
}


def read_port(root: Path) -> frozenset[str]:
    """The names of the port's ops. Raises ``RecipeInvalid``: without the list nothing could be refused."""
    path = root / PORT
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["ops"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeInvalid(f"{path} cannot be read", f"It lists the ops of the port: {error}") from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise RecipeInvalid(f"{path} must hold a list of ops under the key ops")
    return frozenset(names)


def selection(models: Iterable[CoreModel], port: frozenset[str]) -> str:
    """What a library cut to these models holds.

    A graph as the user gave it may have nodes that preparing folds away; where the port has no kernel for
    them they are left out, since what ships does without.
    """
    pairs = {
        (op, kernel)
        for model in models
        for op, kernel in model.kernels
        if op in port or (op in model.nodes_of and not kernel)
    }
    fast = {FAST[op] for op, kernel in pairs if op in FAST and re.search(r"\bfloat\b", kernel)}
    return canonical(pairs | fast)


def refuse_unportable(models: Iterable[CoreModel], port: frozenset[str]) -> None:
    """Raise ``ModelRefused`` with every op that has no kernel in the port, and a node that needs it."""
    for model in models:
        # An op without a kernel class runs nowhere: TensorFlow rewrites it before a graph runs.
        needed = {op for op, kernel in model.kernels if kernel and op in model.nodes_of}
        lacking = sorted(needed - port)
        if lacking:
            raise ModelRefused(
                f"{model.path} needs {len(lacking)} op{'s' * (len(lacking) > 1)} "
                "that TensorFlow does not have in this port",
                "\n".join(f"{op}: needed by node {model.nodes_of[op]}" for op in lacking),
                "Leave the nodes out of the model: training, file formats and accelerators are not ported.",
            )
