"""The steps that make the SDK of a compiled model inside its recipe: manifest, the one archive, the tree.

The recipe ``tfport-acl`` exports this file with what it imports and calls it with the interpreter that Conan
runs in, so only the standard library and Jinja2 (which Conan needs too) are used.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfport.headers import deploy_headers
    from tfport.link import LinkResult, Run, Tools, link_archive
    from tfport.sdk_files import build_runner, describe, write_manifest
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from headers import deploy_headers
        from link import LinkResult, Run, Tools, link_archive
        from sdk_files import build_runner, describe, write_manifest
    except ImportError:
        from tfport.headers import deploy_headers
        from tfport.link import LinkResult, Run, Tools, link_archive
        from tfport.sdk_files import build_runner, describe, write_manifest

# What the archive defines globally, and all that a program reaches it from: everything else may go.
KEEP: tuple[str, ...] = (r"TfPortAcl\w+",)


@dataclass(frozen=True)
class AclSdk:
    """One SDK in the making.

    sources: the recipe's exported files (runtime/, templates/). build: its build folder. ops: the recipe's
    option. prefix: of the cross tools, such as ``arm-linux-gnueabihf-``. run: starts one command, and raises
    if it fails.
    """

    sources: Path
    build: Path
    ops: str
    version: str
    target: str
    prefix: str
    run: Run

    @property
    def sdk(self) -> Path:
        """Where the SDK grows."""
        return self.build / "sdk"

    @property
    def generated(self) -> Path:
        """Where ``generate`` writes."""
        return self.build / "generated"

    def generate(self, engine: Path) -> None:
        """Write ``manifest.c`` and ``ops.json``, and take the generated sources of ``engine``."""
        operators, data_types, _, model = split_ops(self.ops)
        about = {"tfport_manifest": 1, "runtime": "acl", "version": self.version, "target": self.target}
        held = {"operators": operators, "data_types": data_types, "model": model}
        write_manifest(json.dumps({**about, **held}), "tfport_acl_manifest", self.generated)
        for name in ("engine.cc", "weights.bin"):
            shutil.copyfile(engine / name, self.generated / name)

    def make(self, recipe: Any) -> None:
        """Link the objects that CMake made with the library into ``lib/libtfport-acl.a``, and deploy."""
        parts = [each.cpp_info.aggregated_components() for each in recipe.dependencies.host.values()]
        found = [Path(at, f"lib{lib}.a") for part in parts for lib in part.libs for at in part.libdirs]
        self.link([path for path in found if path.is_file()])
        self.deploy()

    def link(self, libraries: Iterable[Path]) -> LinkResult:
        """One archive of what the C API reaches, with all else local to it."""
        objects = sorted((self.build / "CMakeFiles" / "tfport_acl.dir").rglob("*.o"))
        return link_archive(
            run=self.run,
            tools=Tools.from_prefix(self.prefix),
            roots=objects,
            libraries=[*libraries, self.build / "libtfport_compat.a"],
            keep=KEEP,
            gc_roots=KEEP,
            output=self.sdk / "lib" / "libtfport-acl.a",
            debug_output=self.sdk / "lib" / "debug" / "libtfport-acl.debug.a",
        )

    def deploy(self) -> None:
        """Write the header, CMake package, pkg-config file, manifest and example."""
        include = self.sources / "runtime" / "acl" / "include"
        deploy_headers(entries=("tfport/acl.h",), roots=[include], output=self.sdk / "include")
        templates = self.sources / "templates"
        describe(self.sdk, templates, "TfPortAcl", "tfport-acl", version=self.version, target=self.target)
        share = self.sdk / "share" / "tfport"
        share.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.generated / "ops.json", share / "ops.json")

    def build_runner(self, toolchain: str, jobs: int) -> None:
        """Compile tfport-run against the SDK, as any program of a user, and strip it into ``bin/``."""
        build_runner(
            self.run,
            sources=self.sources / "runtime" / "runner",
            folder=self.build / "runner",
            sdk=self.sdk,
            package="TfPortAcl",
            runtime="acl",
            toolchain=toolchain,
            prefix=self.prefix,
            jobs=jobs,
        )


def split_ops(ops: str) -> tuple[list[str], list[str], str, str]:
    """The recipe's option: operators and data types, by the library's names, then what knows the engine's
    sources and the model file again: a digest and a sha256."""
    operators, data_types, digest, model = ops.split(";")
    return operators.split("+"), data_types.split("+"), digest, model


def sdk_of(recipe: Any) -> AclSdk:
    """The SDK that a ConanFile builds."""
    compilers = recipe.conf.get("tools.build:compiler_executables", default={}, check_type=dict)
    return AclSdk(
        sources=Path(recipe.source_folder),
        build=Path(recipe.build_folder),
        ops=str(recipe.options.ops),
        version=str(recipe.version),
        target=recipe.conf.get("user.tfport:target", default="unknown"),
        prefix=compilers.get("c", "gcc")[: -len("gcc")],
        run=lambda words: recipe.run(shlex.join(words), quiet=True),
    )
