"""BUILD files as far as they name sources: lists, globs, selects, macros, labels, packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.trees import grow
from tfport.core.steps.bazel import BuildFileError, Workspace, split_label


def sources(tmp_path: Path, rule: str, *others: str, **packages: str) -> list[str]:
    """What ``//p:t`` names if ``rule`` is p's BUILD file; ``others`` are files, ``packages`` more of them."""
    files = {"p/BUILD": rule, **dict.fromkeys(others, "")}
    files.update({f"{name.replace('_', '/')}/BUILD": text for name, text in packages.items()})
    return Workspace(grow(tmp_path, files)).files("//p:t")


def test_a_list_names_files(tmp_path: Path) -> None:
    rule = 'cc_library(name = "t", srcs = ["b.cc", "a.cc"], hdrs = ("a.h",), textual_hdrs = ["t.inc"])'
    found = sources(tmp_path, rule, "p/a.cc", "p/b.cc", "p/a.h", "p/t.inc", "p/not_listed.cc")
    assert found == ["p/a.cc", "p/a.h", "p/b.cc", "p/t.inc"]


def test_other_attributes_name_no_sources(tmp_path: Path) -> None:
    rule = 'cc_library(name = "t", srcs = ["a.cc"], deps = [":u"], data = ["d.cc"])\n'
    rule += 'filegroup(name = "u", srcs = ["u.cc"])'
    assert sources(tmp_path, rule, "p/a.cc", "p/d.cc", "p/u.cc") == ["p/a.cc"]


def test_what_a_macro_generates_is_no_file(tmp_path: Path) -> None:
    assert sources(tmp_path, 'filegroup(name = "t", srcs = ["a.cc", "options.h"])', "p/a.cc") == ["p/a.cc"]


def test_a_file_in_a_folder_below(tmp_path: Path) -> None:
    assert sources(tmp_path, 'filegroup(name = "t", srcs = ["sub/a.cc"])', "p/sub/a.cc") == ["p/sub/a.cc"]


def test_sums_and_variables(tmp_path: Path) -> None:
    rule = 'A = ["a.cc"]\nB = A + ["b.cc"]\nfilegroup(name = "t", srcs = B + ["c.cc"] + UNKNOWN)'
    assert sources(tmp_path, rule, "p/a.cc", "p/b.cc", "p/c.cc") == ["p/a.cc", "p/b.cc", "p/c.cc"]


def test_a_glob_leaves_out_what_it_excludes(tmp_path: Path) -> None:
    rule = 'OUT = ["*_test.cc"]\nfilegroup(name = "t", srcs = glob(["*.cc"], exclude = OUT + ["*gpu*"]))'
    assert sources(tmp_path, rule, "p/a.cc", "p/a_test.cc", "p/my_gpu_op.cc", "p/a.h") == ["p/a.cc"]


def test_a_glob_by_its_name(tmp_path: Path) -> None:
    rule = 'filegroup(name = "t", srcs = glob(include = ["*.h"], allow_empty = True))'
    assert sources(tmp_path, rule, "p/a.cc", "p/a.h") == ["p/a.h"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.cc", ["p/a.cc", "p/axcc.cc"]),
        ("**/*.cc", ["p/a.cc", "p/axcc.cc", "p/d/b.cc", "p/d/e/c.cc"]),
        ("d/**", ["p/d/b.cc", "p/d/b.h", "p/d/e/c.cc"]),
        ("d/*.cc", ["p/d/b.cc"]),
        ("a.cc", ["p/a.cc"]),
        ("none*.cc", []),
    ],
)
def test_stars_of_a_glob(tmp_path: Path, pattern: str, found: list[str]) -> None:
    rule = f'filegroup(name = "t", srcs = glob(["{pattern}"]))'
    files = ("p/a.cc", "p/axcc", "p/axcc.cc", "p/d/b.cc", "p/d/b.h", "p/d/e/c.cc")
    assert sources(tmp_path, rule, *files) == found


def test_a_glob_stays_in_its_package(tmp_path: Path) -> None:
    rule = 'filegroup(name = "t", srcs = glob(["**/*.cc"]))'
    found = sources(tmp_path, rule, "p/a.cc", "p/d/b.cc", "p/q/c.cc", "p/q/e/f.cc", p_q="")
    assert found == ["p/a.cc", "p/d/b.cc"]


