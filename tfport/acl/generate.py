"""From a .tflite file to the sources of its engine: the network in C++, the weights as one binary object.

An engine is a folder that is named by its content, so the same model is compiled once.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from tfport.acl.lower import Program, lower
from tfport.compiler.lite_reader import read_lite
from tfport.errors import ModelMissing
from tfport.model import LiteModel, read_tflite
from tfport.target import ROOT

TEMPLATE = "acl_engine.cc.jinja"
_TYPES = {"float32": "kTfPortAclFloat32", "int8": "kTfPortAclInt8", "uint8": "kTfPortAclUInt8"}


@dataclass(frozen=True)
class Compiled:
    """A model, what it was compiled to, and the files that are generated from that."""

    model: LiteModel
    program: Program
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """Of the files."""
        parts = (hashlib.sha256(self.files[name]).digest() for name in sorted(self.files))
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@dataclass(frozen=True)
class Engine:
    """Generated sources in ``folder``, and what the library must be built with for them.

    ``digest`` is theirs, ``model`` the sha256 of the file that they were made from.
    """

    folder: Path
    digest: str
    model: str
    operators: tuple[str, ...]
    data_types: tuple[str, ...]
    functions: tuple[str, ...]
    arena: int
    weights: int

    @property
    def ops(self) -> str:
        """All that decides what is built, in one word; the SDK recipe takes it apart."""
        return f"{'+'.join(self.operators)};{'+'.join(self.data_types)};{self.digest};{self.model}"


def compile_model(path: Path) -> Compiled:
    """Compile a model file. Raises ``ModelError`` and ``NotCompilable``; nothing is written."""
    model = read_tflite(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"The model {path} cannot be read: {error.strerror}") from None
    program = lower(read_lite(data, path), path)
    source = render(program, model, zlib.crc32(data)).encode()
    return Compiled(model, program, {"engine.cc": source, "weights.bin": bytes(program.weights)})


def keep_engine(compiled: Compiled, cache: Path) -> Engine:
    """Write the engine into a folder of ``cache``, unless it is there."""
    program = compiled.program
    engine = Engine(
        folder=cache / f"acl-{compiled.digest}",
        digest=compiled.digest,
        model=compiled.model.sha256,
        operators=program.operators,
        data_types=tuple(sorted(program.data_types | {"integer"})),
        functions=tuple(call.function for call in program.calls),
        arena=program.arena,
        weights=len(program.weights),
    )
    _keep(compiled.files, engine.folder)
    return engine


def render(program: Program, model: LiteModel, crc32: int) -> str:
    """The network in C++; ``crc32`` is that of the model file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "toolchains" / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["c_string"] = c_string
    for port in (*program.inputs, *program.outputs):
        port["scale_text"] = f"{float(port['scale']).hex()}F"
    return environment.get_template(TEMPLATE).render(
        model=model.path.stem,
        sha256=model.sha256,
        bytes=model.size,
        crc32=crc32,
        functions=sorted({call.function for call in program.calls}),
        program=program,
        types=_TYPES,
    )


def c_string(text: str) -> str:
    """The inside of a string literal, for names of a model file, which may hold anything."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8")
    )


def _keep(files: Mapping[str, bytes], folder: Path) -> None:
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".acl-", dir=folder.parent))
    try:
        for name, content in files.items():
            (beside / name).write_bytes(content)
        beside.chmod(0o755)
        try:
            beside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
