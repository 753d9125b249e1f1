"""Which files a build reaches by includes, and how they share translation units."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.trees import grow
from tfport.core.steps.units import gather, headers_of, included, join, protos_of, with_neighbours


def includes(*names: str) -> str:
    return "".join(f'#include "{name}"\n' for name in names)


def everything(path: str) -> bool:
    return True


def nothing(path: str) -> bool:
    return False


def test_only_what_is_tensorflows_counts_as_included(tmp_path: Path) -> None:
    text = (
        '#include "tensorflow/a.h"\n  #  include   "tensorflow/b.h"  // why\n#include <tensorflow/c.h>\n'
        '#include "absl/d.h"\n// #include "tensorflow/e.h"\n#include "f.h"\n'
    )
    (tmp_path / "x.cc").write_bytes(text.encode() + b"// \xe9\n")
    assert included(tmp_path / "x.cc") == ["tensorflow/a.h", "tensorflow/b.h"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """a.cc -> b.h -> c.h; beside b.h its source, which includes d.h; c.h has one for the platform."""
    return grow(
        tmp_path,
        {
            "tensorflow/a.cc": includes("tensorflow/b.h", "tensorflow/gone.h", "tensorflow/made.pb.h"),
            "tensorflow/b.h": includes("tensorflow/sub/c.h"),
            "tensorflow/b.cc": includes("tensorflow/b.h", "tensorflow/d.h"),
            "tensorflow/sub/c.h": includes("tensorflow/b.h"),
            "tensorflow/sub/default/c.cc": includes("tensorflow/sub/e.h"),
            "tensorflow/sub/windows/c.cc": "",
            "tensorflow/sub/e.h": "",
            "tensorflow/sub/e.cc": "",
            "tensorflow/d.h": "",
            "tensorflow/d.cc": "",
            "tensorflow/unused.h": "",
            "tensorflow/unused.cc": "",
        },
    )


def test_neighbours_of_headers_follow_to_the_end(tree: Path) -> None:
    assert with_neighbours(tree, ["tensorflow/a.cc"], everything) == [
        "tensorflow/a.cc",
        "tensorflow/b.cc",
        "tensorflow/d.cc",
        "tensorflow/sub/default/c.cc",
        "tensorflow/sub/e.cc",
    ]


def test_what_is_not_wanted_is_neither_taken_nor_followed(tree: Path) -> None:
    def closed(wanted: Iterable[str]) -> list[str]:
        left_out = set(wanted)
        return with_neighbours(tree, ["tensorflow/a.cc"], lambda path: path not in left_out)

    assert closed(["tensorflow/b.h"]) == ["tensorflow/a.cc"]
    assert closed(["tensorflow/b.cc", "tensorflow/sub/c.h"]) == ["tensorflow/a.cc"]
    assert closed(["tensorflow/b.cc"]) == [
        "tensorflow/a.cc",
        "tensorflow/sub/default/c.cc",
        "tensorflow/sub/e.cc",
    ]


def test_the_sources_given_stay_whatever_is_wanted(tree: Path) -> None:
    given = ["tensorflow/unused.cc", "tensorflow/generated.cc", "tensorflow/a.cc"]
    assert with_neighbours(tree, given, nothing) == sorted(given)


def test_headers_directly_or_not(tree: Path) -> None:
    assert headers_of(tree, ["tensorflow/a.cc"]) == {
        "tensorflow/a.cc",
        "tensorflow/b.h",
        "tensorflow/gone.h",
        "tensorflow/made.pb.h",
        "tensorflow/sub/c.h",
    }


def test_headers_below_one_folder(tree: Path) -> None:
    # c.h stands below it, but only b.h leads there.
    assert headers_of(tree, ["tensorflow/a.cc"], "tensorflow/sub/") == {"tensorflow/a.cc"}
    assert headers_of(tree, ["tensorflow/b.h"], "tensorflow/sub/") == {"tensorflow/b.h", "tensorflow/sub/c.h"}


def test_protos_with_what_they_import(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {
            "tensorflow/a.proto": 'import "tensorflow/b.proto";\nimport "google/protobuf/any.proto";\n',
            "tensorflow/b.proto": '  import public "tensorflow/c.proto";\n// import "tensorflow/d.proto";\n',
            "tensorflow/c.proto": 'import "tensorflow/a.proto";\n',
            "tensorflow/d.proto": "",
        },
    )
    headers = ["tensorflow/a.pb.h", "tensorflow/gone.pb.h", "tensorflow/d.h", "tensorflow/d.pb_text.h"]
    assert protos_of(tmp_path, headers) == [f"tensorflow/{name}.proto" for name in "abc"]


def sizes(units: dict[str, list[str]]) -> list[int]:
    return [len(members) for members in units.values()]


@pytest.mark.parametrize(
    ("count", "parts"),
    [(1, [1]), (3, [3]), (4, [4]), (5, [2, 3]), (8, [4, 4]), (9, [3, 3, 3]), (13, [3, 3, 3, 4])],
)
def test_parts_of_a_folder_are_even(count: int, parts: list[int]) -> None:
    paths = [f"tensorflow/k/{number:02}.cc" for number in range(count)]
    units = gather(paths[::-1], 4, nothing)
    assert sizes(units) == parts
    assert [path for members in units.values() for path in members] == paths
    assert list(units) == [f"tensorflow_k_{number}" for number in range(len(parts))]


def test_folders_do_not_mix(tmp_path: Path) -> None:
    units = gather(["a/x.cc", "b/y.cc", "a/z.cc", "a/b/w.cc"], 8, nothing)
    assert units == {"a_0": ["a/x.cc", "a/z.cc"], "a_b_0": ["a/b/w.cc"], "b_0": ["b/y.cc"]}


def test_what_must_be_alone_has_a_unit_of_its_own() -> None:
    units = gather(["k/a.cc", "k/conv_ops.cc", "k/b.cc"], 8, lambda path: "conv" in path)
    assert units == {"k_conv_ops": ["k/conv_ops.cc"], "k_0": ["k/a.cc", "k/b.cc"]}


def test_units_with_names_alike_lose_no_source() -> None:
    paths = ["k/0.cc", "k/a/b.cc", "k/a_b.cc", "k/x.cc"]
    units = gather(paths, 4, lambda path: path != "k/x.cc")
    assert sorted(path for members in units.values() for path in members) == paths
    assert len(units) == 4


def test_small_folders_share_units() -> None:
    small = ["t/core/a/x.cc", "t/core/b/c/y.cc", "t/core/z.cc", "t/tsl/a/x.cc"]
    units = join([*small, *(f"t/core/k/{n}.cc" for n in range(5))], 4, nothing)
    assert units == {
        "t_core_0": small[:3],
        "t_core_k_0": ["t/core/k/0.cc", "t/core/k/1.cc"],
        "t_core_k_1": ["t/core/k/2.cc", "t/core/k/3.cc", "t/core/k/4.cc"],
        "t_tsl_0": small[3:],
    }


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_must_be_apart_shares_units_with_others_only(count: int) -> None:
    paths = [f"t/core/k/{n}.cc" for n in range(9)] + [f"t/core/k/lower_{n}.cc" for n in range(count)]
    units = join(paths, 100, lambda path: "lower" in path)
    assert sorted(path for members in units.values() for path in members) == paths
    assert [sum("lower" in path for path in members) for members in units.values()] == [1] * count


def test_sources_of_another_kind_leave_the_other_units_as_they_are() -> None:
    paths = [f"k/{letter}.cc" for letter in "abcdefgh"]
    before = gather(paths, 4, nothing)
    units = gather(paths, 4, nothing, lambda path: "own" if path in ("k/b.cc", "k/c.cc") else "")
    assert units == {**before, "k_0": ["k/a.cc", "k/d.cc"], "k_0_": ["k/b.cc", "k/c.cc"]}


def test_nothing_to_gather() -> None:
    assert join([], 4, everything) == {}
    assert gather([], 4, everything) == {}
