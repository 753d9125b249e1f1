"""Stands in for compiler, protoc, emulator and binutils: keeps its words, and refuses what is not there.

``fake_toolchain.py KIND WORD...`` appends ``[KIND, WORD...]`` to the file that FAKE_LOG names. What it writes
is text: an object holds the names of the files that its unit includes.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_TEXT_FORMS = ("pb_text.h", "pb_text-impl.h", "pb_text.cc")


def main(kind: str, words: Sequence[str]) -> None:
    """Do what a program of that kind would do with these words."""
    with Path(os.environ["FAKE_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps([kind, *words]) + "\n")
    {"cxx": _cxx, "ar": _ar, "objcopy": _objcopy, "protoc": _protoc, "emulator": _emulator}[kind](words)


def _cxx(words: Sequence[str]) -> None:
    output = Path(words[words.index("-o") + 1])
    if "-c" not in words:
        objects = [word for word in words if word.endswith((".o", ".a"))]
        _write(output, "".join(_read(Path(path)) for path in objects))
        return
    folders = [Path(word[2:]) for word in words if word.startswith("-I")]
    for at, word in enumerate(words):
        if word == "-include":
            _read(Path(words[at + 1]))
    seen: list[str] = []
    waiting = _INCLUDE.findall(_read(Path(words[words.index("-c") + 1])))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.append(name)
        found = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if found is None:
            sys.exit(f"{name}: no such file")
        text = found.read_text(encoding="utf-8")
        if "#error" in text:
            sys.exit(f"{name}: error")
        waiting += _INCLUDE.findall(text)
    _write(output, "".join(f"{name}\n" for name in sorted(seen)))


def _ar(words: Sequence[str]) -> None:
    _write(Path(words[1]), "".join(_read(Path(path)) for path in words[2:]))


def _objcopy(words: Sequence[str]) -> None:
    _write(Path(words[-1]), _read(Path(words[-2])))


def _protoc(words: Sequence[str]) -> None:
    (output,) = (word.partition(":")[2] for word in words if word.startswith("--cpp_out="))
    folders = [Path(word[2:]) for word in words if word.startswith("-I")]
    for name in (word for word in words if word.endswith(".proto")):
        text = next(_read(folder / name) for folder in folders if (folder / name).is_file())
        imports = re.findall(r'import "([^"]+)\.proto"', text)
        base = Path(output, name.rpartition(".")[0])
        _write(base.with_suffix(".pb.h"), "".join(f'#include "{each}.pb.h"\n' for each in imports))
        _write(base.with_suffix(".pb.cc"), f'#include "{name.rpartition(".")[0]}.pb.h"\n')


def _emulator(words: Sequence[str]) -> None:
    """Of all programs of a target the generator of text forms is the one that a build runs."""
    program, output, below, *protos, placeholder = words
    _read(Path(program))
    root = placeholder.rpartition("tensorflow/tools/")[0]
    for proto in protos:
        _read(Path(proto))
        name = proto[len(f"{root}{below}/") : -len("proto")]
        for form in _TEXT_FORMS:
            _write(Path(output, name + form), "")


def _read(path: Path) -> str:
    if not path.is_file():
        sys.exit(f"{path}: no such file")
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():  # the real programs make none either: SCons does
        sys.exit(f"{path}: no such folder")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
