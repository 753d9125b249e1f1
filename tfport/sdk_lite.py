"""The steps that make the TensorFlow Lite SDK inside its recipe: op selection, the one archive, the tree.

The recipe ``tfport-lite`` exports this file with what it imports and calls it with the interpreter that Conan
runs in, so only the standard library and Jinja2 (which Conan needs too) are used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from tfport.headers import FLATBUFFERS, deploy_headers
    from tfport.link import LinkResult, Run, Tools, link_archive
    from tfport.ops import ALL, OpSet, read_op_set
    from tfport.sdk_bare import KEPT_SYMBOLS, add_runtime
    from tfport.sdk_files import build_runner, describe, template, write_manifest
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from headers import FLATBUFFERS, deploy_headers
        from link import LinkResult, Run, Tools, link_archive
        from ops import ALL, OpSet, read_op_set
        from sdk_bare import KEPT_SYMBOLS, add_runtime
        from sdk_files import build_runner, describe, template, write_manifest
    except ImportError:
        from tfport.headers import FLATBUFFERS, deploy_headers
        from tfport.link import LinkResult, Run, Tools, link_archive
        from tfport.ops import ALL, OpSet, read_op_set
        from tfport.sdk_bare import KEPT_SYMBOLS, add_runtime
        from tfport.sdk_files import build_runner, describe, template, write_manifest

# What a consumer may include; headers that these include follow by themselves.
PUBLIC_HEADERS = (
    "tensorflow/lite/c/*.h",
    "tensorflow/lite/core/c/*.h",
    "tensorflow/lite/core/tools/verifier.h",
    "tensorflow/lite/create_op_resolver.h",
    "tensorflow/lite/delegates/xnnpack/xnnpack_delegate.h",
    "tensorflow/lite/interpreter.h",
    "tensorflow/lite/interpreter_builder.h",
    "tensorflow/lite/kernels/kernel_util.h",
    "tensorflow/lite/kernels/register.h",
    "tensorflow/lite/model.h",
    "tensorflow/lite/model_builder.h",
    "tensorflow/lite/mutable_op_resolver.h",
    "tensorflow/lite/optional_debug_tools.h",
    "tensorflow/lite/schema/schema_utils.h",
    "tensorflow/lite/signature_runner.h",
    "tensorflow/lite/string_util.h",
    "tfport/packed_weights.h",
    "tfport/tfport.h",
    "tfport/tfport_cxx.h",
)

# These two are compiled again by the SDK, with its own list of ops.
RECOMPILED = ("register.cc", "xnnpack_delegate.cc")

# A cut archive keeps what a program reaches from here: the C APIs, and what the C++ headers name first.
_CXX_ENTRIES = (
    "BuiltinOpResolver",
    "DynamicBuffer",
    "FlatBufferModel",
    "Interpreter",
    "InterpreterBuilder",
    "MutableOpResolver",
    "SignatureRunner",
    "StderrReporter",
    "Verify",
    "tfport",
)
CUT_ROOTS = (
    r"TfLite\w+",
    r"TfPort\w+",
    r"_ZN[KO]?6tflite(?:4impl|3ops7builtin)?(?:" + "|".join(f"{len(n)}{n}" for n in _CXX_ENTRIES) + ").*",
)


def op_set(lite: Path) -> OpSet:
    """All ops of the ``tensorflow-lite`` package in folder ``lite``."""
    source, include = lite / "res/tensorflow/lite", lite / "include/tensorflow/lite"
    return read_op_set(
        register=(source / "core/kernels/register.cc").read_text(encoding="utf-8"),
        delegate=(source / "delegates/xnnpack/xnnpack_delegate.cc").read_text(encoding="utf-8"),
        builtin_ops=(include / "builtin_ops.h").read_text(encoding="utf-8"),
        schema=(include / "schema/schema_generated.h").read_text(encoding="utf-8"),
    )


@dataclass(frozen=True)
class LiteSdk:
    """One SDK in the making.

    sources: the recipe's exported files (runtime/, templates/). build: its build folder. lite: the
    ``tensorflow-lite`` package. ops: the recipe's option. prefix: of the cross tools, such as
    ``arm-linux-gnueabihf-``. run: starts one command, and raises if it fails. runtime: the
    ``tfport-baremetal`` package, or None with an operating system. flags: of every compile.
    """

    sources: Path
    build: Path
    lite: Path
    ops: str
    version: str
    target: str
    prefix: str
    run: Run
    runtime: Optional[Path] = None
    flags: Sequence[str] = ()

    @property
    def sdk(self) -> Path:
        """Where the SDK grows."""
        return self.build / "sdk"

    @property
    def generated(self) -> Path:
        """Where ``generate`` writes."""
        return self.build / "generated"

    def cmake_variables(self, lean: bool = False) -> dict[str, str]:
        """What the recipe's CMakeLists.txt asks for. ``lean``: without what is faster for more memory."""
        return {
            "GENERATED_DIR": str(self.generated),
            "TENSORFLOW_LITE_SOURCES": str(self.lite / "res" / "tensorflow" / "lite"),
            "TFPORT_LEAN": "ON" if lean else "OFF",
            "TFPORT_TARGET": self.target,
        }

    def generate(self) -> None:
        """Write ``tfport_selected_ops.h``, ``manifest.c`` and ``ops.json``. Raises ops.OpError."""
        selected = op_set(self.lite).select(self.ops)
        manifest = selected.manifest(version=self.version, target=self.target)
        header = template(self.sources / "templates" / "selected_ops.h.jinja").render(
            builtin=selected.cases(selected.builtin),
            delegated=selected.cases(selected.delegated),
            custom=sorted(selected.custom),
        )
        write_manifest(manifest, "tfport_lite_manifest", self.generated)
        (self.generated / "tfport_selected_ops.h").write_text(header, encoding="utf-8")

    def link(self, libraries: Sequence[Path]) -> LinkResult:
        """Link the objects that CMake made with ``libraries`` into ``lib/libtensorflow-lite.a``.

        Of ``libraries``, those count that exist: a library may lie in any of its package's folders.
        ``libtensorflow-lite.a`` among them is taken whole, but for what the SDK compiled again. An archive
        that is cut to models leaves out what no public entry reaches.
        """
        tools = Tools.from_prefix(self.prefix)
        libraries = [path for path in libraries if path.is_file()]
        (lite,) = (path for path in libraries if path.name == "libtensorflow-lite.a")
        whole = self.build / "whole" / lite.name
        whole.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(lite, whole)
        # CMake ends objects in .obj when there is no operating system.
        made = (self.build / "CMakeFiles" / "tfport_lite.dir").rglob("*.o*")
        objects = sorted(path for path in made if path.suffix in (".o", ".obj"))
        self.run([tools.ar, "dD", str(whole), *(name + objects[0].suffix for name in RECOMPILED)])
        return link_archive(
            run=self.run,
            tools=tools,
            roots=[*objects, whole],
            libraries=[
                *(path for path in libraries if path != lite),
                *self.build.glob("libtfport_compat.a"),
            ],
            gc_roots=CUT_ROOTS if self.ops != ALL else None,
            output=self.sdk / "lib" / "libtensorflow-lite.a",
            debug_output=self.sdk / "lib" / "debug" / "libtensorflow-lite.debug.a",
        )

    def deploy(self, include: Iterable[Path]) -> None:
        """Write headers (found below ``include``), CMake package, pkg-config file, manifest and examples."""
        roots = [self.sources / "runtime" / "lite" / "include", *include]
        deploy_headers(entries=PUBLIC_HEADERS, roots=roots, output=self.sdk / "include", renames=FLATBUFFERS)
        describe(
            self.sdk,
            self.sources / "templates",
            "TensorFlowLite",
            "tensorflow-lite",
            version=self.version,
            target=self.target,
            bare=self.runtime is not None,
        )
        examples = self.sources / "runtime" / "examples"
        if self.runtime is not None:
            add_runtime(self.sdk, self.runtime, self.flags, examples / "image")
        share = self.sdk / "share" / "tfport"
        (share / "examples").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.generated / "ops.json", share / "ops.json")
        for path in sorted(examples.glob("*.c")):
            if not path.stem.endswith("_core"):  # of the other runtime
                shutil.copyfile(path, share / "examples" / path.name)

    def build_runner(self, toolchain: str, jobs: int) -> None:
        """Compile tfport-run and tfport-pack against the SDK, as any user would, into ``bin/``."""
        build_runner(
            self.run,
            sources=self.sources / "runtime" / "runner",
            folder=self.build / "runner",
            sdk=self.sdk,
            package="TensorFlowLite",
            runtime="lite",
            toolchain=toolchain,
            prefix=self.prefix,
            jobs=jobs,
            programs=("tfport-run", "tfport-pack"),
            keep=KEPT_SYMBOLS if self.runtime is not None else (),
        )
