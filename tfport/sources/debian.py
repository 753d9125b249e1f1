"""Files of Debian source packages, from the mirror that this machine's apt is configured with.

A file lies at a known path of the mirror's pool, so the package index (40 MB for the suites that we use) is
asked only when the pool path fails. The index is fetched by apt itself, with a state folder of our own: apt
knows mirror lists, proxies and signatures, and the machine's own state is not touched. Either way the pinned
sha256 decides what is taken.
"""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional
from urllib.parse import quote, urlsplit

from tfport import command
from tfport.errors import CommandFailed, CommandTimedOut, ProgramMissing, SourceNotFound
from tfport.sources.ref import DebianOrigin, SourceRef
from tfport.sources.url import Location

MIRROR_VARIABLE = "TFPORT_DEBIAN_MIRROR"
_INDEX_SECONDS = 600.0
_FORMAT = "$(REPO_URI)|$(COMPONENT)|$(LABEL)|$(SIGNED_BY)"
# The hooks of the machine's own update would tell its desktop and its caches about our lists.
_APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{root}/state/";
Dir::State::lists "{root}/lists/";
Dir::Cache "{root}/cache/";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::status "/dev/null";
APT::Sandbox::User "{user}";
Acquire::Languages "none";
Acquire::Retries "3";
"""


@dataclass(frozen=True)
class Mirror:
    """A mirror as apt names it: ``uri`` ends with a slash, ``signed_by`` may be empty."""

    uri: str
    signed_by: str = ""


@lru_cache(maxsize=1)
def mirrors() -> tuple[Mirror, ...]:
    """The mirrors of the machine's apt configuration, the likeliest first.

    ``TFPORT_DEBIAN_MIRROR`` goes before them all: on a system that is not Debian it names a mirror of it.
    Without apt the tuple may be empty.
    """
    chosen = os.environ.get(MIRROR_VARIABLE, "").strip()
    found = [Mirror(chosen.rstrip("/") + "/")] if chosen else []
    try:
        listing = command.run(["apt-get", "indextargets", "--format", _FORMAT], timeout=30).stdout
        if not listing.strip():  # apt knows of no lists before an update; images of containers come without
            listing = targets_of(command.run(["apt-get", "--print-uris", "update"], timeout=30).stdout)
    except (CommandFailed, CommandTimedOut, ProgramMissing):
        return tuple(found)
    return tuple(found + parse_targets(listing))


def targets_of(addresses: str) -> str:
    """Addresses from ``apt-get --print-uris update``, as ``apt-get indextargets`` lists them in ours."""
    found = re.findall(r"^'([^']+/)dists/[^']*/main/[^']*' ", addresses, re.MULTILINE)
    return "".join(f"{uri}|main||\n" for uri in dict.fromkeys(found))


def parse_targets(listing: str) -> list[Mirror]:
    """The mirrors in the output of ``apt-get indextargets`` (in our format), the likeliest first."""
    rows = set()
    for line in listing.splitlines():
        # A field that apt does not know comes back as it was asked for, "$(LABEL)".
        fields = ["" if field.startswith("$(") else field for field in line.split("|")]
        if len(fields) == 4 and fields[1] == "main" and fields[0]:
            rows.add((_rank(fields[0], fields[2]), fields[0], fields[3]))
    best = 2 if any(rank < 2 for rank, _, _ in rows) else 3  # archives of updates alone lack our files
    ordered = [Mirror(uri.rstrip("/") + "/", key) for rank, uri, key in sorted(rows) if rank < best]
    return list({mirror.uri: mirror for mirror in reversed(ordered)}.values())[::-1]


def _rank(uri: str, label: str) -> int:
    """Debian's own label is known only after an update; before it, the usual last folder tells."""
    if label == "Debian" or (not label and urlsplit(uri).path.rstrip("/").endswith("/debian")):
        return 0
    return 1 if not label and "security" not in uri else 2


def pool_path(origin: DebianOrigin) -> str:
    """The path of a file below the mirror's root, percent-encoded."""
    prefix = origin.source[:4] if origin.source.startswith("lib") else origin.source[:1]
    folder = f"pool/main/{prefix}/{origin.source}"
    return quote(f"{folder}/{origin.file}")


