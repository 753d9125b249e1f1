from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from tfport.catalogue import (
    MODELS_FILE,
    Archive,
    Catalogue,
    DemoModel,
    Folder,
    Member,
    Shelf,
    load_catalogue,
)
from tfport.errors import ChecksumMismatch, RecipeInvalid
from tfport.sources import SourceCache


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_real_file_parses_and_every_picture_has_a_scaling() -> None:
    catalogue = load_catalogue()
    assert {"squeezenet-float32", "squeezenet-int8", "efficientnet-lite0", "basic-pitch"} <= {
        model.name for model in catalogue.models
    }
    assert all(bool(model.pictures) == (model.scaling != "noise") for model in catalogue.models)
    assert len(catalogue.refs(catalogue.of("lite"))) == len(catalogue.archives)
    assert len(catalogue.refs(catalogue.of("tensorflow"))) == 3, "the weights, the pictures, the labels"
    assert [model.name for model in catalogue.of("tensorflow")] == ["squeezenet-saved-model"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 2", "schema: must be 1"),
        ('license = "MIT"', 'licence = "MIT"', "unknown key licence, did you mean license"),
        ('archive = "ndf"', 'archive = "nfd"', "no archive nfd"),
        ('form = "lite"', 'form = "lit"', "form must be one of"),
        ('scaling = "noise"', "scaling = 3", "scaling must be a text"),
        ('name = "deeplabv3"', 'name = "basic-pitch"', "basic-pitch: stands there twice"),
        ("schema = 1", "schema = ", "not a TOML file"),
        ('"astronaut.png" = ""', '"astronaut.jpg" = ""', "no file astronaut.jpg"),
        (
            '"basic-pitch"\nmember = "basic_pitch/saved_models/icassp_2022/nmp"',
            '"x"\nmember = ""',
            "no archive x",
        ),
        ("[folder.files]", "[folder.file]", "unknown key file, did you mean files"),
    ],
)
def test_faults_are_named(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = MODELS_FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "models.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeInvalid) as caught:
        load_catalogue(tmp_path / "models.toml")
    assert words in caught.value.what + caught.value.why


SAVED = {"saved_model.pb": sha256(b"graph"), "variables/variables.index": sha256(b"index")}


def shelf(tmp_path: Path, member_sha256: str = "") -> Shelf:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("names.txt", "tench\ngoldfish\n")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pkg/model.tflite", inner.getvalue())
        file.writestr("pkg/saved/saved_model.pb", b"graph")
        file.writestr("pkg/saved/variables/variables.index", b"index")
    data = archive.getvalue()
    entries = Catalogue(
        (Archive("pkg", "pypi:pkg/1/pkg-1.whl", sha256(data)),),
        (Member("m.tflite", "pkg", "pkg/model.tflite", member_sha256 or sha256(inner.getvalue()), "MIT"),),
        (DemoModel("m", "m.tflite", "lite", "member:names.txt", "rgb-unit", {}),),
        (Folder("saved", "pkg", "pkg/saved", SAVED, "MIT"),),
    )
    cache = SourceCache(tmp_path / "sources")
    kept = cache.path(sha256(data))
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)
    return Shelf(entries, tmp_path / "models", cache, offline=True)


def test_members_are_unpacked_once_and_mended(tmp_path: Path) -> None:
    things = shelf(tmp_path)
    path = things.path("m.tflite")
    whole = path.read_bytes()
    path.write_bytes(b"half")
    assert things.path("m.tflite").read_bytes() == whole
    assert things.labels(things.catalogue.models[0]) == ("tench", "goldfish")


def test_a_member_with_another_sha256_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChecksumMismatch):
        shelf(tmp_path, "0" * 64).path("m.tflite")
    assert not list((tmp_path / "models").rglob("m.tflite"))


def test_a_folder_is_unpacked_with_its_own_folders_and_mended(tmp_path: Path) -> None:
    things = shelf(tmp_path)
    path = things.tree("saved")
    assert (path / "saved_model.pb").read_bytes() == b"graph"
    (path / "variables" / "variables.index").write_bytes(b"half")
    assert things.tree("saved") == path
    assert (path / "variables" / "variables.index").read_bytes() == b"index"
