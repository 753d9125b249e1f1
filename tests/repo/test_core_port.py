"""The ops that the port claims, and the lists of sources behind them, from TensorFlow's patched tree."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.repo.core_tree import RECIPE, make_tree, ops_json
from tests.repo.pinned import archive_of
from tfport.core.port import PORT, read_port
from tfport.core.steps.registrations import built
from tfport.core.steps.sources import ALONE, Portable, gather_kernels
from tfport.core.steps.units import gather
from tfport.target import ROOT

NAMED_ONLY = {
    "DataServiceDataset": "repeat_dataset_op.cc",  # asks whether its input is one
    "ExperimentalMapDataset": "map_dataset_op.cc",  # registers it for a GPU alone
}


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Portable:
    return make_tree(archive_of(RECIPE), tmp_path_factory.mktemp("tree"))


def test_the_list_of_ops_is_what_follows_from_the_sources(portable: Portable) -> None:
    told = "renew it as CONTRIBUTING.md says: python -m tests.repo.core_tree"
    assert (ROOT / PORT).read_text(encoding="utf-8") == ops_json(portable), told


def test_an_op_that_kernels_are_registered_for_is_listed(portable: Portable) -> None:
    """Whatever the macro: what a kernel's source has in quotes and some source defines is an op it serves."""
    defined: set[str] = set().union(*portable.ops.values())
    lost = {}
    for path in portable.kernels:
        text = built((portable.root / path).read_text(encoding="utf-8", errors="replace"))
        names = set(re.findall(r'"(\w+)"', text))
        lost.update(dict.fromkeys(names & defined - set(portable.served_ops), path.rpartition("/")[2]))
    assert lost == NAMED_ONLY


def test_no_source_is_lost_or_compiled_twice(portable: Portable) -> None:
    kernels = portable.selected(None, portable.framework)
    units = [*gather(portable.framework, 8, ALONE.search).values(), *gather_kernels(kernels).values()]
    counted = Counter(path for members in units for path in members)
    assert counted == Counter([*portable.framework, *kernels])
    assert set(counted.values()) == {1}
    assert all((portable.root / path).is_file() for path in counted)


def test_everything_holds_what_any_op_needs(portable: Portable) -> None:
    everything = set(portable.selected(None, portable.framework))
    for pair in (("Conv2D", "Conv2DOp<CPUDevice, float>"), ("ParseExampleV2", "ParseExampleOp")):
        assert set(portable.selected([pair], portable.framework)) <= everything


@pytest.mark.parametrize(
    ("op", "kernel", "sources", "left_out"),
    [
        ("Conv2D", "Conv2DOp<CPUDevice, float>", "conv_ops_float", "conv_ops_double cast_op"),
        (
            "Conv2DBackpropInput",
            "Conv2DBackpropInputOp<CPUDevice, float>",
            "conv_grad_input_ops_float",
            "conv_grad_input_ops_half conv_ops",
        ),
        ("TopKV2", "TopK<CPUDevice, float>", "topk_op", "sparse_matmul_op"),
        ("Bitcast", "BitcastOp", "bitcast_op bitcast", "summary_op gradients"),
        ("HashTableV2", "LookupTableOp<...>", "lookup_table_op initializable_lookup_table", "gather_op"),
        ("Cast", "CpuCastOp", "cast_op cast_op_impl_bool cast_op_impl_uint8", "conv_ops"),
    ],
)
def test_a_selection_takes_what_it_needs(
    portable: Portable, op: str, kernel: str, sources: str, left_out: str
) -> None:
    found = {Path(path).stem for path in portable.selected([(op, kernel)], portable.framework)}
    assert set(sources.split()) <= found
    assert not set(left_out.split()) & found


@pytest.mark.parametrize(
    ("op", "listed"),
    [
        ("Bitcast", True),  # by the C API
        ("TopKV2", True),  # by a macro that makes a string of the name
        ("StatelessRandomUniformV2", True),  # defined by a macro of its source
        ("MatrixTriangularSolve", True),  # by a header in a folder of its own
        ("Conv2DBackpropInput", True),  # by the header that sources of all types share
        ("ParallelMapDatasetV2", True),  # by a constant
        ("_Arg", True),  # whatever is selected
        ("BatchFFT", False),  # on a GPU
        ("LRNGrad", False),  # not on a mobile platform
        ("DecodeJpeg", False),  # needs a library that no board has
    ],
)
def test_what_is_listed(op: str, listed: bool) -> None:
    assert (op in read_port(ROOT)) is listed
