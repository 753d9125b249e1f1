"""A hook of Conan: objects name files by package and version, wherever they were compiled.

``Conan.prepare`` puts this file into Conan's home, where Conan loads it by itself; only the standard library
is used. The folder of a build has a random name, and a dependency's depends on whether it was built here or
downloaded. ``__FILE__`` and debug information would carry both into the archive.
"""

from __future__ import annotations

import os
from typing import Any

_VARIABLES = ("CFLAGS", "CXXFLAGS", "ASMFLAGS")


def pre_generate(conanfile: Any) -> None:
    """Map the folders of the recipe and of all that it uses, for every compiler that its build starts."""
    flags = [f"-ffile-prefix-map={old}={new}" for old, new in prefixes(conanfile)]
    if flags and conanfile.settings.get_safe("compiler") == "gcc":
        # GCC shortens the name of a system header if its real path is shorter; a path from the build's
        # folder, as ccache gives it, never is.
        flags.append("-fno-canonical-system-headers")
    for variable in _VARIABLES:
        conanfile.buildenv.append(variable, flags)
    # ccache leaves these flags out of what it compares: an object of another recipe would bring its names.
    conanfile.buildenv.define("CCACHE_NAMESPACE", f"{conanfile.name}/{conanfile.version}")


def prefixes(conanfile: Any) -> list[tuple[str, str]]:
    """Folder -> name, for each folder in every spelling that a compiler may meet; the longest comes last.

    ccache makes a path from the compiler's folder of it (``CCACHE_BASEDIR``), and that is the build's folder
    or one in it; tools of a build may follow links by themselves. What a build generates is "./name": of a
    file whose name no option changes GCC's line table has one entry, else two, so with and without ccache
    one must fit.
    """
    if conanfile.ref is None or not conanfile.build_folder:  # what a user installs, not a build
        return []
    own = os.path.commonpath([conanfile.source_folder, conanfile.build_folder])
    folders = {own: f"{conanfile.ref.name}/{conanfile.ref.version}"}
    for each in conanfile.dependencies.values():
        if each.package_folder:
            folders[each.package_folder] = f"{each.ref.name}/{each.ref.version}"
    build = conanfile.build_folder
    pairs = {"": "./", "./": "./", "../": "./", "/": "/"}
    for folder, name in folders.items():
        relative = [os.path.relpath(folder, start) for start in (build, f"{build}/any")]
        for spelling in (folder, os.path.realpath(folder), *relative):
            pairs[spelling] = name
    for spelling in (build, os.path.realpath(build)):
        pairs[f"{spelling}/"] = "./"
    # Compilers take the last that fits: "../.." must not take what begins with "../../../..".
    return sorted(pairs.items(), key=lambda pair: len(pair[0]))
