"""Files of Python packages, from the index that this machine's pip is configured with.

``pip download`` would build a source release to learn its metadata, which needs compilers and more packages;
so pip is asked for its configuration only, and the file is found in the index (PEP 503 and PEP 691) here.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Optional, Union
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from tfport import command
from tfport.errors import CommandFailed, CommandTimedOut, ProgramMissing, SourceNotFound
from tfport.sources.ref import PypiOrigin
from tfport.sources.url import Location, Wire, read_text

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# The default index is pip's to know: its address stands in no file of ours.
_DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


@dataclass(frozen=True)
class Pip:
    """The part of pip's configuration that says where packages come from."""

    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    proxy: Optional[str] = None
    verify: Union[bool, str] = True
    client_cert: str = ""
    trusted_hosts: tuple[str, ...] = ()

    def location(self, url: str, place: str) -> Location:
        """How pip would reach the address."""
        parts = urlsplit(url)
        trusted = not {parts.hostname, parts.netloc.rsplit("@", 1)[-1]}.isdisjoint(self.trusted_hosts)
        return Location(url, place, self.proxy, False if trusted else self.verify, self.client_cert)


@lru_cache(maxsize=1)
def pip_configuration() -> Pip:
    """Ask the first pip that answers: this Python's, python3's, the one on the path."""
    for pip, python in (
        ([sys.executable, "-m", "pip"], sys.executable),
        (["python3", "-m", "pip"], "python3"),
        (["pip"], ""),
    ):
        try:
            listing = command.run([*pip, "config", "list"], timeout=60).stdout
            default = command.run([python, "-c", _DEFAULT_INDEX], timeout=60).stdout.strip() if python else ""
        except (CommandFailed, CommandTimedOut, ProgramMissing):
            continue
        return parse_configuration(listing, default)
    variables = [(key, value) for key, value in os.environ.items() if key.startswith("PIP_")]
    return _configuration({key[4:].lower().replace("_", "-"): value for key, value in variables}, "")


def parse_configuration(listing: str, default_index: str) -> Pip:
    """Read the output of ``pip config list``; the environment wins over the sections, they over global."""
    merged: dict[str, str] = {}
    for wanted in ("global", "download", ":env:"):
        for line in listing.splitlines():
            key, _, value = line.partition("=")
            section, _, name = key.rpartition(".")
            if section == wanted and value[:1] in "'\"" and value:
                merged[name] = str(ast.literal_eval(value))
    return _configuration(merged, default_index)


def _configuration(settings: Mapping[str, str], default_index: str) -> Pip:
    indexes = [settings.get("index-url") or default_index, *settings.get("extra-index-url", "").split()]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        indexes = []
    return Pip(
        tuple(index for index in indexes if index),
        tuple(settings.get("find-links", "").split()),
        settings.get("proxy") or None,
        settings.get("cert") or True,
        settings.get("client-cert", ""),
        tuple(settings.get("trusted-host", "").split()),
    )


def find(origin: PypiOrigin, sha256: str, wire: Wire) -> Union[Path, Location]:
    """The file as a local path (a folder of find-links, a file: index) or as an address.

    Raises ``SourceNotFound`` with all that was tried; network errors as ``read_text``.
    """
    pip = pip_configuration()
    tried = []
    for link in pip.find_links:
        local = _local(link)
        if local is not None and (local / origin.file).is_file():
            return local / origin.file
    for index in pip.indexes:
        base = f"{index.rstrip('/')}/{re.sub(r'[-_.]+', '-', origin.name).lower()}/"
        local = _local(base)
        place = f"the package index {urlsplit(index).hostname or index}"
        try:
            if local is not None:
                base, page = base + "index.html", (local / "index.html").read_text(encoding="utf-8")
            else:
                page = read_text(pip.location(base, place), wire, _ACCEPT)
        except (SourceNotFound, FileNotFoundError, NotADirectoryError):
            tried.append(f"{place} has no {origin.name}")
            continue
        for url, pinned in files(page, base):
            if unquote(urlsplit(url).path.rsplit("/", 1)[-1]) == origin.file and pinned in ("", sha256):
                found = _local(url)
                return found if found is not None else pip.location(url, place)
        tried.append(f"{place} has no {origin.file} with the pinned sha256")
    raise SourceNotFound(
        f"{origin.file} is not to be had from pip's index",
        "; ".join(tried) or "pip names no index",
        "Look at 'pip config list'.",
    )


def files(page: str, base: str) -> list[tuple[str, str]]:
    """The files that a page of an index names: (address without fragment, sha256 or an empty string)."""
    if page.lstrip().startswith("{"):
        rows = json.loads(page).get("files", [])
        return [(urljoin(base, row["url"]), row.get("hashes", {}).get("sha256", "")) for row in rows]
    parser = _Links()
    parser.feed(page)
    found = []
    for link in parser.links:
        url, _, fragment = urljoin(base, link).partition("#")
        match = re.search(r"sha256=([0-9a-f]{64})", fragment)
        found.append((url, match[1] if match else ""))
    return found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def _local(link: str) -> Optional[Path]:
    if link.startswith("file:"):
        return Path(url2pathname(urlsplit(link).path))
    return Path(link) if link.startswith(("/", "./", "~")) else None
