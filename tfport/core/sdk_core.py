"""The steps that make the TensorFlow core SDK inside its recipe: selection, the one archive, the tree.

The recipe ``tfport-core`` exports this file with what it imports and calls it with the interpreter that Conan
runs in, so only the standard library and Jinja2 (which Conan needs too) are used.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfport.core.selection import ALL, parse
    from tfport.core.steps.build_config import archives, components, scons, write_config
    from tfport.core.symbols import KEEP
    from tfport.headers import deploy_headers
    from tfport.link import LinkError, LinkResult, Run, Tools, link_archive
    from tfport.sdk_files import build_runner, describe, write_manifest
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from build_config import archives, components, scons, write_config
        from headers import deploy_headers
        from link import LinkError, LinkResult, Run, Tools, link_archive
        from sdk_files import build_runner, describe, write_manifest
        from selection import ALL, parse
        from symbols import KEEP
    except ImportError:
        from tfport.core.selection import ALL, parse
        from tfport.core.steps.build_config import archives, components, scons, write_config
        from tfport.core.symbols import KEEP
        from tfport.headers import deploy_headers
        from tfport.link import LinkError, LinkResult, Run, Tools, link_archive
        from tfport.sdk_files import build_runner, describe, write_manifest

C_HEADERS = ("tensorflow/c/c_api.h", "tfport/core.h")
# These bring abseil, Eigen and protobuf with them, so they have a folder of their own: a consumer of the C
# API with another version of those on its include path meets only its own.
CXX_HEADERS = (
    "tensorflow/cc/saved_model/constants.h",
    "tensorflow/cc/saved_model/loader.h",
    "tensorflow/cc/saved_model/tag_constants.h",
    "tensorflow/core/public/session.h",
    "tensorflow/core/public/session_options.h",
)
# Kernels are registered as ops_to_register.h says; several share a unit, so all see Eigen's thread pool.
# On 32-bit ARM alone TensorFlow quantises by kernels of gemmlowp that round otherwise than those of the host.
KERNEL_DEFINES = ("SELECTIVE_REGISTRATION", "EIGEN_USE_THREADS=", "TENSORFLOW_DISABLE_META")
# protobuf's headers name its namespace; the library is compiled with ours.
PROTOBUF = {"google": "tfport_google"}

# The archive keeps what a program reaches from here: the C APIs, and what C++ programs with a session call.
# The rest of the sources calls parts of protobuf that nothing here links, even where every op is taken.
_CXX_ENTRIES = (
    "ConfigProto",
    "Env",
    "GraphDef",
    "LoadSavedModel",
    "NewSession",
    "NodeDef",
    "PartialTensorShape",
    "ReadBinaryProto",
    "RunOptions",
    "SavedModelBundle",
    "SavedModelBundleInterface",
    "SavedModelBundleLite",
    "Session",
    "SessionOptions",
    "Tensor",
    "TensorShape",
    "TensorShapeBase",
)
ROOTS = (
    r"TF_\w+",
    r"TSL_\w+",
    r"TfPort\w+",
    r"_ZN[KO]?(?:10tensorflow|3tsl)(?:" + "|".join(f"{len(n)}{n}" for n in _CXX_ENTRIES) + ").*",
)
# A name of TensorFlow's that nothing defines: a source that the first round left out has it. _ZTH is weak,
# and stays undefined where a thread_local variable needs no code to begin with.
_OURS = re.compile(r"_Z(?!TH)\w*(?:10tensorflow|3tsl)\w*")


@dataclass(frozen=True)
class CoreSdk:
    """One SDK in the making.

    sources: the recipe's exported files (runtime/, templates/). build: its build folder. tensorflow: the
    package of that name. ops: the recipe's option, a selection. prefix: of the cross tools, such as
    ``arm-linux-gnueabihf-``. run: starts one command, and raises if it fails.
    """

    sources: Path
    build: Path
    tensorflow: Path
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

    @property
    def index(self) -> Path:
        """What the package tensorflow says of itself: the sources it compiled, the ops it can serve."""
        return self.tensorflow / "res" / "index.json"

    def generate(self) -> None:
        """Write ``manifest.c`` and ``ops.json``. Raises selection.SelectionError."""
        held: dict[str, list[str]] = {}
        if self.ops == ALL:  # each with every kernel that TensorFlow has for it
            held = {op: [] for op in json.loads(self.index.read_text(encoding="utf-8"))["ops"]}
        else:
            for op, kernel in parse(self.ops):
                held.setdefault(op, []).extend([kernel] if kernel else [])
        about = {"tfport_manifest": 1, "runtime": "tensorflow", "version": self.version}
        text = json.dumps({**about, "target": self.target, "ops": held})
        write_manifest(text, "tfport_core_manifest", self.generated)

    def include(self, recipe: Any) -> str:
        """The folders of headers of TensorFlow and what it stands on, in CMake's way."""
        parts = components(recipe)
        return ";".join(dict.fromkeys(folder for part in parts for folder in part.includedirs))

    def make(self, recipe: Any) -> None:
        """Compile ops and kernels, link the one archive and deploy what goes with it.

        ``recipe`` is the ConanFile. Raises LinkError when the archive lacks something of TensorFlow, even
        after what stands beside the kernels has been compiled too.
        """
        parts, tools = components(recipe), self.sources / "tools"
        for more in (False, True):
            told = {"ops": self.ops, "index": str(self.index), "more": more}
            write_config(recipe, tools, self.tensorflow / "include", KERNEL_DEFINES, **told)
            scons(recipe, tools)
            result = self.link([Path(path) for path in archives(parts)])
            lacking = [name for name in result.undefined if _OURS.fullmatch(name)]
            if not lacking:
                break
        else:
            raise LinkError(f"{len(lacking)} symbols of TensorFlow are missing: {', '.join(lacking[:5])}")
        self.deploy([Path(folder) for part in parts for folder in part.includedirs])

    def link(self, libraries: Sequence[Path]) -> LinkResult:
        """Link the objects of ops, kernels and runtime/ with ``libraries`` into ``lib/libtensorflow-core.a``.

        ``libtensorflow.a`` among them is taken whole, as its registrations are reached by name alone; of
        protobuf only the part that needs no descriptors. Raises LinkError.
        """
        (whole,) = (path for path in libraries if path.name == "libtensorflow.a")
        others = [path for path in libraries if path != whole and path.name != "libprotobuf.a"]
        return link_archive(
            run=self.run,
            tools=Tools.from_prefix(self.prefix),
            roots=[*self._objects(), self.build / "libkernels.a", whole],
            libraries=[*others, self.build / "libtfport_compat.a"],
            keep=KEEP,
            gc_roots=ROOTS,
            output=self.sdk / "lib" / "libtensorflow-core.a",
            debug_output=self.sdk / "lib" / "debug" / "libtensorflow-core.debug.a",
        )

    def deploy(self, include: Iterable[Path]) -> None:
        """Write headers (found below ``include``), CMake package, pkg-config file, manifest and example."""
        roots = [self.sources / "runtime" / "core" / "include", *include]
        deploy_headers(entries=C_HEADERS, roots=roots, output=self.sdk / "include")
        deploy_headers(
            entries=[*C_HEADERS, *CXX_HEADERS],
            roots=roots,
            output=self.sdk / "include-cxx",
            renames=PROTOBUF,
        )
        describe(
            self.sdk,
            self.sources / "templates",
            "TensorFlowCore",
            "tensorflow-core",
            version=self.version,
            target=self.target,
        )
        share = self.sdk / "share" / "tfport"
        (share / "examples").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.generated / "ops.json", share / "ops.json")
        for path in sorted((self.sources / "runtime" / "examples").glob("*_core.c")):
            shutil.copyfile(path, share / "examples" / path.name)

    def build_runner(self, toolchain: str, jobs: int) -> None:
        """Compile tfport-run against the SDK, as any program of a user, and strip it into ``bin/``."""
        build_runner(
            self.run,
            sources=self.sources / "runtime" / "runner",
            folder=self.build / "runner",
            sdk=self.sdk,
            package="TensorFlowCore",
            runtime="core",
            toolchain=toolchain,
            prefix=self.prefix,
            jobs=jobs,
        )

    def _objects(self) -> list[Path]:
        return sorted((self.build / "CMakeFiles" / "tfport_core.dir").rglob("*.o"))


def sdk_of(recipe: Any) -> CoreSdk:
    """The SDK that a ConanFile builds."""
    compilers = recipe.conf.get("tools.build:compiler_executables", default={}, check_type=dict)
    return CoreSdk(
        sources=Path(recipe.source_folder),
        build=Path(recipe.build_folder),
        tensorflow=Path(recipe.dependencies["tensorflow"].package_folder),
        ops=str(recipe.options.ops),
        version=str(recipe.version),
        target=recipe.conf.get("user.tfport:target", default="unknown"),
        prefix=compilers.get("c", "gcc")[: -len("gcc")],
        run=lambda words: recipe.run(shlex.join(words), quiet=True),
    )
