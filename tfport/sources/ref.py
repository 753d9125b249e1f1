"""A pinned file: its sha256 and the places that may have it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Union

from tfport.errors import RecipeInvalid

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_:-]*")
_FORMS = (
    "debian:<suite>/<source>/<version>/<file>, pypi:<name>/<version>/<file>, "
    "or an https URL of the upstream project"
)


@dataclass(frozen=True)
class DebianOrigin:
    """A file of a Debian source package; ``version`` is the Debian version, with epoch and revision."""

    suite: str
    source: str
    version: str
    file: str


@dataclass(frozen=True)
class PypiOrigin:
    """A file of a release on the Python index that pip is configured with."""

    name: str
    version: str
    file: str


@dataclass(frozen=True)
class UrlOrigin:
    """A file that its project serves itself."""

    url: str


Origin = Union[DebianOrigin, PypiOrigin, UrlOrigin]


@dataclass(frozen=True)
class SourceRef:
    """One pinned file.

    ``url`` is written as in conandata.yml, ``sha256`` is 64 lower-case hex digits; ``filename`` follows from
    the url when empty. ``mirrors`` are further urls for the same bytes. Raises ``RecipeInvalid``.
    """

    url: str
    sha256: str
    filename: str = ""
    mirrors: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise RecipeInvalid(
                f"'{self.sha256}' is not a sha256 (of {self.url})",
                "a sha256 is 64 digits of 0-9 and a-f, in lower case",
            )
        object.__setattr__(self, "origins", tuple(parse_origin(url) for url in (self.url, *self.mirrors)))
        if not self.filename:
            object.__setattr__(self, "filename", self.url.split("?")[0].rsplit("/", 1)[-1])

    @property
    def urls(self) -> tuple[str, ...]:
        """The url and its mirrors, in the order in which they are tried."""
        return (self.url, *self.mirrors)


def parse_origin(url: str) -> Origin:
    """Read one url of conandata.yml. Raises ``RecipeInvalid`` when it has none of the three forms."""
    scheme, _, rest = url.partition(":")
    parts = rest.split("/")
    if scheme == "debian" and len(parts) == 4 and _words(parts):
        return DebianOrigin(*parts)
    if scheme == "pypi" and len(parts) == 3 and _words(parts):
        return PypiOrigin(*parts)
    # Plain http is good enough for bytes that are pinned: the sha256 decides, not the transport.
    if scheme in ("https", "http") and rest.startswith("//") and len(rest) > 2 and not url.endswith("/"):
        return UrlOrigin(url)
    raise RecipeInvalid(f"'{url}' does not say where a source comes from", hint=f"Write {_FORMS}.")


def _words(parts: list[str]) -> bool:
    return all(_WORD.fullmatch(part) and ".." not in part for part in parts)
