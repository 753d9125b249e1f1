"""The manifest that an SDK carries: which ops it holds, and whether a model finds all of its own there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotAnSdk
from tfport.model import LiteModel

# Every op of the port, as the recipe's sources register them; a test holds it against a built library.
PORT = Path("recipes") / "tensorflow-lite" / "all" / "ops.json"
_MARK = b'{"tfport_manifest": '


@dataclass(frozen=True)
class Manifest:
    """``ops``: builtin name -> (lowest, highest version). ``custom``, ``xnnpack``: names of ops."""

    version: str
    target: str
    ops: Mapping[str, tuple[int, int]]
    custom: frozenset[str]
    xnnpack: frozenset[str]

    def lacks(self, model: LiteModel) -> list[str]:
        """One line for each operator of the model that the library cannot run."""
        lines = []
        for op in model.ops:
            if op.custom:
                if op.name not in self.custom:
                    lines.append(f"custom op {op.name}: not in the library; register it in your program")
            elif op.name not in self.ops:
                lines.append(f"{op.name}: not in the library")
            elif not self.ops[op.name][0] <= op.version <= self.ops[op.name][1]:
                low, high = self.ops[op.name]
                lines.append(
                    f"{op.name}: the model needs version {op.version}, the library has {low} to {high}"
                )
        return lines


def read_manifest(sdk: Path) -> Manifest:
    """The manifest of an SDK folder, or the one inside an archive or a linked program.

    Raises ``NotAnSdk``.
    """
    path = sdk / MANIFEST if sdk.is_dir() else sdk
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotAnSdk(
            f"{sdk} holds no library of tfport ({error.strerror})",
            f"There is no {MANIFEST} in it.",
            "--sdk takes dist/<target>/lite, lib/libtensorflow-lite.a, or a program linked with it.",
        ) from None
    start = data.find(_MARK)
    try:
        found, _ = json.JSONDecoder().raw_decode(data[max(0, start) :].split(b"\0", 1)[0].decode("utf-8"))
        return _parse(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAnSdk(f"{path} holds no readable manifest of ops", "It was not made by tfport.") from None


def refuse_unfit(model: LiteModel, manifest: Manifest) -> None:
    """Raise ``ModelRefused`` with every operator that the library lacks."""
    lacking = manifest.lacks(model)
    if lacking:
        raise ModelRefused(
            f"{model.path} needs {len(lacking)} operator{'s' * (len(lacking) > 1)} that the library lacks",
            "\n".join(lacking),
            "Build for all ops, or for this model too: --model OLD.tflite --model NEW.tflite",
        )


def refuse_unportable(model: LiteModel, root: Path) -> None:
    """Raise ``ModelRefused`` if even a library with all ops of the port could not run the model."""
    lacking = read_manifest(root / PORT).lacks(model)
    if lacking:
        raise ModelRefused(
            f"{model.path} needs operators that TensorFlow Lite does not have in this port",
            "\n".join(lacking),
            "A custom op is code of yours: build without --model, and register the op in your program.",
        )


def _parse(data: dict[str, Any]) -> Manifest:
    return Manifest(
        version=str(data.get("version", "")),
        target=str(data.get("target", "")),
        ops={str(name): (int(low), int(high)) for name, (low, high) in data["ops"].items()},
        custom=frozenset(data["custom"]),
        xnnpack=frozenset(data["xnnpack"]),
    )
