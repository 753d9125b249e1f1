"""Which ops and kernels a library of TensorFlow's core runtime holds: the text of it, and its C++ header.

Standard library only and no import from the rest of tfport: the recipes export this file.

A selection is "all", or pairs of an op and the C++ class of a kernel, written ``Op:Class`` and joined by ";".
An op that runs without a kernel (passes rewrite it away) stands alone. The class is spelled as TensorFlow's
registry spells it, which is the text of the macro's argument: ``BinaryOp<CPUDevice, functor::add<float>>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ALL = "all"
Pair = tuple[str, str]  # op, kernel class; "" for an op without a kernel
_OP = re.compile(r"[A-Za-z_][A-Za-z0-9_>]*\Z")
_CLASS = re.compile(r"[A-Za-z_:(][^;\"\\\\\x00-\x1f]*\Z")  # it goes into a string of C++
# SymbolicGradient is the only op that asks for gradients while a graph runs.
_GRADIENT_OP = "SymbolicGradient"


class SelectionError(ValueError):
    """A text that is no selection."""


def canonical(pairs: Iterable[Pair]) -> str:
    """The one spelling of a selection: sorted, each pair once, an op alone only if no kernel of it is named.

    Raises SelectionError for what cannot be the name of an op or of a class.
    """
    spelled = {_check(op, " ".join(kernel.split())) for op, kernel in pairs}
    with_kernel = {op for op, kernel in spelled if kernel}
    return ";".join(
        f"{op}:{kernel}" if kernel else op
        for op, kernel in sorted(spelled)
        if kernel or op not in with_kernel
    )


def parse(selection: str) -> tuple[Pair, ...]:
    """The pairs of a selection, sorted. Raises SelectionError, also for "all", which has no list."""
    if selection == ALL:
        raise SelectionError('the selection "all" names no ops')
    pairs = []
    for entry in selection.split(";"):
        op, colon, kernel = entry.partition(":")
        if colon and not kernel:
            raise SelectionError(f"{entry!r} names no kernel after the colon")
        pairs.append(_check(op, kernel))
    return tuple(sorted(pairs))


def ops(selection: str) -> frozenset[str]:
    """The names of the ops of a selection."""
    return frozenset(op for op, _ in parse(selection))


def bare(kernel: str) -> str:
    """A class name without spaces, the form in which two spellings of one class are equal."""
    return kernel.replace(" ", "")


def _check(op: str, kernel: str) -> Pair:
    if not _OP.match(op):
        raise SelectionError(f"{op!r} is not the name of an op")
    if kernel and not _CLASS.match(kernel):
        raise SelectionError(f"{kernel!r} (of op {op}) is not the name of a kernel's class")
    return op, kernel


_EVERYTHING = """\
#define SHOULD_REGISTER_OP(op) true
#define SHOULD_REGISTER_OP_KERNEL(clz) true
#define SHOULD_REGISTER_OP_GRADIENT true
"""

# Loops, since the recursive form that TensorFlow's own tool writes exceeds the compiler's depth of constant
# evaluation at some five hundred kernels.
_SOME = """\
namespace tfport_selection {{
namespace {{

constexpr const char* kOps[] = {{
{ops}
    nullptr}};

constexpr const char* kKernels[] = {{
{kernels}
    nullptr}};

// Spaces do not count: the preprocessor keeps those of the macro's argument.
constexpr bool Same(const char* a, const char* b) {{
  while (true) {{
    while (*a == ' ') ++a;
    while (*b == ' ') ++b;
    if (*a != *b) return false;
    if (*a == 0) return true;
    ++a;
    ++b;
  }}
}}

constexpr bool Holds(const char* const* list, const char* name) {{
  for (; *list != nullptr; ++list) {{
    if (Same(*list, name)) return true;
  }}
  return false;
}}

}}  // namespace
}}  // namespace tfport_selection

#define SHOULD_REGISTER_OP(op) \\
  (::tfport_selection::Holds(::tfport_selection::kOps, op))
#define SHOULD_REGISTER_OP_KERNEL(clz) \\
  (::tfport_selection::Holds(::tfport_selection::kKernels, clz))
#define SHOULD_REGISTER_OP_GRADIENT {gradient}
"""


def header(selection: str) -> str:
    """The text of ``ops_to_register.h``, which TensorFlow includes when SELECTIVE_REGISTRATION is defined.

    Its three macros are constant expressions of C++17, so the linker drops the code of what is not selected.
    Raises SelectionError.
    """
    if selection == ALL:
        body = _EVERYTHING
    else:
        pairs = parse(selection)
        names = sorted({op for op, _ in pairs})
        kernels = sorted({bare(kernel) for _, kernel in pairs if kernel})
        body = _SOME.format(
            ops="\n".join(f'    "{name}",' for name in names),
            kernels="\n".join(f'    "{kernel}",' for kernel in kernels),
            gradient="true" if _GRADIENT_OP in names else "false",
        )
    return (
        f"#ifndef OPS_TO_REGISTER_H_\n#define OPS_TO_REGISTER_H_\n\n{body}\n#endif  // OPS_TO_REGISTER_H_\n"
    )
