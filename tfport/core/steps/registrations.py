"""Finds the sources that define an op or register a kernel for it, so that a build compiles no others.

Registrations are macros with the op's name as a string: ``REGISTER_OP("Relu")``, ``Name("Relu")`` in a
``REGISTER_KERNEL_BUILDER``, or ``REGISTER4(UnaryOp, CPU, "Log", ...)``; or calls of the C API. Standard
library only and no import from the rest of tfport: recipes export this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# Some sources wrap the macro: REGISTER_STATELESS_OP("StatelessRandomNormal").
_OP = re.compile(r'\b(?:REGISTER\w*_OP|TF_NewOpDefinitionBuilder)\(\s*"(\w+)"')
_NAMED = re.compile(r'\b(?:Name|TF_NewKernelBuilder)\(\s*"(\w+)"')
_NAMED_BY = re.compile(r"\bName\(\s*(k\w+)\s*\)")
_CONSTANT = re.compile(r'\b(k\w+)(?:\[\])?\s*=\s*"(\w+)"')
_MACRO = re.compile(r"\bREGISTER\w*\(([^;]*?)\)", re.DOTALL)
_STRING = re.compile(r'"(\w+)"')
# A macro that makes a string of its first argument: REGISTER_KERNELS_NAME(TopK, ...).
_STRINGISED = re.compile(r"#define\s+(\w+)\((\w+)\b[^)]*\)(?:[^\n]*\\\n)+?[^\n]*\bName\(#\2\)")
_HEADER = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(tensorflow/core/kernels/[\w/]+\.h)"', re.MULTILINE)
# What the preprocessor leaves out of a mobile build for a CPU.
_UNBUILT = re.compile(
    r"\s*#\s*(?:if(?:def)?\b(?!.*!).*\b(?:GOOGLE_CUDA|TENSORFLOW_USE_ROCM|INTEL_MKL)\b"
    r"|(?:ifndef\s+|if\s+!\s*defined\(\s*)IS_MOBILE_PLATFORM\b)"
)
# What a source promises that another instantiates, and what one does instantiate.
_PROMISED = re.compile(r"\bextern template struct (\w+)<(?:CPUDevice|Eigen::ThreadPoolDevice)\b")
_KEPT = re.compile(r"(?<!\bextern )\btemplate struct (\w+)<(?:CPUDevice|Eigen::ThreadPoolDevice)\b")
# A kernel that is registered in every build, but for a device that no build of ours has.
_ON_GPU = re.compile(r'\bName\(\s*"\w+"\s*\)[\s\\]*\.Device\(DEVICE_GPU\)')
_IF, _ELSE, _ENDIF = (re.compile(rf"\s*#\s*{word}") for word in ("if", "else", "endif"))

# Registered whatever is selected (REGISTER_SYSTEM_...), or used by the runtime itself.
ALWAYS = (
    "tensorflow/core/kernels/function_ops.cc",
    "tensorflow/core/kernels/no_op.cc",
    "tensorflow/core/kernels/sendrecv_ops.cc",
    "tensorflow/core/ops/function_ops.cc",
    "tensorflow/core/ops/no_op.cc",
    "tensorflow/core/ops/sendrecv_ops.cc",
)
SYSTEM_OPS = frozenset({"_Arg", "_DeviceArg", "_Retval", "_DeviceRetval"})

# A source named for one element type serves the kernels of that type only; the name in its kernels' classes.
_OF_TYPE = {
    "bfloat16": "bfloat16",
    "bool": "bool",
    "complex": "complex",
    "double": "double",
    "float": "float",
    "half": "half",
    "int32": "int",
    "int8": "int8",
}


def registered_ops(text: str) -> frozenset[str]:
    """Ops that a source defines."""
    return frozenset(_OP.findall(built(text)))


def registered_kernels(text: str) -> frozenset[str]:
    """Names of ops for which a source registers kernels; it may hold strings that are no op."""
    text = _ON_GPU.sub("", built(text))
    constants = dict(_CONSTANT.findall(text))
    found = {*_NAMED.findall(text), *(constants.get(name, name) for name in _NAMED_BY.findall(text))}
    for arguments in _MACRO.findall(text):
        found.update(_STRING.findall(arguments))
    for macro, _ in _STRINGISED.findall(text):
        found.update(re.findall(rf"\b{macro}\(\s*(\w+)", text))
    return frozenset(found)


def read_ops(root: Path, sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """Source path -> the ops that it defines."""
    return {path: registered_ops(_read(root / path)) for path in sources}


def read_kernels(root: Path, sources: Iterable[str]) -> dict[str, frozenset[str]]:
    """Source path -> the ops for which it registers kernels, also by its own header or an ``_impl.h``."""
    found = {}
    for path in sources:
        text = _read(root / path)
        names = [name for name in _HEADER.findall(text) if name.endswith("_impl.h") or _owns(path, name)]
        texts = [text, *(_read(root / name) for name in names if (root / name).is_file())]
        found[path] = frozenset().union(*map(registered_kernels, texts))
    return found


def portable_ops(ops: dict[str, frozenset[str]], kernels: dict[str, frozenset[str]]) -> list[str]:
    """Ops that some source defines and some source has a kernel for; sorted."""
    defined: frozenset[str] = frozenset().union(*ops.values())
    served: frozenset[str] = frozenset().union(*kernels.values())
    return sorted(defined & (served | SYSTEM_OPS))


def sources_of(kernels: dict[str, frozenset[str]], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The sources that register kernels for ``pairs`` of op and kernel class; sorted."""
    classes: dict[str, set[str]] = {}
    for op, kernel in pairs:
        classes.setdefault(op, set()).add(kernel)
    chosen = []
    for path, names in kernels.items():
        wanted = [kernel for op in names & classes.keys() for kernel in classes[op]]
        kind = _OF_TYPE.get(path.rpartition("_")[2].partition(".")[0])
        if wanted and (kind is None or any(kind in kernel for kernel in wanted)):
            chosen.append(path)
    return sorted(chosen)


