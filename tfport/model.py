"""What a TensorFlow Lite model is made of, read without TensorFlow.

``read_tflite`` takes any bytes: a file that is no model, or a broken one, raises a ``ModelError`` and nothing
else. It reads the structure only; weights stay where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tfport.errors import ModelBroken, ModelMissing, ModelTooNew, NotALiteModel
from tfport.flat import Flat, FlatError, FlatTable
from tfport.lite_schema import (
    BUILTIN_OPERATORS,
    CUSTOM_OPERATOR,
    FILE_IDENTIFIER,
    SCHEMA_VERSION,
    TENSOR_TYPES,
)

_MIN_BYTES = 16  # offset, identifier, and the smallest table with its vtable
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive (a .keras file is one)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (older Keras models are)"),
    (b"\x08", "perhaps a SavedModel, a GraphDef or an ONNX file (protocol buffers)"),
    (b"version https://git-lfs", "a Git LFS pointer in place of the model itself"),
    (b"<", "a web page or XML"),
)


@dataclass(frozen=True)
class OpUse:
    """An operator as a model uses it.

    ``name`` is the builtin's name ("CONV_2D") or the custom operator's own; ``dtypes`` are the types of the
    tensors it reads and writes anywhere in the model, sorted.
    """

    name: str
    version: int
    custom: bool
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tensor:
    """A tensor. ``shape`` is the one stored; ``signature`` has -1 for a dimension that may change.

    ``scales`` and ``zero_points`` are empty (not quantised), one (per tensor) or one per slice of dimension
    ``axis``. ``constant_bytes`` is the size of its data in the file, 0 for an activation.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    constant_bytes: int
    variable: bool
    sparse: bool


@dataclass(frozen=True)
class Node:
    """One use of an operator in a graph. Tensor indices; -1 stands for an optional input left out."""

    op: int  # index into LiteModel.op_codes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A subgraph; inputs and outputs are tensor indices, nodes in order of execution."""

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Signature:
    """A named entry point: argument and result names with the tensor index of each."""

    key: str
    graph: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class LiteModel:
    """A TensorFlow Lite model; ``op_codes`` as in the file, ``sha256`` of the whole file."""

    path: Path
    size: int
    sha256: str
    description: str
    op_codes: tuple[OpUse, ...]
    graphs: tuple[Graph, ...]
    signatures: tuple[Signature, ...]
    weight_bytes: int

    @property
    def ops(self) -> tuple[OpUse, ...]:
        """Every operator that some node uses, once for each version, with all its tensor types; sorted."""
        types: dict[tuple[bool, str, int], set[str]] = {}
        for graph in self.graphs:
            for node in graph.nodes:
                code = self.op_codes[node.op]
                found = types.setdefault((code.custom, code.name, code.version), set())
                found.update(graph.tensors[i].dtype for i in (*node.inputs, *node.outputs) if i >= 0)
        return tuple(
            OpUse(name, version, custom, tuple(sorted(types[custom, name, version])))
            for custom, name, version in sorted(types)
        )

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the main graph."""
        return tuple(self.graphs[0].tensors[i] for i in self.graphs[0].inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Outputs of the main graph."""
        return tuple(self.graphs[0].tensors[i] for i in self.graphs[0].outputs)

    @property
    def tensor_types(self) -> tuple[str, ...]:
        """Every type of every tensor, sorted."""
        return tuple(sorted({t.dtype for graph in self.graphs for t in graph.tensors}))

    @property
    def quantised(self) -> bool:
        """Whether any activation is held in integers with a scale."""
        return any(
            t.scales and not t.constant_bytes and t.dtype in ("int8", "uint8", "int16")
            for graph in self.graphs
            for t in graph.tensors
        )


