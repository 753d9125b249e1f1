"""The manifest that an SDK carries: which ops it holds, and whether a model finds all of its own there."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from tfport.core.model import CoreModel
from tfport.core.selection import bare
from tfport.deploy import MANIFEST
from tfport.errors import ModelRefused, NotAnSdk
from tfport.model import LiteModel

# Every op of the port, as the recipe's sources register them; a test holds it against a built library.
PORT = Path("recipes") / "tensorflow-lite" / "all" / "ops.json"
_MARK = b'{"tfport_manifest": '
M = TypeVar("M", LiteModel, CoreModel)


@dataclass(frozen=True)
class Manifest(ABC, Generic[M]):
    """What every manifest says: the release that is ported, and for which target."""

    runtime: ClassVar[str]
    version: str
    target: str

    @abstractmethod
    def lacks(self, model: M) -> list[str]:
        """One line for each operator of the model that the library cannot run."""


@dataclass(frozen=True)
class LiteManifest(Manifest[LiteModel]):
    """``ops``: builtin name -> (lowest, highest version). ``custom``, ``xnnpack``: names of ops."""

    runtime = "lite"
    ops: Mapping[str, tuple[int, int]]
    custom: frozenset[str]
    xnnpack: frozenset[str]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> LiteManifest:
        return cls(
            version=str(data.get("version", "")),
            target=str(data.get("target", "")),
            ops={str(name): (int(low), int(high)) for name, (low, high) in data["ops"].items()},
            custom=frozenset(data["custom"]),
            xnnpack=frozenset(data["xnnpack"]),
        )

    def lacks(self, model: LiteModel) -> list[str]:
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


@dataclass(frozen=True)
class CoreManifest(Manifest[CoreModel]):
    """``ops``: name of an op -> the C++ classes of its kernels.

    A library of every op names none for any of them: each has all that the port has.
    """

    runtime = "tensorflow"
    ops: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> CoreManifest:
        return cls(
            version=str(data.get("version", "")),
            target=str(data.get("target", "")),
            ops={str(op): tuple(str(kernel) for kernel in kernels) for op, kernels in data["ops"].items()},
        )

    def lacks(self, model: CoreModel) -> list[str]:
        lines = []
        cut = any(self.ops.values())
        for op, kernel in model.kernels:
            node = model.nodes_of.get(op)
            held = self.ops.get(op)
            if node is None:  # no node that ships needs it; every library has what the runtime needs itself
                continue
            if held is None:
                lines.append(f"{op}: not in the library (node {node})")
            elif cut and kernel and bare(kernel) not in map(bare, held):
                lines.append(f"{op}: the library has no kernel {kernel} (node {node})")
        return list(dict.fromkeys(lines))


@dataclass(frozen=True)
class AclManifest:
    """Of a compiled model: what the Arm Compute Library was built with, and the sha256 of the file."""

    runtime: ClassVar[str] = "acl"
    version: str
    target: str
    operators: tuple[str, ...]
    data_types: tuple[str, ...]
    model: str

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> AclManifest:
        return cls(
            version=str(data.get("version", "")),
            target=str(data.get("target", "")),
            operators=tuple(str(name) for name in data["operators"]),
            data_types=tuple(str(name) for name in data["data_types"]),
            model=str(data["model"]),
        )


_KINDS: Mapping[str, type[LiteManifest] | type[CoreManifest] | type[AclManifest]] = {
    LiteManifest.runtime: LiteManifest,
    CoreManifest.runtime: CoreManifest,
    AclManifest.runtime: AclManifest,
}
K = TypeVar("K", LiteManifest, CoreManifest, AclManifest)


def read_manifest(sdk: Path) -> LiteManifest | CoreManifest | AclManifest:
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
            "--sdk takes a folder in dist/<target>, the archive in its lib/, or a program linked with it.",
        ) from None
    start = data.find(_MARK)
    try:
        found, _ = json.JSONDecoder().raw_decode(data[max(0, start) :].split(b"\0", 1)[0].decode("utf-8"))
        # TensorFlow Lite's came first and does not name its runtime.
        return _KINDS[found.get("runtime", LiteManifest.runtime)].parse(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAnSdk(f"{path} holds no readable manifest of ops", "It was not made by tfport.") from None


def manifest_of(kind: type[K], sdk: Path) -> K:
    """The manifest of an SDK that must be of one kind. Raises ``NotAnSdk``."""
    manifest = read_manifest(sdk)
    if not isinstance(manifest, kind):
        raise NotAnSdk(f"{sdk} is an SDK of the runtime {manifest.runtime}, not of {kind.runtime}")
    return manifest


def refuse_unfit(model: M, manifest: Manifest[M]) -> None:
    """Raise ``ModelRefused`` with every operator that the library lacks."""
    lacking = manifest.lacks(model)
    if lacking:
        form = model.path.suffix
        raise ModelRefused(
            f"{model.path} needs {len(lacking)} operator{'s' * (len(lacking) > 1)} that the library lacks",
            "\n".join(lacking),
            f"Build for all ops, or for this model too: --model OLD{form} --model NEW{form}",
        )


def refuse_unportable(model: LiteModel, root: Path) -> None:
    """Raise ``ModelRefused`` if even a library with all ops of the port could not run the model."""
    lacking = manifest_of(LiteManifest, root / PORT).lacks(model)
    if lacking:
        raise ModelRefused(
            f"{model.path} needs operators that TensorFlow Lite does not have in this port",
            "\n".join(lacking),
            "A custom op is code of yours: build without --model, and register the op in your program.",
        )
