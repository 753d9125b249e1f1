"""The steps that make the TensorFlow Lite SDK inside its recipe: op selection, the one archive, the tree.

The recipe ``tfport-lite`` exports this file with ``link``, ``headers`` and ``ops`` and calls it with the
interpreter that Conan runs in, so only the standard library and Jinja2 (which Conan needs too) are used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from tfport.headers import FLATBUFFERS, deploy_headers
    from tfport.link import LinkResult, Run, Tools, link_archive
    from tfport.ops import OpSet, read_op_set
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from headers import FLATBUFFERS, deploy_headers
        from link import LinkResult, Run, Tools, link_archive
        from ops import OpSet, read_op_set
    except ImportError:
        from tfport.headers import FLATBUFFERS, deploy_headers
        from tfport.link import LinkResult, Run, Tools, link_archive
        from tfport.ops import OpSet, read_op_set

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
    "tfport/tfport.h",
    "tfport/tfport_cxx.h",
)

# These two are compiled again by the SDK, with its own list of ops.
RECOMPILED = ("register.cc.o", "xnnpack_delegate.cc.o")

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


def generate(lite: Path, templates: Path, output: Path, *, ops: str, version: str, target: str) -> None:
    """Write ``tfport_selected_ops.h``, ``manifest.c`` and ``ops.json`` into ``output``. Raises OpError."""
    selected = op_set(lite).select(ops)
    manifest = selected.manifest(version=version, target=target)
    header = _template(templates / "selected_ops.h.jinja").render(
        builtin=selected.cases(selected.builtin),
        delegated=selected.cases(selected.delegated),
        custom=sorted(selected.custom),
    )
    literal = manifest.replace("\\", "\\\\").replace('"', '\\"')
    output.mkdir(parents=True, exist_ok=True)
    (output / "tfport_selected_ops.h").write_text(header, encoding="utf-8")
    (output / "manifest.c").write_text(
        f'const char tfport_lite_manifest[] = "{literal}";\n', encoding="utf-8"
    )
    (output / "ops.json").write_text(manifest + "\n", encoding="utf-8")


def link(
    run: Run, prefix: str, sdk: Path, *, objects: Sequence[Path], libraries: Sequence[Path], cut: bool
) -> LinkResult:
    """Link everything into ``sdk/lib/libtensorflow-lite.a``; ``cut`` leaves out what no public entry reaches.

    ``libtensorflow-lite.a`` among the libraries is taken whole, but for what the SDK compiled again.
    """
    tools = Tools.from_prefix(prefix)
    (lite,) = (path for path in libraries if path.name == "libtensorflow-lite.a")
    whole = sdk.parent / "whole" / lite.name
    whole.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lite, whole)
    run([tools.ar, "dD", str(whole), *RECOMPILED])
    return link_archive(
        run=run,
        tools=tools,
        roots=[*objects, whole],
        libraries=[path for path in libraries if path != lite],
        gc_roots=CUT_ROOTS if cut else None,
        output=sdk / "lib" / "libtensorflow-lite.a",
        debug_output=sdk / "lib" / "debug" / "libtensorflow-lite.debug.a",
    )


def deploy(
    sdk: Path,
    *,
    roots: Sequence[Path],
    templates: Path,
    manifest: Path,
    version: str,
    target: str,
    extras: Iterable[Path],
) -> None:
    """Write headers, CMake package, pkg-config file, manifest and ``extras`` (examples) into ``sdk``."""
    deploy_headers(entries=PUBLIC_HEADERS, roots=roots, output=sdk / "include", renames=FLATBUFFERS)
    for name, place in (
        ("TensorFlowLiteConfig.cmake", "lib/cmake/TensorFlowLite"),
        ("TensorFlowLiteConfigVersion.cmake", "lib/cmake/TensorFlowLite"),
        ("tensorflow-lite.pc", "lib/pkgconfig"),
    ):
        text = _template(templates / f"{name}.jinja").render(version=version, target=target)
        (sdk / place).mkdir(parents=True, exist_ok=True)
        (sdk / place / name).write_text(text, encoding="utf-8")
    share = sdk / "share" / "tfport"
    (share / "examples").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(manifest, share / "ops.json")
    for path in extras:
        shutil.copyfile(path, share / "examples" / path.name)


def _template(path: Path) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(path.read_text(encoding="utf-8"))
