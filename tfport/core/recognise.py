"""Tells what a path is, without TensorFlow: a GraphDef, a SavedModel, a Keras model, or something else.

What is no model of the core runtime is refused here, with its name where it has one, before any process
starts. The inside of a model is TensorFlow's to judge.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tfport.core.wire import BYTES, VARINT, Message, WireError, whole
from tfport.errors import ModelBroken, ModelIncomplete, ModelMissing, NotACoreModel

GRAPHDEF, SAVED_MODEL, KERAS = "graphdef", "saved_model", "keras"
_HINT = "Give a frozen GraphDef (.pb), the folder of a SavedModel, or a Keras model (.keras, .h5)."
_AGAIN = "Fetch or save the model again and compare its sha256."
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*\Z")
_VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_SHARD = re.compile(r"variables\.data-(\d{5})-of-(\d{5})\Z")
_FOREIGN = (
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"\x80", "a Python pickle"),
)
_FOREIGN_TEXT = (
    ("version https://git-lfs", "a Git LFS pointer in place of the model itself"),
    ("node {", "a GraphDef in text form; TensorFlow must write it in binary form"),
    ("<", "a web page or XML"),
    ("{", "JSON"),
)


def recognise(path: Path) -> str:
    """The kind of a model: "graphdef", "saved_model" or "keras".

    Raises ``ModelMissing``, ``NotACoreModel``, ``ModelIncomplete`` or ``ModelBroken``.
    """
    path = Path(path)
    if path.is_dir():
        _check_saved_model(path)
        return SAVED_MODEL
    data = _read(path)
    if not data:
        raise NotACoreModel(f"The model {path} is empty", "It was not wholly copied or downloaded.", _HINT)
    if data[4:8] == b"TFL3":
        raise NotACoreModel(
            f"{path} is a TensorFlow Lite model",
            "The core runtime runs graphs of TensorFlow itself.",
            "Build with --runtime lite for it.",
        )
    if data[:4] == b"PK\x03\x04":
        _check_keras_zip(path)
        return KERAS
    if data[:8] == b"\x89HDF\r\n\x1a\n":
        # The attribute that holds a model's layers; a file of weights alone has none.
        if b"model_config" not in data:
            raise NotACoreModel(
                f"{path} is an HDF5 file, but no Keras model",
                "It has no model_config: perhaps weights alone.",
                "Save the whole model: model.save('model.keras').",
            )
        return KERAS
    foreign = _foreign(data[:400])
    if foreign:
        raise NotACoreModel(f"{path} is no model of the core runtime", f"It is {foreign}.", _HINT)
    _check_graph_def(path, data)
    return GRAPHDEF


def digest(path: Path) -> str:
    """sha256 of a file, or over the names and digests of all files of a folder."""
    path = Path(path)
    if not path.is_dir():
        return hashlib.sha256(_read(path)).hexdigest()
    found = hashlib.sha256()
    for file in sorted(path.rglob("*"), key=lambda each: each.relative_to(path).as_posix()):
        if file.is_file():
            found.update(f"{file.relative_to(path).as_posix()}\n{digest(file)}\n".encode())
    return found.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"The model {path} cannot be read: {error.strerror}") from None


def _foreign(start: bytes) -> str:
    """What a file of another format is, by its first bytes; "" if that is not known."""
    text = start.decode("latin-1")
    # A GraphDef begins with a line feed and a length, which may well be the code of "<".
    if all(sign.isprintable() or sign in "\t\r\n" for sign in text):
        return next((meaning for mark, meaning in _FOREIGN_TEXT if text.lstrip().startswith(mark)), "")
    return next((meaning for mark, meaning in _FOREIGN if start.startswith(mark)), "")


def _check_graph_def(path: Path, data: bytes) -> None:
    """A GraphDef: nodes (1), library (2), version (3), versions (4), debug information (5)."""
    count = 0
    try:
        for field in whole(data).fields():
            if (field.number, field.kind) not in (
                (1, BYTES),
                (2, BYTES),
                (3, VARINT),
                (4, BYTES),
                (5, BYTES),
            ):
                raise WireError(f"field {field.number} of wire type {field.kind}")
            if field.number == 1:
                _check_node(Message(data, field.start, field.end))
                count += 1
    except WireError as error:
        if not count:
            foreign = _other_protobuf(data)
            why = f"It is {foreign}." if foreign else ""
            raise NotACoreModel(f"{path} is no model of the core runtime", why, _HINT) from None
        raise ModelBroken(
            f"The GraphDef {path} is cut short or corrupted: {error}",
            f"It can be read up to node {count}.",
            _AGAIN,
        ) from None
    if not count:
        raise NotACoreModel(f"{path} is a GraphDef without nodes", "", _HINT)


def _check_node(node: Message) -> None:
    name, op = node.text(1), node.text(2)
    if not _NAME.match(name) or not _NAME.match(op):
        raise WireError(f"a node named {name[:40]!r} of op {op[:40]!r}")


def _other_protobuf(data: bytes) -> str:
    """What a message is that is no GraphDef; "" if it may be one."""
    try:
        kinds = {field.number: field.kind for field in whole(data).fields()}
    except WireError:
        return ""
    if kinds.get(1) == VARINT and kinds.get(2) == BYTES and set(kinds) == {1, 2}:
        return "the saved_model.pb of a SavedModel; give its folder"
    if kinds.get(1) == VARINT and kinds.get(7) == BYTES:
        return "an ONNX model; convert it to a SavedModel"
    if kinds.get(1) == BYTES and kinds.get(3) == BYTES:
        return "the .meta file of a checkpoint; export a SavedModel from it"
    return ""


def _check_keras_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ModelBroken(f"The ZIP archive {path} is cut short or corrupted: {error}", "", _AGAIN) from None
    missing = {"config.json", "metadata.json", "model.weights.h5"} - names
    if not missing:
        return
    why = f"It lacks {', '.join(sorted(missing))}."
    if any(name.endswith("saved_model.pb") for name in names):
        why = "It holds a SavedModel; unpack it and give the folder."
    elif any(name.endswith("data.pkl") for name in names):
        why = "It is a PyTorch file."
    raise NotACoreModel(f"{path} is a ZIP archive, but no Keras model", why, _HINT)


def _check_saved_model(folder: Path) -> None:
    graph = folder / "saved_model.pb"
    if not graph.is_file():
        if (folder / "saved_model.pbtxt").is_file():
            return
        raise NotACoreModel(f"The folder {folder} holds no saved_model.pb, so it is no SavedModel", "", _HINT)
    try:
        missing = sorted(_missing(folder, whole(_read(graph))))
    except WireError as error:
        raise ModelBroken(f"{graph} is cut short or corrupted: {error}", "", _AGAIN) from None
    if missing:
        raise ModelIncomplete(
            f"The SavedModel {folder} lacks {', '.join(missing)}",
            "The model was not copied with all its files and folders.",
            _AGAIN,
        )


def _missing(folder: Path, saved: Message) -> Iterator[str]:
    """Files of a SavedModel that its graphs (2) ask for: the checkpoint of its variables, its assets."""
    graphs = list(saved.messages(2))
    if not graphs:
        raise WireError("no graph in it")
    ops = {node.text(2) for meta in graphs for graph in meta.messages(2) for node in graph.messages(1)}
    if ops & _VARIABLES:
        yield from _missing_variables(folder / "variables")
    for asset in {asset.text(2) for meta in graphs for asset in meta.messages(6)}:
        if not (folder / "assets" / asset).is_file():
            yield f"assets/{asset}"


def _missing_variables(folder: Path) -> Iterator[str]:
    if not (folder / "variables.index").is_file():
        yield "variables/variables.index"
    shards = [_SHARD.match(file.name) for file in sorted(folder.glob("variables.data-*"))]
    there = {(int(shard[1]), int(shard[2])) for shard in shards if shard}
    total = max((count for _, count in there), default=1)
    for index in range(total):
        if (index, total) not in there:
            yield f"variables/variables.data-{index:05}-of-{total:05}"