def helpers_of(root: Path, headers: Iterable[str], helpers: Iterable[str]) -> list[str]:
    """Of ``helpers`` (sources that register nothing) those that implement one of ``headers``; sorted.

    A source belongs to the header below ``root`` with which its name begins, the longest of them:
    ``cast_op_impl_bool.cc`` to ``cast_op_impl.h`` and not to ``cast_op.h``.
    """
    included = {_base(name[:-2]) for name in headers if name.endswith(".h")}
    return sorted(path for path in helpers if _base(_owner(root, path[:-3])) in included)


def instantiating(root: Path, sources: Iterable[str], helpers: Iterable[str]) -> list[str]:
    """Of ``helpers`` those that instantiate what one of ``sources`` declares as instantiated; sorted.

    Such a source needs no header: ``tile_ops.cc`` declares the functors of ``tile_functor_cpu_float.cc``.
    """
    promised = {name for path in sources for name in _PROMISED.findall(built(_read(root / path)))}
    found = []
    for path in helpers if promised else ():
        text = _read(root / path)
        texts = [text, *(_read(root / name) for name in _HEADER.findall(text) if (root / name).is_file())]
        if promised & {name for each in texts for name in _KEPT.findall(each)}:
            found.append(path)
    return sorted(found)


def _owns(source: str, header: str) -> bool:
    """Whether a source is named for a header: ``x_ops.cc`` or ``x_ops_float.cc`` for ``x_ops.h``."""
    return re.match(re.escape(header[:-2]) + r"[_.]", source) is not None


def built(text: str) -> str:
    """A source without its comments and without what is for other platforms."""
    kept, depth = [], 0  # depth: of conditions inside one that leaves its lines out, itself included
    for line in _COMMENT.sub("", text).splitlines():
        if depth:
            depth += bool(_IF.match(line)) - bool(_ENDIF.match(line))
            depth -= depth == 1 and _ELSE.match(line) is not None
        elif _UNBUILT.match(line):
            depth = 1
        else:
            kept.append(line)
    return "\n".join(kept)


def _owner(root: Path, stem: str) -> str:
    while "_" in stem.rpartition("/")[2] and not (root / f"{stem}.h").is_file():
        stem = stem.rpartition("_")[0]
    return stem


def _base(stem: str) -> str:
    """A header for the CPU serves the one without: ``tile_functor_cpu.h`` goes with ``tile_functor.h``."""
    return re.sub(r"_cpu(?:_impl)?$", "", stem)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
