"""The demo models and pictures of ``models/models.toml``, parsed and brought to disk."""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Optional, TypeVar

from tfport.errors import ChecksumMismatch, RecipeInvalid
from tfport.sources import Progress, SourceCache, SourceRef, extract_member, fetch
from tfport.target import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODELS_FILE = ROOT / "models" / "models.toml"
FORMS = {  # by the runtime that takes them
    "lite": ("lite", "squeezenet-float32", "squeezenet-int8"),
    "tensorflow": ("squeezenet-saved-model",),
}
SCALINGS = ("bgr-minus-mean", "rgb-bytes", "rgb-centred", "rgb-unit", "noise")
_MEMBER = "member:"
_TABLES = ("schema", "archive", "file", "folder", "model")
T = TypeVar("T")


@dataclass(frozen=True)
class Archive:
    """A file of a package index."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Member:
    """A file inside an archive; ``license`` is an SPDX expression."""

    name: str
    archive: str
    member: str
    sha256: str
    license: str


@dataclass(frozen=True)
class Folder:
    """A folder inside an archive, such as a SavedModel; ``files``: path in the folder -> sha256."""

    name: str
    archive: str
    member: str
    files: dict[str, str]
    license: str


@dataclass(frozen=True)
class DemoModel:
    """A model of the smoke test. ``pictures`` maps a picture to the class that it must be given, or to ""."""

    name: str
    file: str
    form: str
    labels: str
    scaling: str
    pictures: dict[str, str]


@dataclass(frozen=True)
class Catalogue:
    """Everything in ``models.toml``, in file order."""

    archives: tuple[Archive, ...]
    files: tuple[Member, ...]
    models: tuple[DemoModel, ...]
    folders: tuple[Folder, ...] = ()

    def of(self, runtime: str) -> tuple[DemoModel, ...]:
        """The demo models of one runtime."""
        return tuple(model for model in self.models if model.form in FORMS[runtime])

    def refs(self, models: Iterable[DemoModel]) -> list[SourceRef]:
        """The pinned archives that these models and what they need come from, as the fetcher takes them."""
        names = {name for model in models for name in self.files_of(model)}
        wanted = {file.archive for file in self.files if file.name in names}
        return [SourceRef(each.url, each.sha256) for each in self.archives if each.name in wanted]

    def files_of(self, model: DemoModel) -> list[str]:
        """The files that a model needs: itself, its labels, its pictures."""
        labels = [model.labels] if model.labels and not model.labels.startswith(_MEMBER) else []
        return [model.file, *labels, *model.pictures]


class Shelf:
    """The catalogue's files on disk, under ``folder``; fetched and unpacked when first asked for."""

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        cache: SourceCache,
        progress: Optional[Progress] = None,
        offline: bool = False,
        bundle: Optional[Path] = None,
    ) -> None:
        self.catalogue = catalogue
        self.folder = folder
        self._cache, self._progress, self._offline, self._bundle = cache, progress, offline, bundle

    def path(self, name: str) -> Path:
        """One file, whole and with the pinned sha256. Raises what ``fetch`` and ``extract_member`` raise."""
        entry = next(file for file in self.catalogue.files if file.name == name)
        return self._member(entry.archive, entry.member, entry.sha256, self.folder / entry.sha256[:12] / name)

    def tree(self, name: str) -> Path:
        """A folder with all its files, each with the pinned sha256; raises as ``path`` does."""
        entry = next(folder for folder in self.catalogue.folders if folder.name == name)
        path = self.folder / _sha256(repr(sorted(entry.files.items())).encode())[:12] / name
        for file, sha256 in entry.files.items():
            self._member(entry.archive, f"{entry.member}/{file}", sha256, path / file)
        return path

    def _member(self, archive_name: str, member: str, sha256: str, path: Path) -> Path:
        if path.is_file() and _sha256(path.read_bytes()) == sha256:
            return path
        archive = next(archive for archive in self.catalogue.archives if archive.name == archive_name)
        [source] = fetch(
            [SourceRef(archive.url, archive.sha256)], self._cache, self._progress, self._offline, self._bundle
        )
        data = extract_member(source, member)
        if _sha256(data) != sha256:
            raise ChecksumMismatch(
                f"{member} of {archive.url} has the sha256 {_sha256(data)}, not {sha256}",
                "The archive is the pinned one, so models.toml is wrong.",
            )
        write_whole(path, data)
        return path

    def labels(self, model: DemoModel) -> tuple[str, ...]:
        """The class names of a model by class number; empty where it has none."""
        if not model.labels:
            return ()
        if model.labels.startswith(_MEMBER):
            text = extract_member(self.path(model.file), model.labels[len(_MEMBER) :]).decode("utf-8")
            return tuple(line.strip() for line in text.splitlines())
        names: dict[str, str] = json.loads(self.path(model.labels).read_text(encoding="utf-8"))
        return tuple(names[str(number)] for number in range(len(names)))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it, so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{_sha256(data)[:8]}.part")
    part.write_bytes(data)
    part.replace(path)


