"""The recipes of this repository as data: versions, pinned sources and patches.

Data files are read, and of a conanfile.py the references that it requires: this needs no Conan, since what
a recipe does is Conan's to know.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tfport.errors import RecipeInvalid
from tfport.sources.ref import SourceRef

_DATA_KEYS = ("patches", "sources")
_SOURCE_KEYS = ("filename", "sha256", "strip_root", "url")
_PATCH_KEYS = ("base_path", "patch_description", "patch_file", "patch_source", "patch_type", "strip")


@dataclass(frozen=True)
class PatchRef:
    """A patch of a recipe: its file in this repository, and the folder of the sources it applies to."""

    path: Path
    base_path: str = ""


@dataclass(frozen=True)
class Recipe:
    """One recipe; ``folder`` holds its conanfile.py. One of our own code has neither sources nor patches.

    ``requires``: the Conan references that it names, host tools included. ``only``: those of them that go
    with one operating system, in Conan's spelling. ``license``: an SPDX expression.
    """

    name: str
    version: str
    folder: Path
    sources: tuple[SourceRef, ...] = ()
    patches: tuple[PatchRef, ...] = ()
    requires: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    license: str = ""
    homepage: str = ""

    @property
    def reference(self) -> str:
        """The Conan reference, ``name/version``."""
        return f"{self.name}/{self.version}"


def load_recipes(root: Path) -> list[Recipe]:
    """All recipes below ``root``/recipes, by name. Raises ``RecipeInvalid`` with all that is wrong."""
    recipes, wrong = [], []
    for config in sorted((root / "recipes").glob("*/config.yml")):
        try:
            recipes.append(load_recipe(root, config.parent.name))
        except RecipeInvalid as error:
            wrong.append(f"{error.what}: {error.why}" if error.why else error.what)
    if wrong:
        raise RecipeInvalid("\n".join(wrong))
    return recipes


def closure(recipes: Iterable[Recipe], name: str, os: str = "") -> list[Recipe]:
    """The recipe of that name and all that it needs, by name; for one ``os``, or for any.

    Raises ``RecipeInvalid``.
    """
    known = {recipe.name: recipe for recipe in recipes}
    if name not in known:
        raise RecipeInvalid(f"There is no recipe {name}", f"There are: {', '.join(known)}")
    found: dict[str, Recipe] = {}
    waiting = [known[name]]
    while waiting:
        recipe = waiting.pop()
        found[recipe.name] = recipe
        for reference in recipe.requires:
            if os and recipe.only.get(reference, os) != os:
                continue
            need = known.get(reference.partition("/")[0])
            if need is None or need.reference != reference:
                here = f"there is {need.reference}" if need else "there is no recipe of that name"
                raise RecipeInvalid(f"{recipe.folder / 'conanfile.py'} requires {reference}", here)
            if need.name not in found:
                waiting.append(need)
    return [found[each] for each in sorted(found)]


def load_recipe(root: Path, name: str) -> Recipe:
    """One recipe by name. Raises ``RecipeInvalid``."""
    config = root / "recipes" / name / "config.yml"
    data = _mapping(config, _read(config), ("versions",))
    versions = _mapping(config, data.get("versions"), None)
    if len(versions) != 1:
        raise RecipeInvalid(f"{config} lists {len(versions)} versions", "a recipe has one version")
    version, entry = next(iter(versions.items()))
    if not isinstance(version, str):
        raise RecipeInvalid(f"{config}: quote the version {version}", "YAML reads it as a number")
    folder = config.parent / str(_mapping(config, entry, ("folder",)).get("folder", ""))
    if not (folder / "conanfile.py").is_file():
        raise RecipeInvalid(f"{config} names a folder without a conanfile.py: {folder}")
    tree = _parsed(folder / "conanfile.py")
    requires, only = _requires(tree)
    license, homepage = (_constant(tree, name) for name in ("license", "homepage"))
    conandata = folder / "conandata.yml"
    if not conandata.is_file():
        return Recipe(name, version, folder, requires=requires, only=only, license=license, homepage=homepage)
    content = _mapping(conandata, _read(conandata), _DATA_KEYS)
    sources = _of_version(conandata, content, "sources", version)
    patches = _of_version(conandata, content, "patches", version)
    return Recipe(
        name,
        version,
        folder,
        tuple(_source(conandata, row) for row in sources),
        tuple(_patch(conandata, row, root / "patches" / name) for row in patches),
        requires,
        only,
        license,
        homepage,
    )


def canonical(text: str) -> str:
    """conandata.yml as Conan's local recipes index rewrites it.

    Its bytes go into the recipe's revision, so another form would give two revisions to one recipe.
    """
    return yaml.safe_dump(yaml.safe_load(text), default_flow_style=False)


def _parsed(conanfile: Path) -> ast.Module:
    try:
        return ast.parse(conanfile.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise RecipeInvalid(f"{conanfile} cannot be read", str(error)) from error


def _constant(tree: ast.Module, name: str) -> str:
    """The text that the recipe's class gives to ``name``; empty when it gives none."""
    bodies = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    for statement in (each for body in bodies for each in body if isinstance(each, ast.Assign)):
        named = any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)
        if named and isinstance(statement.value, ast.Constant):
            return str(statement.value.value)
    return ""


