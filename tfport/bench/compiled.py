"""SDKs that are one compiled model each, as one engine: every case runs on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tfport.acl.generate import compile_model
from tfport.bench.cases import Case
from tfport.bench.engines import Engine, Prepared
from tfport.bench.ours import Sdk
from tfport.errors import NotAnSdk, NotCompilable
from tfport.manifest import AclManifest, read_manifest
from tfport.model import read_tflite


@dataclass(frozen=True)
class CompiledModels:
    """``sdks`` are of one runtime and release, at least one."""

    sdks: Sequence[Sdk]
    ours: bool = True

    @property
    def name(self) -> str:
        return self.sdks[0].name

    @property
    def version(self) -> str:
        return self.sdks[0].version

    def refuses(self, case: Case, threads: int) -> str:
        return "" if self._of(case) else "no library at hand is this model, compiled"

    def prepare(self, case: Case) -> Prepared:
        sdk = self._of(case)
        assert sdk is not None, "it was refused"
        return sdk.prepare(case)

    def _of(self, case: Case) -> Optional[Sdk]:
        return next((sdk for sdk in self.sdks if _model_of(sdk.manifest) == case.lite.sha256), None)


def gathered(engines: Sequence[Engine]) -> list[Engine]:
    """The same, but SDKs of compiled models are one, at the place of the first."""
    compiled = [each for each in engines if isinstance(each, Sdk) and isinstance(each.manifest, AclManifest)]
    made: list[Engine] = []
    for each in engines:
        if each not in compiled:
            made.append(each)
        elif each is compiled[0]:
            made.append(CompiledModels(compiled))
    return made


def compilable(cases: Sequence[Case]) -> list[Path]:
    """The models among ``cases`` that the model compiler takes."""
    found = []
    for case in cases:
        try:
            compile_model(case.lite.path)
        except NotCompilable:
            continue
        found.append(case.lite.path)
    return found


def is_compiled(model: Path, sdk: Path) -> bool:
    """Whether a folder has the SDK of this model."""
    try:
        return _model_of(read_manifest(sdk)) == read_tflite(model).sha256
    except NotAnSdk:
        return False


def _model_of(manifest: object) -> str:
    return manifest.model if isinstance(manifest, AclManifest) else ""
