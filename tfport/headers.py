"""Deploy the public headers of the SDK: the closure of a few entry headers, third parties renamed.

Standard library only and no import from the rest of tfport: the SDK recipe exports this file.

A third party that public headers expose is deployed under a name of ours: its include path, its namespace,
its macros and its include guards. A consumer with another version of it on the include path, even in the
same source file, never meets ours. The library must be compiled with the same namespace (for example
``-Dflatbuffers=tfport_flatbuffers``), which the compiler does by itself when the text is replaced.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Optional

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">\n]+)[">]', re.MULTILINE)

# What TensorFlow Lite 2.14 exposes of others is FlatBuffers alone; one of its helpers stands outside its
# namespace and needs a rule of its own.
FLATBUFFERS: Mapping[str, str] = {
    "flatbuffers": "tfport_flatbuffers",
    "IsConstTrue": "tfport_flatbuffers_IsConstTrue",
}


class HeaderError(Exception):
    """An entry header is in none of the given roots."""


def deploy_headers(
    *,
    entries: Iterable[str],
    roots: Sequence[Path],
    output: Path,
    renames: Optional[Mapping[str, str]] = None,
) -> tuple[str, ...]:
    """Copy ``entries`` and all headers they include, found below ``roots``, into ``output``.

    entries: paths relative to one of the roots, as a consumer includes them; a glob such as ``a/c/*.h`` is
    allowed. renames: third-party name -> our name, for example ``FLATBUFFERS``. Includes that no
    root offers are the system's and stay as they are. Returns the deployed relative paths, sorted.
    Raises HeaderError.
    """
    rules = [_Rename(old, new) for old, new in (renames or {}).items()]
    found = closure(entries, roots)
    deployed: dict[str, bytes] = {}
    for name, path in found.items():
        text = path.read_text(encoding="utf-8")
        target = name
        for rule in rules:
            text, target = rule.text(text), rule.path(target)
        deployed[target] = text.encode("utf-8")
    for target, content in deployed.items():
        place = output / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return tuple(sorted(deployed))


def closure(entries: Iterable[str], roots: Sequence[Path]) -> dict[str, Path]:
    """The entry headers and everything they include, directly or not: name as included -> file.

    Conditional includes count, since a consumer may choose another branch than we would.
    """
    todo = [name for entry in entries for name in _expand(entry, roots)]
    found: dict[str, Path] = {}
    while todo:
        name = todo.pop()
        if name in found:
            continue
        path = _locate(name, roots)
        assert path is not None, name
        found[name] = path
        for quote, included in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            resolved = _resolve(included, name, roots, quoted=quote == '"')
            if resolved is not None:
                todo.append(resolved)
    return found


def exposed(names: Iterable[str]) -> tuple[str, ...]:
    """First folders of the deployed headers: what a consumer's include path comes to share with us."""
    return tuple(sorted({name.split("/", 1)[0] for name in names}))


def _expand(entry: str, roots: Sequence[Path]) -> list[str]:
    if "*" not in entry:
        if _locate(entry, roots) is None:
            raise HeaderError(f"the public header {entry} is in none of: {', '.join(map(str, roots))}")
        return [entry]
    names = sorted({p.relative_to(root).as_posix() for root in roots for p in root.glob(entry)})
    if not names:
        raise HeaderError(f"no header matches {entry} in: {', '.join(map(str, roots))}")
    return names


def _locate(name: str, roots: Sequence[Path]) -> Optional[Path]:
    return next((root / name for root in roots if (root / name).is_file()), None)


def _resolve(included: str, includer: str, roots: Sequence[Path], *, quoted: bool) -> Optional[str]:
    """Name, relative to a root, of an included header; None when it is not ours to deploy."""
    if quoted:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(includer), included))
        if not beside.startswith("..") and _locate(beside, roots) is not None:
            return beside
    return included if _locate(included, roots) is not None else None


class _Rename:
    """Renames one third party: the word ``name``, macros ``NAME_X``, and the first folder of includes.

    Exactly the whole word, as the preprocessor does with -Dname=new when the library is compiled, so that
    headers and library mangle to the same symbols.
    """

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new
        # Include lines have a rule of their own; a web address in a licence comment keeps its words.
        self._word = re.compile(rf"(?<!\w)(?<!/){re.escape(old)}(?!\w)(?!/\w+\.h)")
        self._macro = re.compile(rf"(?<!\w){re.escape(old.upper())}_")

    def text(self, text: str) -> str:
        text = _INCLUDE.sub(self._include, text)
        return self._macro.sub(self._new.upper() + "_", self._word.sub(self._new, text))

    def path(self, path: str) -> str:
        head, slash, rest = path.partition("/")
        return self._new + slash + rest if head == self._old and slash else path

    def _include(self, match: re.Match[str]) -> str:
        start, end = match.start(2) - match.start(), match.end(2) - match.start()
        line = match.group()
        return line[:start] + self.path(match.group(2)) + line[end:]
