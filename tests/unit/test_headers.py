"""Public headers: what is followed, what stays the system's, how third parties are renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfport.headers import FLATBUFFERS, HeaderError, closure, deploy_headers, exposed


@pytest.fixture()
def roots(tmp_path: Path) -> list[Path]:
    files = {
        "tf/tensorflow/lite/model.h": (
            '#include <vector>\n#include "tensorflow/lite/core/model.h"\n#include "beside.h"\n'
        ),
        "tf/tensorflow/lite/beside.h": "// beside\n",
        "tf/tensorflow/lite/core/model.h": (
            '  #  include "flatbuffers/flatbuffers.h"  // IWYU\n'
            "#ifdef NEVER\n#include <tensorflow/lite/rare.h>\n#endif\n"
        ),
        "tf/tensorflow/lite/rare.h": "#define RARE\n",
        "tf/tensorflow/lite/unused.h": "#error no one asked\n",
        "fb/flatbuffers/flatbuffers.h": (
            '#ifndef FLATBUFFERS_H_\n#define FLATBUFFERS_H_\n#include "flatbuffers/base.h"\n'
            "// https://google.github.io/flatbuffers/flatbuffers_guide.html\n"
            "namespace flatbuffers { int my_flatbuffers(flatbuffers::Table); } FlatBuffersVTableOffset x;\n"
            "#endif\n"
        ),
        "fb/flatbuffers/base.h": (
            '#include "absl/strings/string_view.h"\ntemplate <class T> bool IsConstTrue(T t);\n'
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return [tmp_path / "tf", tmp_path / "fb"]


def deploy(tmp_path: Path, roots: list[Path]) -> tuple[str, ...]:
    return deploy_headers(
        entries=["tensorflow/lite/model.h"], roots=roots, output=tmp_path / "include", renames=FLATBUFFERS
    )


def test_the_closure_is_deployed_and_nothing_more(tmp_path: Path, roots: list[Path]) -> None:
    names = deploy(tmp_path, roots)
    assert names == (
        "tensorflow/lite/beside.h",
        "tensorflow/lite/core/model.h",
        "tensorflow/lite/model.h",
        "tensorflow/lite/rare.h",
        "tfport_flatbuffers/base.h",
        "tfport_flatbuffers/flatbuffers.h",
    )
    on_disk = {p.relative_to(tmp_path / "include").as_posix() for p in (tmp_path / "include").rglob("*.h")}
    assert on_disk == set(names)
    assert exposed(names) == ("tensorflow", "tfport_flatbuffers")


def test_includes_name_the_renamed_folder_but_the_same_file(tmp_path: Path, roots: list[Path]) -> None:
    deploy(tmp_path, roots)
    text = (tmp_path / "include/tensorflow/lite/core/model.h").read_text()
    assert '#  include "tfport_flatbuffers/flatbuffers.h"  // IWYU' in text


def test_words_macros_and_guards_are_renamed_and_only_whole_ones(tmp_path: Path, roots: list[Path]) -> None:
    deploy(tmp_path, roots)
    text = (tmp_path / "include/tfport_flatbuffers/flatbuffers.h").read_text()
    assert "#ifndef TFPORT_FLATBUFFERS_H_\n#define TFPORT_FLATBUFFERS_H_\n" in text
    assert "namespace tfport_flatbuffers { int my_flatbuffers(tfport_flatbuffers::Table); }" in text
    assert "FlatBuffersVTableOffset x;" in text
    assert "https://google.github.io/flatbuffers/flatbuffers_guide.html" in text


def test_a_helper_outside_the_namespace_is_renamed_too(tmp_path: Path, roots: list[Path]) -> None:
    deploy(tmp_path, roots)
    text = (tmp_path / "include/tfport_flatbuffers/base.h").read_text()
    assert "bool tfport_flatbuffers_IsConstTrue(T t);" in text


def test_includes_that_no_root_offers_stay(tmp_path: Path, roots: list[Path]) -> None:
    deploy(tmp_path, roots)
    assert "#include <vector>\n" in (tmp_path / "include/tensorflow/lite/model.h").read_text()
    assert "absl/strings/string_view.h" in (tmp_path / "include/tfport_flatbuffers/base.h").read_text()


def test_the_first_root_wins(tmp_path: Path, roots: list[Path]) -> None:
    found = closure(["tensorflow/lite/rare.h"], [tmp_path / "fb", *roots])
    assert found == {"tensorflow/lite/rare.h": tmp_path / "tf/tensorflow/lite/rare.h"}


def test_a_pattern_takes_all_headers_of_a_folder(roots: list[Path]) -> None:
    assert {"tensorflow/lite/unused.h", "tensorflow/lite/rare.h"} <= set(
        closure(["tensorflow/lite/*.h"], roots)
    )


@pytest.mark.parametrize("entry", ["tensorflow/lite/gone.h", "tensorflow/gone/*.h"])
def test_a_missing_entry_is_named(roots: list[Path], entry: str) -> None:
    with pytest.raises(HeaderError, match=entry.replace("*", r"\*")):
        closure([entry], roots)


def test_a_header_of_the_folder_above_is_followed(tmp_path: Path) -> None:
    """As Eigen includes its plug-ins; what lies above the roots is not ours."""
    files = {
        "e/Eigen/Core": '#include "src/Core/Base.h"\n',
        "e/Eigen/src/Core/Base.h": '#include "../plugins/Unary.inc"\n#include "../../../../outside.h"\n',
        "e/Eigen/src/plugins/Unary.inc": "int x;\n",
        "outside.h": "#error not ours\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    names = deploy_headers(entries=["Eigen/Core"], roots=[tmp_path / "e"], output=tmp_path / "include")
    assert names == ("Eigen/Core", "Eigen/src/Core/Base.h", "Eigen/src/plugins/Unary.inc")
