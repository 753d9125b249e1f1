"""Patch files: a header that explains the change, then a unified diff; parsed and held to the house rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tfport.errors import PatchInvalid

UPSTREAM_STATUSES = ("not sent", "sent", "accepted", "backport", "not applicable")
_TAG = re.compile(r"\[PATCH[^\]]*\]\s*")
_TRAILER = re.compile(r"([A-Z][A-Za-z-]*): ?(.*)")
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class FileChange:
    """One file of a diff; ``old`` is empty for a file that is created, ``new`` for one that is deleted."""

    old: str
    new: str
    hunks: int


@dataclass(frozen=True)
class Patch:
    """One patch file. ``why`` are its paragraphs between subject and trailers, ``upstream`` its status."""

    path: Path
    subject: str
    why: str
    upstream: str
    signed_off_by: str
    changes: tuple[FileChange, ...]


def load_patch(path: Path) -> Patch:
    """Parse a patch file in the form of ``git format-patch``.

    Raises ``PatchInvalid`` when it holds no diff, or a hunk of another length than it says. A poor header
    parses; ``problems`` tells about it.
    """
    try:
        # Upstream sources need not be UTF-8; latin-1 keeps every byte.
        lines = path.read_bytes().decode("latin-1").split("\n")
    except OSError as error:
        raise PatchInvalid(f"{path} cannot be read", str(error)) from error
    start = next((i for i, line in enumerate(lines) if line.startswith(("diff --git ", "--- a/"))), None)
    changes = tuple(_changes(path, lines[start:])) if start is not None else ()
    if start is None or not changes:
        raise PatchInvalid(f"{path} holds no diff", hint="Write patches with 'git format-patch'.")
    end = next((i for i, line in enumerate(lines[:start]) if line.rstrip() == "---"), start)
    subject, body = _header(lines[:end])
    trailers, why = _trailers(body)
    return Patch(path, subject, why, trailers.get("Upstream", ""), trailers.get("Signed-off-by", ""), changes)


def problems(patch: Patch) -> list[str]:
    """What the house rules find wrong with a patch: full sentences, none when it is in order."""
    return [found for rule in RULES for found in rule(patch)]


def _header(lines: list[str]) -> tuple[str, list[str]]:
    """The subject without its tag and folding, and the lines after the mail header."""
    subject: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith("Subject:"):
            subject = [line[len("Subject:") :]]
        elif subject and line.startswith((" ", "\t")):
            subject.append(line)
        elif not line.strip():
            return _TAG.sub("", " ".join(part.strip() for part in subject)), lines[number + 1 :]
    return _TAG.sub("", " ".join(part.strip() for part in subject)), []


def _trailers(body: list[str]) -> tuple[dict[str, str], str]:
    """The last paragraph as trailers when it is made of them; the text before it."""
    paragraphs = "\n".join(body).strip().split("\n\n")
    trailers: dict[str, str] = {}
    name = ""
    for line in paragraphs[-1].splitlines():
        match = _TRAILER.fullmatch(line)
        if match:
            name = match[1]
            trailers[name] = match[2].strip()
        elif name:
            trailers[name] += f" {line.strip()}"
        else:
            return {}, "\n\n".join(paragraphs)
    return trailers, "\n\n".join(paragraphs[:-1])


def _changes(path: Path, lines: list[str]) -> Iterator[FileChange]:
    old = new = ""
    hunks, number, named = 0, 0, False
    while number < len(lines):
        line = lines[number]
        if line.startswith("--- ") and lines[number + 1 : number + 2][:1] and lines[number + 1][:4] == "+++ ":
            if named:
                yield FileChange(old, new, hunks)
            old, new = _name(line), _name(lines[number + 1])
            hunks, named = 0, True
            number += 2
        elif line.startswith("@@ "):
            number = _skip_hunk(path, lines, number)
            hunks += 1
        else:
            number += 1
    if named:
        yield FileChange(old, new, hunks)


def _name(line: str) -> str:
    name = line[4:].split("\t")[0].strip()
    return "" if name == "/dev/null" else name.partition("/")[2] if name[:2] in ("a/", "b/") else f"!{name}"


def _skip_hunk(path: Path, lines: list[str], start: int) -> int:
    """The number of the line after a hunk. Raises ``PatchInvalid`` when its counts do not add up."""
    match = _HUNK.match(lines[start])
    if match is None:
        raise PatchInvalid(f"{path}: '{lines[start]}' is not the head of a hunk")
    old, new = (int(count) if count is not None else 1 for count in match.groups())
    number = start + 1
    while old > 0 or new > 0:
        mark = lines[number][:1] if number < len(lines) else "?"
        if mark not in (" ", "+", "-", "\\", "") or (mark == "" and number == len(lines) - 1):
            raise PatchInvalid(
                f"{path}: the hunk '{lines[start].rstrip()}' is shorter than it says",
                "it was edited by hand, or the file is cut off",
            )
        old -= mark in (" ", "-", "")
        new -= mark in (" ", "+", "")
        number += 1
    after = lines[number] if number < len(lines) else ""
    if after[:1] in ("+", "-", " ") and not after.startswith("--- ") and after.rstrip() != "--":
        raise PatchInvalid(f"{path}: the hunk '{lines[start].rstrip()}' is longer than it says")
    return number


def _subject_is_a_line(patch: Patch) -> Iterator[str]:
    if not patch.subject:
        yield "The subject is missing: say in one line what the patch does."
    elif len(patch.subject) > 72 or patch.subject.endswith(".") or not patch.subject[0].isupper():
        yield "The subject is to be at most 72 characters, begin with a capital and end without a full stop."


def _why_is_told(patch: Patch) -> Iterator[str]:
    if len(patch.why.split()) < 8:
        yield "A paragraph that says why the patch exists is missing below the subject."


def _upstream_is_told(patch: Patch) -> Iterator[str]:
    if not patch.upstream.startswith(UPSTREAM_STATUSES):
        yield f"'Upstream:' is to begin with one of: {', '.join(UPSTREAM_STATUSES)}."


def _is_signed(patch: Patch) -> Iterator[str]:
    if not re.fullmatch(r"[^<>]+ <[^<>@\s]+@[^<>\s]+>", patch.signed_off_by):
        yield "'Signed-off-by: Name <address>' is missing."


def _is_numbered(patch: Patch) -> Iterator[str]:
    if not re.fullmatch(r"\d{4}-[A-Za-z0-9][A-Za-z0-9_.-]*\.patch", patch.path.name):
        yield "The file's name is to be a number of four digits, a dash and words: 0001-why.patch."


def _stays_inside(patch: Patch) -> Iterator[str]:
    for change in patch.changes:
        for name in (change.old, change.new):
            if name.startswith(("!", "/")) or ".." in PurePosixPath(name).parts:
                yield f"{name.lstrip('!')} is not a path of the form a/... and b/... inside the sources."


def _changes_something(patch: Patch) -> Iterator[str]:
    for change in patch.changes:
        if change.hunks == 0:
            yield f"The diff of {change.new or change.old} has no hunk."


RULES: tuple[Callable[[Patch], Iterator[str]], ...] = (
    _subject_is_a_line,
    _why_is_told,
    _upstream_is_told,
    _is_signed,
    _is_numbered,
    _stays_inside,
    _changes_something,
)