def _requires(tree: ast.Module) -> tuple[tuple[str, ...], dict[str, str]]:
    """The literal references in the recipe's ``requires`` and ``tool_requires`` calls.

    Also those of them that stand below ``if self.settings.os == "NAME"``, each with that name.
    """
    only = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).startswith("self.settings.os == "):
            (comparison,) = (part for part in ast.walk(node.test) if isinstance(part, ast.Compare))
            name = ast.literal_eval(comparison.comparators[0])
            only.update({reference: name for part in node.body for reference in _references(part)})
    return tuple(_references(tree)), only


def _references(tree: ast.AST) -> list[str]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("requires", "tool_requires")
        and isinstance(call.args[0], ast.Constant)
    ]


def _of_version(file: Path, content: Mapping[str, Any], key: str, version: str) -> list[Any]:
    versions = _mapping(file, content.get(key, {}), None)
    if versions and list(versions) != [version]:
        listed = ", ".join(map(str, versions))
        raise RecipeInvalid(f"{file}: {key} are for {listed}, the recipe's version is {version}")
    rows = versions.get(version, [])
    return rows if isinstance(rows, list) else [rows]


def _source(file: Path, row: Any) -> SourceRef:
    data = _mapping(file, row, _SOURCE_KEYS)
    urls = data.get("url", "")
    urls = [str(url) for url in (urls if isinstance(urls, list) else [urls])]
    try:
        filename = str(data.get("filename", ""))
        return SourceRef(urls[0], str(data.get("sha256", "")), filename, tuple(urls[1:]))
    except RecipeInvalid as error:
        raise RecipeInvalid(f"{file}: {error.what}", error.why, error.hint) from error


def _patch(file: Path, row: Any, folder: Path) -> PatchRef:
    data = _mapping(file, row, _PATCH_KEYS)
    place, _, name = str(data.get("patch_file", "")).rpartition("/")
    if place != "patches" or not (folder / name).is_file():
        raise RecipeInvalid(
            f"{file} names a patch that is not there: {data.get('patch_file')}",
            f"'patches/NAME' stands for {folder}/NAME",
        )
    return PatchRef(folder / name, str(data.get("base_path", "")))


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeInvalid(f"{file} cannot be read", str(error)) from error


def _mapping(file: Path, data: Any, known: tuple[str, ...] | None) -> Mapping[Any, Any]:
    """``data`` as a mapping that has only ``known`` keys (None: any)."""
    if not isinstance(data, dict):
        raise RecipeInvalid(f"{file}: {data!r} stands where a mapping is expected")
    for key in data:
        if known is not None and key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            asked = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
            raise RecipeInvalid(f"{file}: nobody knows the key '{key}'", asked)
    return data
