"""The C and C++ libraries of the compiler that ``tfport-run`` is linked with, and their licences.

The archive in ``lib/`` leaves them to whoever links it; the programs in ``bin/`` hold them. They come from
Debian packages, not from recipes, so Debian's own records say which they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tfport.command import run
from tfport.errors import CommandFailed, PackError
from tfport.limits import located
from tfport.packed.components import Linked, Source
from tfport.target import Target

_COMMON = Path("/usr/share/common-licenses")
_REFERENCE = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])")
# Library -> the licence of its code that a program holds.
_LIBRARIES = {
    "Linux": {
        "libc.a": "LGPL-2.1-or-later",
        "libstdc++.a": "GPL-3.0-or-later WITH GCC-exception-3.1",
        "libgcc.a": "GPL-3.0-or-later WITH GCC-exception-3.1",
    },
    # newlib is under some sixty notices, all permissive; its own list of them is what ships.
    "baremetal": {
        "libc.a": "LicenseRef-newlib",
        "libstdc++.a": "GPL-3.0-or-later WITH GCC-exception-3.1",
        "libgcc.a": "GPL-3.0-or-later WITH GCC-exception-3.1",
    },
}


@dataclass(frozen=True)
class DebianLibrary:
    """A Debian package whose library is linked in, and the licence texts that go with it."""

    component: Linked
    licences: tuple[Path, ...]


def linked_libraries(target: Target, documents: Path = Path("/usr/share/doc")) -> list[DebianLibrary]:
    """The packages of the compiler's libraries, by name.

    Raises ``PackError`` when Debian's records do not tell, ``ProgramMissing`` without the compiler.
    """
    found: dict[str, DebianLibrary] = {}
    for library, license in _LIBRARIES[target.os].items():
        for path in located(target, [library]):
            package, version = _package_of(path.resolve())
            name = f"{package}-{version}"
            if name not in found:
                # Debian's version without its revision is what the project calls its release.
                url = f"debian:{package}/{version}"
                component = Linked(package, version, license, "", (Source(url, ""),), (), "bin")
                found[name] = DebianLibrary(component, _licences(documents / package / "copyright"))
    return [found[name] for name in sorted(found)]


def _package_of(library: Path) -> tuple[str, str]:
    try:
        owner = run(["dpkg-query", "-S", library]).stdout.split(":")[0]
        version = run(["dpkg-query", "-W", "-f", "${Version}", owner]).stdout.strip()
    except CommandFailed as error:
        raise PackError(
            f"No Debian package brought {library}",
            f"tfport-run is linked with it, so the SBOM must name its version. {error.why}",
            "Pack on the machine that built the SDK, with the compiler from Debian's packages.",
        ) from None
    return owner, version


def _licences(copyright: Path) -> tuple[Path, ...]:
    try:
        text = copyright.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PackError(
            f"{copyright} cannot be read ({error.strerror})",
            "It holds the licence of a library that tfport-run is linked with.",
            "Images of containers often leave such files out; install the package again with them.",
        ) from None
    # The text names the long licences by their place on a Debian system, where a firmware team may have none.
    named = {(_COMMON / name).resolve() for name in _REFERENCE.findall(text) if (_COMMON / name).is_file()}
    return (copyright, *sorted(named))
