"""A model of the core runtime as data: its signatures, its form that ships, and the kernels that it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional, Protocol, TypeVar

from tfport.core.recognise import digest
from tfport.core.recognise import recognise as recognise
from tfport.errors import ModelBroken, SignatureUnknown

PREPARED = "model"  # the SavedModel's folder, beside the facts
FACTS = "facts.json"
DEFAULT_SIGNATURE = "serving_default"
T = TypeVar("T")


@dataclass(frozen=True)
class Port:
    """An input or an output of a signature.

    ``name`` is the user's, ``tensor`` that of the prepared graph ("image:0"). ``dtype`` is NumPy's name or
    "string". ``shape`` has -1 for an open dimension; None: not even the number of dimensions is known.
    """

    name: str
    tensor: str
    dtype: str
    shape: Optional[tuple[int, ...]]


@dataclass(frozen=True)
class Signature:
    """A named entry point; inputs and outputs sorted by name."""

    key: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True)
class Facts:
    """What host TensorFlow found out about a model; see ``CoreModel``."""

    signatures: tuple[Signature, ...]
    kernels: tuple[tuple[str, str], ...]
    nodes_of: Mapping[str, str]


@dataclass(frozen=True)
class CoreModel:
    """A model of the user, and what ships of it.

    ``kind`` is "graphdef", "saved_model" or "keras"; ``sha256`` covers all its files. ``prepared`` is a
    SavedModel folder in the host's cache. ``kernels``: (op, class of the kernel or ""), sorted, for every
    node and for what the runtime adds by itself. ``nodes_of``: op -> one node that needs it.
    """

    path: Path
    kind: str
    sha256: str
    prepared: Path
    signatures: tuple[Signature, ...]
    kernels: tuple[tuple[str, str], ...]
    nodes_of: Mapping[str, str]

    def signature(self, key: str = "") -> Signature:
        """The signature of that name; "" takes serving_default, or the only one.

        Raises ``SignatureUnknown``.
        """
        return find_signature(self.path, self.signatures, key)


def find_signature(path: Path, signatures: Sequence[Signature], key: str) -> Signature:
    """The signature of a model by its key, or as ``CoreModel.signature`` takes it without one."""
    known = {signature.key: signature for signature in signatures}
    if not key:
        key = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in known or len(known) != 1 else next(iter(known))
    if key not in known:
        raise SignatureUnknown(
            f"The model {path.name} has no signature {key!r}", f"Its signatures are: {', '.join(known)}."
        )
    return known[key]


class Preparer(Protocol):
    """The process in which host TensorFlow works: ``tfport.host.Host``."""

    def prepared(self, path: Path, kind: str, sha256: str) -> Path:
        """Where the facts of a model are, once ``work`` has returned; the prepared model lies beside them."""

    def work(self) -> None:
        """Do all that was asked for."""


def read_core_models(paths: Sequence[Path], host: Preparer) -> tuple[CoreModel, ...]:
    """Read models, and prepare with host TensorFlow those that are not in its cache yet.

    Raises a ``ModelError``, ``ReferenceMissing``, or what ``Host.work`` raises.
    """
    found = [(path, recognise(path), digest(path)) for path in paths]
    facts = [host.prepared(path, kind, sha256) for path, kind, sha256 in found]
    host.work()
    models = []
    for (path, kind, sha256), file in zip(found, facts):
        known = read_facts(file)
        models.append(
            CoreModel(
                path=path,
                kind=kind,
                sha256=sha256,
                prepared=file.with_name(PREPARED),
                signatures=known.signatures,
                kernels=known.kernels,
                nodes_of=known.nodes_of,
            )
        )
    return tuple(models)


def facts_text(facts: Facts) -> str:
    """The facts as JSON, one text for the same facts."""
    return json.dumps(asdict(facts), indent=1, sort_keys=True) + "\n"


def read_facts(path: Path) -> Facts:
    """The facts that ``facts_text`` wrote. Raises ``ModelBroken`` for anything else, unknown keys too."""
    try:
        return _facts(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelBroken(
            f"{path} does not hold the facts of a prepared model: {error}",
            "The cache was changed by hand, or by another version of this program.",
            f"Delete {path.parent} and run it again.",
        ) from None


def _facts(data: Any) -> Facts:
    return _made(
        Facts,
        data,
        signatures=lambda rows: tuple(_made(Signature, row, inputs=_ports, outputs=_ports) for row in rows),
        kernels=lambda rows: tuple((str(op), str(kernel)) for op, kernel in rows),
        nodes_of=lambda table: {str(op): str(node) for op, node in table.items()},
    )


def _ports(rows: Any) -> tuple[Port, ...]:
    return tuple(
        _made(Port, row, shape=lambda shape: None if shape is None else tuple(int(n) for n in shape))
        for row in rows
    )


def _made(kind: type[T], data: Any, **readers: Callable[[Any], Any]) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(data, dict) or set(data) != names:
        keys = sorted(set(data) ^ names) if isinstance(data, dict) else data
        raise ValueError(f"a {kind.__name__.lower()} with unknown or missing keys: {keys}")
    return kind(**{name: readers.get(name, str)(value) for name, value in data.items()})
