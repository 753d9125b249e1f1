"""Stand-in until the reader of models is merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport.host import Host


@dataclass(frozen=True)
class Port:
    name: str
    tensor: str
    dtype: str
    shape: Optional[tuple[int, ...]]


@dataclass(frozen=True)
class Signature:
    key: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True)
class CoreModel:
    path: Path
    kind: str
    sha256: str
    prepared: Path
    signatures: tuple[Signature, ...]
    kernels: tuple[tuple[str, str], ...]
    nodes_of: Mapping[str, str]


def read_core_models(paths: Sequence[Path], host: Host) -> tuple[CoreModel, ...]:
    raise NotImplementedError