def test_a_select_takes_its_default(tmp_path: Path) -> None:
    rule = (
        'filegroup(name = "t", srcs = ["a.cc"] + select({\n'
        '    "//tensorflow:windows": ["w.cc"],\n    "//conditions:default": ["d.cc"],\n'
        '}) + select({"//tensorflow:android": ["n.cc"]}))'
    )
    assert sources(tmp_path, rule, *(f"p/{name}.cc" for name in "awdn")) == ["p/a.cc", "p/d.cc"]


def test_macros_for_a_mobile_platform_count_and_others_do_not(tmp_path: Path) -> None:
    rule = (
        'filegroup(name = "t", srcs = if_mobile(["m.cc"]) + if_not_mobile(["n.cc"])'
        ' + if_android_or_ios(["a.cc"]) + if_cuda(["c.cc"]) + if_not_windows(glob(["l*.cc"])))'
    )
    files = [f"p/{name}.cc" for name in ("m", "n", "a", "c", "l1", "l2")]
    assert sources(tmp_path, rule, *files) == ["p/a.cc", "p/l1.cc", "p/l2.cc", "p/m.cc"]


def test_labels_lead_through_packages(tmp_path: Path) -> None:
    found = sources(
        tmp_path,
        'filegroup(name = "t", srcs = [":here", "//q:all", "//q/r", "@com_google_absl//absl/base"])\n'
        'filegroup(name = "here", srcs = ["a.cc"])',
        "p/a.cc",
        "q/b.cc",
        "q/r/c.cc",
        "q/r/d.cc",
        q='filegroup(name = "all", srcs = ["b.cc", "//q/r:d.cc"])',
        q_r='filegroup(name = "r", srcs = ["c.cc"])',
    )
    assert found == ["p/a.cc", "q/b.cc", "q/r/c.cc", "q/r/d.cc"]


def test_an_alias_is_what_it_stands_for(tmp_path: Path) -> None:
    rule = 'alias(name = "t", actual = "//q:u")'
    assert sources(tmp_path, rule, "q/b.cc", q='cc_library(name = "u", srcs = ["b.cc"])') == ["q/b.cc"]


def test_targets_that_name_each_other_end(tmp_path: Path) -> None:
    rule = 'filegroup(name = "t", srcs = [":u", "a.cc"])\nfilegroup(name = "u", srcs = [":t", "b.cc"])'
    assert sources(tmp_path, rule, "p/a.cc", "p/b.cc") == ["p/a.cc", "p/b.cc"]


def test_a_file_named_twice_is_listed_once(tmp_path: Path) -> None:
    rule = 'filegroup(name = "t", srcs = ["a.cc", ":u"] + glob(["*.cc"]))\n'
    rule += 'filegroup(name = "u", srcs = ["a.cc"])'
    assert sources(tmp_path, rule, "p/a.cc") == ["p/a.cc"]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    workspace = Workspace(grow(tmp_path, {"p/BUILD": 'filegroup(name = "t", srcs = ["//gone:u"])'}))
    with pytest.raises(BuildFileError, match=r"there is no .*gone.BUILD"):
        workspace.files("//p:t")
    with pytest.raises(BuildFileError, match="//p has no target u"):
        workspace.files("//p:u")
    with pytest.raises(BuildFileError, match=r"there is no .*gone.BUILD"):
        workspace.files("//gone:t")


def test_two_trees_do_not_share_what_was_read(tmp_path: Path) -> None:
    rule = {"p/BUILD": 'filegroup(name = "t", srcs = glob(["*.cc"]))'}
    one = Workspace(grow(tmp_path / "one", {**rule, "p/a.cc": ""}))
    two = Workspace(grow(tmp_path / "two", {**rule, "p/b.cc": ""}))
    assert (one.files("//p:t"), two.files("//p:t")) == (["p/a.cc"], ["p/b.cc"])


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("//a/b:c", ("a/b", "c")),
        ("//a/b", ("a/b", "b")),
        (":c", ("here", "c")),
        ("c", ("here", "c")),
        ("d/c.cc", ("here", "d/c.cc")),
        ("//:c", ("", "c")),
    ],
)
def test_labels(label: str, parts: tuple[str, str]) -> None:
    assert split_label(label, "here") == parts
