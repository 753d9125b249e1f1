"""What of TensorFlow belongs to a port: the part that no model changes, and the sources of ops and kernels.

Both follow from the lists for mobile platforms in TensorFlow's own BUILD files and from what these sources
include. Standard library only and no import from the rest of tfport but its neighbours, because recipes
export this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from tfport.core.steps.bazel import Workspace
    from tfport.core.steps.registrations import (
        ALWAYS,
        helpers_of,
        instantiating,
        portable_ops,
        read_kernels,
        read_ops,
        sources_of,
    )
    from tfport.core.steps.units import gather, headers_of, protos_of, with_neighbours
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from bazel import Workspace
        from registrations import (
            ALWAYS,
            helpers_of,
            instantiating,
            portable_ops,
            read_kernels,
            read_ops,
            sources_of,
        )
        from units import gather, headers_of, protos_of, with_neighbours
    except ImportError:
        from tfport.core.steps.bazel import Workspace
        from tfport.core.steps.registrations import (
            ALWAYS,
            helpers_of,
            instantiating,
            portable_ops,
            read_kernels,
            read_ops,
            sources_of,
        )
        from tfport.core.steps.units import gather, headers_of, protos_of, with_neighbours

_FRAMEWORK = "//tensorflow/core:mobile_srcs"
_KERNEL_FOLDER = "tensorflow/core/kernels/"
_KERNELS = "//tensorflow/core/kernels:portable_all_ops"
_OPS = "//tensorflow/core/ops:portable_op_registrations_and_gradients"

# Devices, services and languages that no board has, and what only tests use.
_FOREIGN = re.compile(
    r"_test\.|test_util|testlib|/matmul_util\.|_stub\.|windows/|/python/|gpu|cuda|rocm|\.cu\.|sycl|/tpu/|nccl(?!/collective_communicator)|mkl|zen_|/xla"
    r"|stream_executor|distributed_runtime|/grappler/|/eager/|compiler/mlir|core/ir/|android_|common_runtime/(?:ring_|hierarchical_tree|permuter|all_to_all)"
    r"|profiler/(?:convert|backends)|profiler/(?:lib|utils)/(?!scoped_memory|traceme|context_types|annotated)"
)
# What only some kernels need, which compile it with them; and what a mobile build has no use for.
_NOT_FRAMEWORK = re.compile(
    r"/kernels/|/wav/|example_|/example/|/uniform_quant|cc/framework|cc/ops|fingerprinting|saved_model/metrics"
    r"|modular_filesystem|op_gen_lib|regularization|checkpoint_reader|kernels_experimental|stat_summarizer"
)
# What stands outside the lists for mobile platforms.
_FRAMEWORK_TOO = ("tensorflow/cc/saved_model/loader.cc",)
_KERNELS_TOO = (
    "tensorflow/core/kernels/deep_conv2d.cc",
    "tensorflow/core/kernels/string_lower_op.cc",
    "tensorflow/core/kernels/string_upper_op.cc",
)
# Templates of these take a compiler gigabytes, or definitions of their ops' shapes long; what ends in a
# number or a type sets macros for a header that serves it alone.
_COSTLY = re.compile(
    r"/conv_ops_|/matmul_op_|einsum|/ops/(?:array|math|nn)_ops|reduction_ops_\w|_inst_|_impl_|_functor_cpu_"
)
# Run once for a session, or once for a node of a step: small counts for more than fast.
SMALL = ("-Os",)
# Two of these in one unit define the same name.
ALONE = re.compile(r"/lower_\w+_op|common_runtime/(?:function|gradients)\.|immutable_executor_state")
# Kernels that share names with others of their folder, or instantiate what a neighbour has declared extern.
_CLASHING = re.compile(
    r"/conv_grad_filter_ops_launcher|/deserialize_sparse_variant_op|/stateless_random_ops_v2\."
    r"|/image/resize_bilinear_op\."
    r"|/data/(?:cache_ops|parallel_(?:filter|interleave|map)_dataset_op|skip_dataset_op)\."
    r"|/data/experimental/(?:lookup_ops|unbatch_dataset_op)\."
)
# These include cwise_ops_common.h, most others numeric_op.h: each has a BinaryOp and a UnaryOp of its own.
_ELEMENTWISE = re.compile(
    r"/cwise_op|/sparse_\w+_binary_op_shared|/unary_ops_composition|/nextafter_op|/special_math/|/ragged_tensor_"
    r"|/sparse/(?:conj|mat_mul|transpose)_op"
)


@dataclass
class Portable:
    """TensorFlow's tree at ``root``, as far as a port takes it. Paths are below ``root``."""

    root: Path

    @cached_property
    def workspace(self) -> Workspace:
        """The tree's BUILD files."""
        return Workspace(self.root)

    @cached_property
    def framework(self) -> list[str]:
        """Sources that every model needs: platform, framework, graph, runtime, C API, SavedModel loader."""
        listed = [path for path in self.workspace.files(_FRAMEWORK) if path.endswith(".cc")]
        return with_neighbours(self.root, [*filter(_in_framework, listed), *_FRAMEWORK_TOO], _in_framework)

    @cached_property
    def ops(self) -> dict[str, frozenset[str]]:
        """Sources that define ops, with these ops."""
        return read_ops(self.root, self._sources(_OPS))

    @cached_property
    def kernels(self) -> dict[str, frozenset[str]]:
        """Sources of kernels, with the ops that each serves; none for a helper of others."""
        return read_kernels(self.root, [*self._sources(_KERNELS), *_KERNELS_TOO])

    @property
    def served_ops(self) -> list[str]:
        """Ops that the port can run; sorted."""
        return portable_ops(self.ops, self.kernels)

    def protos(self) -> list[str]:
        """Every .proto whose header some source includes."""
        return protos_of(self.root, headers_of(self.root, [*self.framework, *self.kernels, *self.ops]))

    def selected(
        self, pairs: Optional[Iterable[tuple[str, str]]], compiled: Iterable[str], more: bool = False
    ) -> list[str]:
        """Sources to compile beside ``compiled`` for ``pairs`` of op and kernel class (None: all); sorted.

        A source that registers kernels may also hold what another one calls, which only a link can tell:
        ``more`` takes all that stands beside an included header, also of what is compiled already.
        """
        pairs = None if pairs is None else list(pairs)
        names = {op for op, _ in pairs or ()}
        serving = {path for path, served in self.kernels.items() if served}
        done = set(compiled)
        passed = set() if more else done

        def wanted(path: str) -> bool:
            needed = path not in passed and (pairs is None or path not in serving)
            return not _FOREIGN.search(path) and (more or needed)

        def close(sources: Iterable[str]) -> set[str]:
            return set(with_neighbours(self.root, set(sources) - passed, wanted)) - done

        helpers = [path for path, served in self.kernels.items() if not served]
        if pairs is None:
            return sorted(close([*self.kernels, *self.ops]))
        found = {*sources_of(self.kernels, pairs), *(path for path in ALWAYS if path in self.kernels)}
        chosen = close(found)
        while True:
            headers = headers_of(self.root, chosen, _KERNEL_FOLDER)
            named = helpers_of(self.root, headers, helpers)
            grown = close({*chosen, *named, *instantiating(self.root, chosen, helpers)})
            if grown == chosen:
                break
            chosen = grown
        ops = {path for path, defined in self.ops.items() if defined & names or path in ALWAYS}
        return sorted(close(chosen | ops))

    def _sources(self, label: str) -> list[str]:
        return [p for p in self.workspace.files(label) if p.endswith(".cc") and not _FOREIGN.search(p)]


def gather_kernels(sources: Iterable[str]) -> dict[str, list[str]]:
    """Units for sources of ops and kernels, the costliest first."""
    units = gather(list(sources), 4, _COSTLY.search, _kind)
    return dict(sorted(units.items(), key=lambda unit: not _COSTLY.search(unit[1][0])))


def _kind(path: str) -> str:
    """Sources of one kind can share a unit."""
    return path if _CLASHING.search(path) else "elementwise" if _ELEMENTWISE.search(path) else ""


def write_index(portable: Portable, path: Path) -> None:
    """Keep what was compiled and what can be, for recipes that go on from there."""
    data = {"framework": portable.framework, "ops": portable.served_ops}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _in_framework(path: str) -> bool:
    return not _FOREIGN.search(path) and not _NOT_FRAMEWORK.search(path)