def read_tflite(path: Path) -> LiteModel:
    """Read a model file. Raises ``ModelMissing``, ``NotALiteModel``, ``ModelBroken`` or ``ModelTooNew``."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise NotALiteModel(
            f"{path} is a folder, not a TensorFlow Lite model", "A SavedModel is a folder.", _CONVERT_HINT
        ) from None
    except OSError as error:
        raise ModelMissing(f"The model {path} cannot be read: {error.strerror}") from None
    return parse_tflite(data, path)


def parse_tflite(data: bytes, path: Path) -> LiteModel:
    """The same for bytes in memory; ``path`` is only used for messages."""
    _check_header(data, path)
    try:
        return _Parser(data, path).model()
    except FlatError as error:
        raise ModelBroken(
            f"The model {path} is {'cut short' if error.truncated else 'corrupted'}: {error}",
            "It was not wholly copied or downloaded, or bytes of it were changed.",
            "Fetch or convert the model again and compare its sha256.",
        ) from None


_CONVERT_HINT = "Convert it with TensorFlow's TFLiteConverter first."


def _check_header(data: bytes, path: Path) -> None:
    if not data:
        raise NotALiteModel(f"The model {path} is empty", "A download or copy may have failed.")
    if len(data) < _MIN_BYTES:
        raise NotALiteModel(
            f"The model {path} has {len(data)} bytes, too few for a model", "It may have been cut short."
        )
    if data[4:8] != FILE_IDENTIFIER:
        looks = next((text for magic, text in _FOREIGN if data.startswith(magic)), "")
        raise NotALiteModel(
            f"{path} is not a TensorFlow Lite model: bytes 4 to 8 are {data[4:8]!r}, not {FILE_IDENTIFIER!r}",
            f"It looks like {looks}." if looks else "",
            _CONVERT_HINT,
        )


class _Parser:
    """Field slots below are positions in ``schema.fbs``."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data = data
        self.path = path

    def model(self) -> LiteModel:
        root = Flat(self.data).root()
        version = root.scalar(0, "I")
        if version != SCHEMA_VERSION:
            raise ModelTooNew(
                f"The model {self.path} has schema version {version}, "
                f"TensorFlow Lite 2.14 reads version {SCHEMA_VERSION}"
            )
        op_codes = tuple(self.op_code(code) for code in root.tables(1))
        self.buffers = tuple(self.buffer_bytes(buffer) for buffer in root.tables(4))
        graphs = tuple(self.graph(graph, len(op_codes)) for graph in root.tables(2))
        if not graphs:
            raise FlatError("it has no graph")
        return LiteModel(
            path=self.path,
            size=len(self.data),
            sha256=hashlib.sha256(self.data).hexdigest(),
            description=root.text(3),
            op_codes=op_codes,
            graphs=graphs,
            signatures=tuple(self.signature(entry, graphs) for entry in root.tables(7)),
            weight_bytes=sum(self.buffers),
        )

    def op_code(self, code: FlatTable) -> OpUse:
        # The old byte-wide field and the new one exclude each other; the greater of the two counts.
        number = max(code.scalar(0, "b"), code.scalar(3, "i"))
        if not 0 <= number < len(BUILTIN_OPERATORS):
            if number > 0:
                raise ModelTooNew(
                    f"The model {self.path} uses the builtin operator number {number}, "
                    f"which TensorFlow Lite 2.14 does not know (its last is {len(BUILTIN_OPERATORS) - 1})",
                    "It was converted by a later TensorFlow, or it is corrupted.",
                    "Convert it with TensorFlow 2.14.",
                )
            raise FlatError(f"operator number {number}")
        version = code.scalar(2, "i", 1)
        if number == CUSTOM_OPERATOR:
            name = code.text(1)
            if not name:
                raise FlatError("a custom operator without a name")
            return OpUse(name, version, True)
        return OpUse(BUILTIN_OPERATORS[number], version, False)

    def buffer_bytes(self, buffer: FlatTable) -> int:
        offset, size = buffer.scalar(1, "Q"), buffer.scalar(2, "Q")
        if offset > 1:  # data outside the flatbuffer, in models above 2 GB
            if offset + size > len(self.data):
                raise FlatError(f"a buffer of {size} bytes at byte {offset} lies outside it", truncated=True)
            return size
        return buffer.span(0)[1]

    def graph(self, graph: FlatTable, op_count: int) -> Graph:
        tensors = tuple(self.tensor(tensor) for tensor in graph.tables(0))
        count = len(tensors)
        nodes = []
        for entry in graph.tables(3):
            node = Node(entry.scalar(0, "I"), entry.numbers(1, "i"), entry.numbers(2, "i"))
            if node.op >= op_count:
                raise FlatError(f"a node refers to operator code {node.op} of {op_count}")
            _check_indices(node.inputs, count, optional=True)
            # An output can be left out as well: some LSTM graphs do.
            _check_indices(node.outputs, count, optional=True)
            nodes.append(node)
        inputs, outputs = graph.numbers(1, "i"), graph.numbers(2, "i")
        _check_indices(inputs, count)
        _check_indices(outputs, count)
        return Graph(graph.text(4), tensors, inputs, outputs, tuple(nodes))

    def tensor(self, tensor: FlatTable) -> Tensor:
        number = tensor.scalar(1, "b")
        name = tensor.text(3)
        if not 0 <= number < len(TENSOR_TYPES):
            raise ModelTooNew(
                f"The model {self.path} has a tensor ({name!r}) of type number {number}, "
                f"which TensorFlow Lite 2.14 does not know",
                "It was converted by a later TensorFlow, or it is corrupted.",
            )
        buffer = tensor.scalar(2, "I")
        if buffer >= len(self.buffers) and buffer:
            raise FlatError(f"tensor {name!r} refers to buffer {buffer} of {len(self.buffers)}")
        shape = tensor.numbers(0, "i")
        if any(size < -1 for size in shape):
            raise FlatError(f"tensor {name!r} has the shape {list(shape)}")
        quantisation = tensor.table(4)
        scales: tuple[float, ...] = ()
        zero_points: tuple[int, ...] = ()
        axis = 0
        if quantisation is not None:
            scales, zero_points = quantisation.numbers(2, "f"), quantisation.numbers(3, "q")
            axis = quantisation.scalar(6, "i")
        return Tensor(
            name=name,
            dtype=TENSOR_TYPES[number],
            shape=shape,
            signature=tensor.numbers(7, "i") or shape,
            scales=scales,
            zero_points=zero_points,
            axis=axis,
            constant_bytes=self.buffers[buffer] if buffer else 0,
            variable=bool(tensor.scalar(5, "B")),
            sparse=tensor.table(6) is not None,
        )

    def signature(self, entry: FlatTable, graphs: tuple[Graph, ...]) -> Signature:
        graph = entry.scalar(4, "I")
        if graph >= len(graphs):
            raise FlatError(f"a signature refers to graph {graph} of {len(graphs)}")
        maps = []
        for slot in (0, 1):
            pairs = tuple((pair.text(0), pair.scalar(1, "I")) for pair in entry.tables(slot))
            _check_indices((index for _, index in pairs), len(graphs[graph].tensors))
            maps.append(pairs)
        return Signature(entry.text(2), graph, maps[0], maps[1])


def _check_indices(indices: Iterable[int], count: int, optional: bool = False) -> None:
    for index in indices:
        if not (-1 if optional else 0) <= index < count:
            raise FlatError(f"a tensor index {index} in a graph of {count} tensors")