def pool_locations(origin: DebianOrigin) -> list[Location]:
    """Where the file should lie on every mirror that can be read over HTTP."""
    locations = []
    for mirror in mirrors():
        for uri in expand(mirror.uri):
            scheme = urlsplit(uri).scheme
            if scheme in ("http", "https"):
                place = f"the Debian mirror {_plain(uri)}"
                locations.append(Location(uri + pool_path(origin), place, apt_proxy(scheme, uri)))
    return locations


def local_files(origin: DebianOrigin) -> list[Path]:
    """Where the file should lie on mirrors that are folders of this machine."""
    roots = [urlsplit(mirror.uri) for mirror in mirrors()]
    folder = pool_path(DebianOrigin(origin.suite, origin.source, origin.version, "x"))[:-1]
    return [Path(root.path) / folder / origin.file for root in roots if root.scheme in ("file", "copy")]


def expand(uri: str) -> list[str]:
    """The mirrors behind apt's ``mirror+file:/path`` list; any other URI stands for itself."""
    if not uri.startswith("mirror+file:"):
        return [uri]
    try:
        text = Path(urlsplit(uri[len("mirror+") :]).path.rstrip("/")).read_text(encoding="utf-8")
    except OSError:
        return []
    words = [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [word.rstrip("/") + "/" for word in words]


@lru_cache(maxsize=8)
def apt_proxy(scheme: str, uri: str) -> Optional[str]:
    """The proxy that apt uses for a mirror: None when it follows the environment, empty for none."""
    host = urlsplit(uri).hostname or ""
    show = ["apt-config", "dump", "--format", "%f=%v%n", f"Acquire::{scheme}"]
    try:
        dump = command.run(show, timeout=30).stdout
    except (CommandFailed, CommandTimedOut, ProgramMissing):
        return None
    settings = dict(line.split("=", 1) for line in dump.splitlines() if "=" in line)
    proxy = settings.get(f"Acquire::{scheme}::Proxy::{host}") or settings.get(f"Acquire::{scheme}::Proxy")
    return "" if proxy == "DIRECT" else proxy or None


def index_location(ref: SourceRef, origin: DebianOrigin, state: Path) -> Location:
    """Ask the suite's signed index for the file. ``state`` is the folder for apt's lists.

    Raises ``SourceNotFound`` when no mirror's index lists the pinned version.
    """
    tried = []
    for mirror in mirrors():
        root = state / origin.suite
        try:
            config = _prepare(mirror, origin.suite, root)
            apt = ("apt-get", "-c", str(config))
            command.run([*apt, "update"], timeout=_INDEX_SECONDS, log=root / "update.log")
            show = [*apt, "source", "--print-uris", "--only-source", "--tar-only"]
            # A newer Debian revision has the same upstream tarball.
            found = command.run([*show, f"{origin.source}={origin.version}"], cwd=root, check=False)
            listing = (
                found if found.returncode == 0 else command.run([*show, origin.source], cwd=root)
            ).stdout
        except (CommandFailed, CommandTimedOut, ProgramMissing) as error:
            tried.append(f"{_plain(mirror.uri)}: {_last_line(error.why) or error.what}")
            continue
        for uri, name in re.findall(r"^'([^']+)' (\S+) ", listing, re.MULTILINE):
            if name == origin.file and uri.startswith("http"):
                place = f"the Debian mirror {_plain(mirror.uri)}"
                return Location(uri, place, apt_proxy(urlsplit(uri).scheme, uri))
        names = ", ".join(re.findall(r"^'[^']+' (\S+) ", listing, re.MULTILINE))
        tried.append(f"{_plain(mirror.uri)}: it has {names or 'nothing'} instead of {origin.file}")
    raise SourceNotFound(
        f"the index of Debian {origin.suite} does not list {origin.source} {origin.version}",
        "; ".join(tried) or "apt is not configured with any mirror",
    )


def _prepare(mirror: Mirror, suite: str, root: Path) -> Path:
    for folder in ("state", "lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    options = f"[signed-by={mirror.signed_by}] " if mirror.signed_by.startswith("/") else ""
    (root / "sources.list").write_text(f"deb-src {options}{mirror.uri} {suite} main\n")
    config = root / "apt.conf"
    # apt drops to a user of its own for downloads, who may not enter a home folder.
    config.write_text(_APT_CONF.format(root=root, user=pwd.getpwuid(os.getuid()).pw_name))
    return config


def _plain(uri: str) -> str:
    """The address without a password."""
    parts = urlsplit(uri)
    return f"{parts.hostname or ''}{parts.path}".rstrip("/") or uri


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("E:")]
    return lines[-1] if lines else ""
