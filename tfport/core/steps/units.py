"""Which sources of TensorFlow a build needs, and how they are gathered into translation units.

Nearly all of a file's compile time is its headers, so several files share a unit that includes them. Standard
library only and no import from the rest of tfport: recipes export this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(tensorflow/[^"]+)"', re.MULTILINE)
_IMPORT = re.compile(r'^[ \t]*import[ \t]+(?:public[ \t]+)?"([^"]+\.proto)"', re.MULTILINE)


def included(path: Path) -> list[str]:
    """TensorFlow's own files that a source includes, as it spells them."""
    return _INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace"))


def with_neighbours(root: Path, sources: Iterable[str], wanted: Callable[[str], bool]) -> list[str]:
    """``sources`` and the ``x.cc`` beside every header ``x.h`` that they include, directly or not; sorted.

    The platform's part of ``x.cc`` counts too: ``default/x.cc``. Paths are below ``root``; ``wanted`` says of
    a path whether it is part of this build.
    """
    units = set(sources)
    seen: set[str] = set()
    waiting = list(units)
    while waiting:
        path = waiting.pop()
        if path in seen or not (root / path).is_file():
            continue
        seen.add(path)
        for name in included(root / path):
            if name in seen or not wanted(name):
                continue
            waiting.append(name)
            found = {each for each in _beside(name) if wanted(each) and (root / each).is_file()}
            waiting += found - units
            units |= found
    return sorted(units)


def headers_of(root: Path, sources: Iterable[str], below: str = "") -> set[str]:
    """Every name that ``sources`` and the headers below ``root`` include, directly or not.

    ``below``: a folder; what stands elsewhere is neither named nor followed.
    """
    seen: set[str] = set()
    waiting = list(sources)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if (root / path).is_file():
            waiting += [name for name in included(root / path) if name.startswith(below)]
    return seen


def protos_of(root: Path, headers: Iterable[str]) -> list[str]:
    """The .proto files behind included ``x.pb.h`` headers, with all that they import; sorted."""
    found: set[str] = set()
    waiting = [re.sub(r"\.pb\.h$", ".proto", name) for name in headers if name.endswith(".pb.h")]
    while waiting:
        proto = waiting.pop()
        if proto not in found and (root / proto).is_file():
            found.add(proto)
            waiting += _IMPORT.findall((root / proto).read_text(encoding="utf-8"))
    return sorted(found)


def gather(
    sources: Sequence[str],
    size: int,
    alone: Callable[[str], object],
    kind: Callable[[str], str] = lambda path: "",
) -> dict[str, list[str]]:
    """Unit name -> the sources that it includes: neighbours of one folder, ``size`` at most.

    A source of which ``alone`` is true gets a unit of its own. Those of different ``kind`` share none; the
    neighbours are divided without regard to it, so that another kind for one changes no other unit.
    """
    units: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for path in sorted(sources):
        if alone(path):
            units[_unit_name(path.rpartition(".")[0], units)] = [path]
        else:
            folders.setdefault(path.rpartition("/")[0], []).append(path)
    for folder, members in folders.items():
        # Even parts: two cores wait for the longest.
        parts = -(-len(members) // size)
        for number in range(parts):
            part = members[number * len(members) // parts : (number + 1) * len(members) // parts]
            kinds: dict[str, list[str]] = {}
            for path in part:
                kinds.setdefault(kind(path), []).append(path)
            for same in kinds.values():
                units[_unit_name(f"{folder}_{number}", units)] = same
    return units


def join(sources: Sequence[str], size: int, apart: Callable[[str], object]) -> dict[str, list[str]]:
    """As ``gather``, but what small folders hold shares units with that of others below ``a/b``.

    Sources of which ``apart`` is true share no unit with each other, but with the rest of their folder.
    """
    units: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    single = [path for path in sources if apart(path)]
    for path in sources:
        folders.setdefault(path.rpartition("/")[0], []).append(path)
    for folder, members in list(folders.items()):
        if 2 * len(members) < size:
            top = "/".join(folder.split("/")[:2])
            if top != folder:
                folders.setdefault(top, []).extend(folders.pop(folder))
    for folder, members in sorted(folders.items()):
        rest = sorted(set(members) - set(single))
        apart_here = sorted(set(members) - set(rest))
        parts = max(-(-len(members) // size), len(apart_here))
        for number in range(parts):
            part = rest[number * len(rest) // parts : (number + 1) * len(rest) // parts]
            units[_unit_name(f"{folder}_{number}", units)] = [*part, *apart_here[number : number + 1]]
    return units


def _beside(header: str) -> list[str]:
    folder, _, name = header.rpartition("/")
    source = re.sub(r"\.h$", ".cc", name)
    return [f"{folder}/{source}", f"{folder}/default/{source}"] if source != name else []


def _unit_name(path: str, taken: Container[str]) -> str:
    """A name for files that is not taken: ``a/b_c`` and ``a_b/c`` are spelled alike."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", path)
    while name in taken:
        name += "_"
    return name