def load_catalogue(path: Path = MODELS_FILE) -> Catalogue:
    """Read ``models.toml``; raises ``RecipeInvalid`` with every fault of the file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeInvalid(f"{path} is not a TOML file: {error}") from None
    faults = [f"{key}: unknown key" for key in data if key not in _TABLES]
    if data.get("schema") != 1:
        faults.append(f"schema: must be 1, not {data.get('schema')!r}")
    archives = _rows(Archive, data.get("archive", []), "archive", faults)
    files = _rows(Member, data.get("file", []), "file", faults)
    folders = _rows(Folder, data.get("folder", []), "folder", faults)
    models = _rows(DemoModel, data.get("model", []), "model", faults)
    catalogue = Catalogue(archives, files, models, folders)
    if not faults:
        faults += _references(catalogue)
    if faults:
        raise RecipeInvalid(f"{path} has {len(faults)} fault(s)", "\n".join(faults))
    return catalogue


def _rows(kind: type[T], rows: list[dict[str, Any]], table: str, faults: list[str]) -> tuple[T, ...]:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    made = []
    for row in rows:
        where = f"{table} {row.get('name', '?')}"
        for key in row:
            if key not in names:
                near = difflib.get_close_matches(key, names, 1)
                faults.append(f"{where}: unknown key {key}" + (f", did you mean {near[0]}?" if near else ""))
        faults += [f"{where}: {name} is missing" for name in names if name not in row]
        for name in names:
            wanted = dict if name in ("pictures", "files") else str
            if name in row and not isinstance(row[name], wanted):
                faults.append(f"{where}: {name} must be a {'table' if wanted is dict else 'text'}")
        if set(row) == set(names):
            made.append(kind(**row))
    return tuple(made)


def _references(catalogue: Catalogue) -> list[str]:
    faults = []
    for group in (catalogue.archives, catalogue.files, catalogue.folders, catalogue.models):
        names = [entry.name for entry in group]
        faults += [f"{name}: stands there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    archives = {archive.name for archive in catalogue.archives}
    files = {file.name for file in catalogue.files}
    faults += [f"file {f.name}: no archive {f.archive}" for f in catalogue.files if f.archive not in archives]
    faults += [
        f"folder {f.name}: no archive {f.archive}" for f in catalogue.folders if f.archive not in archives
    ]
    for model in catalogue.models:
        faults += [f"model {model.name}: no file {n}" for n in catalogue.files_of(model) if n not in files]
        forms = [form for each in FORMS.values() for form in each]
        if model.form not in forms:
            faults.append(f"model {model.name}: form must be one of {', '.join(forms)}")
        if model.scaling not in SCALINGS:
            faults.append(f"model {model.name}: scaling must be one of {', '.join(SCALINGS)}")
    return faults


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
