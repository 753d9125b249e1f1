"""The runtimes of the house: what each is called, and the one interface by which the house uses it.

A ``Runtime`` says what is the same for all its SDKs. Given models it makes a ``Job``, all decisions on one
SDK before anything is built: which ops, which models travel along, how it is smoke-tested. Only the lookup
below knows which runtimes there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tfport.errors import NotOffered
from tfport.host import Host
from tfport.runtimes.acl import AclRuntime
from tfport.runtimes.core import CoreRuntime
from tfport.runtimes.lite import LiteRuntime
from tfport.smoke import Setup
from tfport.smoke_results import SmokeResults


class GivenModel(Protocol):
    """A model of the user, whatever it is."""

    @property
    def path(self) -> Path:
        """What the user gave."""

    @property
    def sha256(self) -> str:
        """Over all bytes of it."""


class Job(Protocol):
    """One SDK, decided."""

    @property
    def models(self) -> Sequence[GivenModel]:
        """The user's models."""

    @property
    def ops(self) -> str:
        """The value of the SDK recipe's option."""

    @property
    def options(self) -> Mapping[str, str]:
        """Further options of the SDK recipe, which say where things lie and not what is built."""

    @property
    def folder(self) -> str:
        """The SDK's folder in ``dist/<target>``."""

    @property
    def payload(self) -> Mapping[str, Path]:
        """What the SDK carries beside the package: path in the SDK -> folder that is copied there."""

    def refuse_inputs(self, files: Sequence[tuple[str, Path]]) -> None:
        """Raise ``ModelInputInvalid`` for an input of the user, name and .npy file, that fits no model."""

    def rows(self, version: str) -> list[tuple[str, str]]:
        """Its part of the plan, for a person; ``version`` of the SDK's recipe."""

    def operators(self, sdk: Path) -> dict[str, Any]:
        """Its part of report.json: which ops the finished SDK holds, and "summary" for a person."""

    def smoke(self, setup: Setup) -> SmokeResults:
        """Run the smoke test of the finished SDK."""


class Runtime(Protocol):
    """What the house asks of a runtime."""

    @property
    def name(self) -> str:
        """On the command line and in reports."""

    @property
    def sdk_recipe(self) -> str:
        """The recipe whose package is the SDK."""

    @property
    def keep(self) -> tuple[str, ...]:
        """Regular expressions of the symbols that its archive may define globally."""

    @property
    def reader(self) -> str:
        """The program that is needed to read a model, or "" when tfport reads it by itself."""

    def job(self, paths: Sequence[Path], all_ops: bool, root: Path, host: Host) -> Job:
        """Read the models and decide; ``root`` holds the recipes.

        Raises ``NotOffered``, ``ModelError`` and ``ModelRefused`` with every op that the port lacks.
        """

    def fits(self, sdk: Path, model: Path, host: Host) -> str:
        """A sentence that says that the library of ``sdk`` runs ``model``; raises ``ModelRefused``."""


RUNTIMES: Mapping[str, Runtime] = {
    runtime.name: runtime for runtime in (LiteRuntime(), CoreRuntime(), AclRuntime())
}


def runtime_named(name: str) -> Runtime:
    """The runtime of that name; raises ``NotOffered``."""
    try:
        return RUNTIMES[name]
    except KeyError:
        raise NotOffered(
            f"The runtime {name} is not offered yet",
            f"This version builds: {', '.join(RUNTIMES)}.",
            "Choose one of them; --runtime lite is the default.",
        ) from None
