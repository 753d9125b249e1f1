from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests.unit.core_bytes import TINY, field, graph, node, saved_model, write_saved_model
from tfport.core.model import recognise
from tfport.core.recognise import digest
from tfport.errors import ModelBroken, ModelError, ModelIncomplete, ModelMissing, NotACoreModel

HDF5 = b"\x89HDF\r\n\x1a\n"


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return data.getvalue()


KERAS = zipped("config.json", "metadata.json", "model.weights.h5")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("m.pb", TINY, "graphdef"),
        ("any_name", TINY, "graphdef"),
        ("m.keras", KERAS, "keras"),
        ("m.h5", HDF5 + b"\0" * 90 + b"model_config" + b"\0" * 90, "keras"),
        # The length of the first node is the code of "<".
        ("m.pb", graph(node("n" * 54, "Neg"), node("y", "Relu")), "graphdef"),
    ],
)
def test_models_are_known_by_what_they_hold(name: str, data: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert recognise(tmp_path / name) == kind


def test_the_length_of_a_node_is_no_web_page() -> None:
    assert field(1, node("n" * 53, "Neg"))[:2] == b"\n<"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 40, "--runtime lite"),
        (field(1, 8) + field(2, "pytorch") + field(7, b"") + field(8, b""), "ONNX"),
        (saved_model(TINY), "give its folder"),
        (field(1, field(1, "")) + field(2, TINY) + field(3, b""), ".meta file of a checkpoint"),
        (zipped("archive/data.pkl"), "PyTorch"),
        (zipped("m/saved_model.pb"), "holds a SavedModel; unpack"),
        (zipped("config.json"), "lacks metadata.json, model.weights.h5"),
        (HDF5 + b"\0" * 90 + b"layer_names", "weights alone"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\n <html><body>Not found</body></html>", "web page"),
        (b'node {\n  name: "x"\n}\n', "text form"),
        (b'{"format": "layers-model"}', "JSON"),
        (b"\x1f\x8b\x08\0\0\0", "gzip"),
        (b"\x80\x04\x95", "pickle"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "no model of the core runtime"),
        (field(4, field(1, 1575)), "without nodes"),
        (graph(node("", "")), "no model of the core runtime"),
        (bytes(range(256)), "no model of the core runtime"),
    ],
)
def test_what_is_no_model_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(data)
    with pytest.raises(NotACoreModel) as caught:
        recognise(tmp_path / "m.bin")
    assert words in f"{caught.value.what} {caught.value.why} {caught.value.hint}"


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"nothing\.pb"):
        recognise(tmp_path / "nothing.pb")
    with pytest.raises(NotACoreModel, match="no saved_model"):
        recognise(tmp_path)


@pytest.mark.parametrize("data", [TINY[:-3], TINY[:20], TINY + b"\x07", KERAS[: len(KERAS) // 2]])
def test_a_model_cut_short_is_broken(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(ModelBroken) as caught:
        recognise(tmp_path / "m")
    assert "cut short or corrupted" in caught.value.what


def test_any_mutation_is_a_model_or_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "m.pb"
    for position in range(len(TINY)):
        for value in (0x00, 0x7F, 0xFF, TINY[position] ^ 0x08):
            path.write_bytes(TINY[:position] + bytes([value]) + TINY[position + 1 :])
            try:
                assert recognise(path) == "graphdef"
            except ModelError as error:
                assert error.what


def test_a_saved_model_without_variables_needs_no_files(tmp_path: Path) -> None:
    assert recognise(write_saved_model(tmp_path / "m")) == "saved_model"


VARIABLE = graph(node("v", "VarHandleOp"), node("r", "ReadVariableOp", "v"))


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((), "variables/variables.data-00000-of-00001, variables/variables.index"),
        (("variables.data-00000-of-00001",), "variables/variables.index"),
        (("variables.index",), "variables/variables.data-00000-of-00001"),
        (("variables.index", "variables.data-00001-of-00002"), "variables/variables.data-00000-of-00002"),
        (("variables.index", "variables.data-00000-of-00001"), ""),
    ],
)
def test_a_saved_model_s_variables_are_missed(there: tuple[str, ...], missing: str, tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path / "m", VARIABLE)
    (folder / "variables").mkdir()
    for name in there:
        (folder / "variables" / name).write_bytes(b"data")
    if not missing:
        assert recognise(folder) == "saved_model"
        return
    with pytest.raises(ModelIncomplete) as caught:
        recognise(folder)
    assert caught.value.what.endswith(f"lacks {missing}")


def test_a_saved_model_s_assets_are_missed(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path / "m", TINY, "words.txt")
    with pytest.raises(ModelIncomplete, match=r"assets/words\.txt"):
        recognise(folder)
    (folder / "assets").mkdir()
    (folder / "assets" / "words.txt").touch()
    assert recognise(folder) == "saved_model"


def test_a_broken_saved_model_is_broken(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path / "m")
    whole = (folder / "saved_model.pb").read_bytes()
    for data in (b"", whole[:-5], b"\xff" * 30):
        (folder / "saved_model.pb").write_bytes(data)
        with pytest.raises(ModelBroken, match=r"saved_model\.pb"):
            recognise(folder)


def test_a_digest_covers_names_and_contents(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path / "m")
    first = digest(folder)
    assert first == digest(write_saved_model(tmp_path / "other"))
    (folder / "assets").mkdir()
    assert digest(folder) == first
    (folder / "assets" / "a").write_bytes(b"1")
    second = digest(folder)
    (folder / "assets" / "a").rename(folder / "assets" / "b")
    assert len({first, second, digest(folder)}) == 3
    (tmp_path / "file").write_bytes(b"abc")
    assert digest(tmp_path / "file").startswith("ba7816bf")
