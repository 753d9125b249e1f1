"""Reads lists of sources out of TensorFlow's own BUILD files, so that none is copied by hand.

A BUILD file is Python in syntax. Only what names sources is understood: lists, ``+``, ``glob`` and labels of
other ``filegroup``-like targets, with the branch of a ``select`` that a mobile platform takes. Standard
library only and no import from the rest of tfport: the recipe ``tensorflow`` exports this file.
"""

from __future__ import annotations

import ast
import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Macros whose list stands in a mobile build, and whose list does not; any other macro gives nothing.
_TAKEN = (
    "if_mobile",
    "if_android_or_ios",
    "if_oss",
    "if_not_windows",
    "if_static",
    "tf_grpc_cc_dependencies",
)
_SELECTED = "//conditions:default"
_SOURCES = ("srcs", "hdrs", "textual_hdrs")


class BuildFileError(Exception):
    """There is no such BUILD file or target."""


@dataclass
class Workspace:
    """The tree of sources at ``root``; labels are ``//package:name``."""

    root: Path
    _packages: dict[str, dict[str, dict[str, ast.expr]]] = field(default_factory=dict, repr=False)
    _variables: dict[str, dict[str, ast.expr]] = field(default_factory=dict, repr=False)

    def files(self, label: str) -> list[str]:
        """Paths below ``root`` of all sources that the target names, itself or through others; sorted."""
        package, target = split_label(label, "")
        if target not in self._package(package):
            raise BuildFileError(f"//{package} has no target {target}")
        found: dict[str, None] = {}
        self._expand(label, "", found, set())
        return sorted(found)

    def _expand(self, label: str, here: str, found: dict[str, None], seen: set[tuple[str, str]]) -> None:
        if label.startswith("@"):
            return  # third-party code comes by recipes of its own
        package, target = split_label(label, here)
        if (package, target) in seen:
            return
        seen.add((package, target))
        rule = self._package(package).get(target)
        if rule is None:
            path = os.path.normpath(f"{package}/{target}")
            if (self.root / path).is_file():
                found[path] = None
            return  # else a macro generates it: protos, their text forms, options.h
        if "actual" in rule:
            self._expand(self._text(rule["actual"]), package, found, seen)
        for key in _SOURCES:
            if key in rule:
                for each in self._list(rule[key], package):
                    self._expand(each, package, found, seen)

    def _package(self, package: str) -> dict[str, dict[str, ast.expr]]:
        if package not in self._packages:
            path = self.root / package / "BUILD"
            if not path.is_file():
                raise BuildFileError(f"there is no {path}")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            self._packages[package] = dict(_rules(tree))
            self._variables[package] = {
                target.id: node.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
        return self._packages[package]

    def _list(self, node: ast.expr, package: str) -> list[str]:
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self._text(each) for each in node.elts if isinstance(each, ast.Constant)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._list(node.left, package) + self._list(node.right, package)
        if isinstance(node, ast.Name) and node.id in self._variables[package]:
            return self._list(self._variables[package][node.id], package)
        if isinstance(node, ast.Call):
            return self._call(node, package)
        return []

    def _call(self, call: ast.Call, package: str) -> list[str]:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "glob":
            excluded = [k.value for k in call.keywords if k.arg == "exclude"]
            include = [k.value for k in call.keywords if k.arg == "include"] or call.args[:1]
            without = self._list(excluded[0], package) if excluded else []
            return self._glob(package, self._list(include[0], package), without)
        if name == "select" and call.args and isinstance(call.args[0], ast.Dict):
            for key, value in zip(call.args[0].keys, call.args[0].values):
                if isinstance(key, ast.Constant) and key.value == _SELECTED:
                    return self._list(value, package)
        if name in _TAKEN and call.args:
            return self._list(call.args[0], package)
        return []

    def _glob(self, package: str, include: list[str], exclude: list[str]) -> list[str]:
        wanted, unwanted = (_expression(patterns) for patterns in (include, exclude))
        return [
            path
            for path in self._walk(package)
            if wanted.fullmatch(path) and not (exclude and unwanted.fullmatch(path))
        ]

    @functools.cache  # noqa: B019 - lives as long as one build
    def _walk(self, package: str) -> tuple[str, ...]:
        """Files of a package: a folder with a BUILD file of its own is another package."""
        found = []
        top = self.root / package
        for folder, names, files in os.walk(top):
            names[:] = sorted(n for n in names if not (Path(folder) / n / "BUILD").is_file())
            found += [(Path(folder) / name).relative_to(top).as_posix() for name in files]
        return tuple(sorted(found))

    def __hash__(self) -> int:
        return id(self)

    @staticmethod
    def _text(node: ast.expr) -> str:
        return str(node.value) if isinstance(node, ast.Constant) else ""


def split_label(label: str, here: str) -> tuple[str, str]:
    """``//a/b:c``, ``:c`` or ``c`` as (package, target)."""
    if label.startswith("//"):
        package, _, target = label[2:].partition(":")
        return package, target or package.rpartition("/")[2]
    return here, label.lstrip(":")


def _rules(tree: ast.Module) -> Iterator[tuple[str, dict[str, ast.expr]]]:
    for node in tree.body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call):
            given = {each.arg: each.value for each in call.keywords if each.arg}
            name = given.get("name")
            if isinstance(name, ast.Constant):
                yield str(name.value), given


def _expression(patterns: list[str]) -> re.Pattern[str]:
    """Bazel's globs: ``*`` stays in a folder, ``**`` crosses folders."""
    parts = []
    for pattern in patterns:
        pieces = re.split(r"(\*\*/|\*\*|\*)", pattern)
        known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
        parts.append("".join(known.get(piece) or re.escape(piece) for piece in pieces))
    return re.compile("|".join(f"(?:{part})" for part in parts))
