"""The recipe in a packed file by which a user's Conan takes the SDK as it is, without building it."""

from __future__ import annotations

from pathlib import Path

from tfport.sdk_files import template
from tfport.target import TOOLCHAINS, Target

RECIPE = "conanfile.py"
# By the recipe of the SDK: its CMake package, and what a program links with it.
_FACTS = {
    "tfport-lite": ("TensorFlowLite", ["stdc++", "pthread", "m"]),
    "tfport-core": ("TensorFlowCore", ["stdc++", "pthread", "m", "dl"]),
    "tfport-acl": ("TfPortAcl", ["stdc++", "pthread", "m", "dl"]),
}


def recipe(name: str, version: str, archive: str, target: Target) -> str:
    """The text of it for the SDK of the recipe ``name``; ``archive`` is the library's path in it."""
    package, system_libs = _FACTS[name]
    return template(TOOLCHAINS / "templates" / f"packed_{RECIPE}.jinja").render(
        name=name,
        version=version,
        package=package,
        library=Path(archive).stem[len("lib") :],
        target=target.name,
        os=target.os,
        system_libs=system_libs,
    )
