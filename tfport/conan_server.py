"""A Conan server as the binary cache that machines share: which packages of an SDK go there, one by one.

What a server lists is whole: Conan sends a revision's manifest last, and a server lists it from then on. Only
when a server refuses a large file and takes the manifest behind it is a revision there that cannot be
installed; ``upload`` takes that away again, or notes it for the next run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfport.command import meaningful_lines
from tfport.conan import Conan
from tfport.errors import BuildFailed, CommandFailed, NotBuilt, RemoteFailed, RemoteRefused, TfportError

NAME = "tfport-binaries"
_REFUSED = re.compile(
    r"Authentication|Permission denied|Forbidden|Unauthorized|[Ww]rong user|interactive mode disabled"
    r"|not defined user|Invalid credentials"
)
_FAILED = re.compile(
    r"Unable to connect|Connection (?:aborted|refused|reset|broken)|ConnectionError|Error uploading"
    r"|Execute upload again|Max retries|timed out|Error downloading|Invalid URL"
    r"|\b5\d\d\b.{0,20}(?:Error|Gateway|Unavailable)"
)
_MISSING = re.compile(r"Missing (?:prebuilt package|binary)")


@dataclass(frozen=True)
class Stored:
    """A recipe in the cache and one package of it, or None; both with revisions, as Conan names them."""

    recipe: str
    package: str | None = None

    @property
    def pattern(self) -> str:
        """How Conan's commands select it."""
        return f"{self.recipe}:{self.package}" if self.package else self.recipe


@dataclass(frozen=True)
class Server:
    """The server at ``url``, for the Conan in ``conan``."""

    conan: Conan
    url: str

    def introduce(self) -> None:
        """Make Conan know the server. Raises ``RemoteFailed`` for what is no URL."""
        if not re.match(r"https?://[^/\s]+", self.url):
            raise RemoteFailed(
                f"--remote {self.url} is not the address of a Conan server",
                "It begins with http:// or https://.",
                "docs/sharing.md tells how to start one.",
            )
        self._run(["remote", "add", NAME, self.url, "--force"])

    def install(
        self, reference: str, profile: str, options: Sequence[str], build: str = "never"
    ) -> Path | None:
        """The package's folder when the server (or the cache) has it; None when it is to be built.

        With ``build`` "missing" what the server lacks is built. Raises ``RemoteFailed``, ``RemoteRefused``
        and ``BuildFailed``.
        """
        try:
            return self.conan.install(reference, profile, options, remote=NAME, build=build)
        except BuildFailed as error:
            log = (self.conan.logs / "conan.log").read_text(encoding="utf-8", errors="replace")
            if build == "never" and _MISSING.search(log):
                return None
            raise (None if "Building from source" in log else self.told(log)) or error from None

    def stored(self, reference: str, profile: str, options: Sequence[str]) -> list[Stored]:
        """What the cache has of ``reference`` and all that it was built from, dependencies first.

        Raises ``NotBuilt``.
        """
        words = ["graph", "info", *self.conan.about(reference, profile, options), "--format=json"]
        graph = json.loads(self._run(words))
        held = json.loads(self._run(["list", "*#*:*#*", "--cache", "--format=json"]))["Local Cache"]
        found = select(graph, held)
        if not any(each.package for each in found if each.recipe.startswith(f"{reference}#")):
            raise NotBuilt(
                f"{reference} is not in Conan's cache as this tree makes it",
                "It has not been built here with these options, or the tree changed since.",
                "Build it first: the same command without the word publish and --remote.",
            )
        return found

    def upload(self, each: Stored) -> bool:
        """Bring one recipe and package there; False when the server had both.

        Raises ``RemoteFailed`` and ``RemoteRefused``; no half of it stays there.
        """
        words = ["upload", each.pattern, f"--remote={NAME}", "--confirm", "--check", *self._no_sources]
        if each.pattern in self._unfinished():
            words.append("--force")
        try:
            said = self._run(words)
        except CommandFailed as error:
            self._withdraw(each, error.stdout + error.stderr)
            raise self.told(error.stdout + error.stderr) or error from None
        self._note(set(self._unfinished()) - {each.pattern})
        return "Uploading package" in said or (each.package is None and "Uploading recipe" in said)

    def told(self, text: str) -> TfportError | None:
        """The error that Conan's output tells of, when it is one of the server."""
        why = "\n".join(meaningful_lines(text))
        if _REFUSED.search(text):
            return RemoteRefused(
                f"The Conan server at {self.url} refused",
                why,
                "Set CONAN_LOGIN_USERNAME and CONAN_PASSWORD to a user who may do this.",
            )
        if _FAILED.search(text):
            return RemoteFailed(
                f"The Conan server at {self.url} cannot be reached, or failed in the middle",
                why,
                "Run it again when the server works: what it holds is whole, and is not sent twice.",
            )
        return None

    @property
    def _no_sources(self) -> tuple[str, str]:
        """Options with which Conan leaves the source archives alone: they are pinned, and no part of this.

        It wants to know of each file of its cache whose it is, and ours are there before Conan asks for them.
        """
        return "--core-conf", f"core.sources:download_cache={self.conan.home / 'no-sources'}"

    def _withdraw(self, each: Stored, said: str) -> None:
        """Take away what the server lists after an upload that failed. What it had before was not sent."""
        if "Uploading package" in said:
            broken = each.pattern
        elif "Uploading recipe" in said:
            broken = each.recipe
        else:
            return
        try:
            if self._lists(broken):
                self._run(["remove", broken, f"--remote={NAME}", "--confirm"])
        except CommandFailed:
            self._note({*self._unfinished(), each.pattern})

    def _lists(self, pattern: str) -> bool:
        listed = self._run(["list", pattern, f"--remote={NAME}", "--format=json"])
        return '"error"' not in listed and pattern.rpartition("#")[2] in listed

    @property
    def _notes(self) -> Path:
        return self.conan.home / "unfinished" / hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def _unfinished(self) -> list[str]:
        try:
            return self._notes.read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return []

    def _note(self, patterns: set[str]) -> None:
        if patterns:
            self._notes.parent.mkdir(exist_ok=True)
            self._notes.write_text("\n".join(sorted(patterns)), encoding="utf-8")
        else:
            self._notes.unlink(missing_ok=True)

    def _run(self, words: Sequence[str]) -> str:
        done = self.conan.run(words, log=self.conan.logs / "server.log")
        return done.stdout if "--format=json" in words else done.stdout + done.stderr


def select(graph: dict[str, Any], held: dict[str, Any]) -> list[Stored]:
    """The nodes of a graph (``conan graph info``) that the cache (``conan list``) holds, leaves first."""
    nodes, order = graph["graph"]["nodes"], []

    def visit(number: str) -> None:
        for needed in nodes[number].get("dependencies", {}):
            visit(needed)
        node = nodes[number]
        if number not in seen and node.get("rrev"):
            order.append(node)
        seen.add(number)

    seen: set[str] = set()
    for number in nodes:
        visit(number)
    found = []
    for node in order:
        reference, revision = node["ref"].split("#")[0].split("@")[0], node["rrev"]
        kept = held.get(reference, {}).get("revisions", {}).get(revision)
        if kept is None:
            continue
        packages = kept.get("packages", {}).get(node["package_id"], {}).get("revisions", {})
        latest = max(packages, key=lambda each: packages[each]["timestamp"], default=None)
        found.append(Stored(f"{reference}#{revision}", f"{node['package_id']}#{latest}" if latest else None))
    return list(dict.fromkeys(found))
