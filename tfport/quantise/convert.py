"""A Keras model or a SavedModel as a .tflite in float32 and one in int8, by host TensorFlow's converter.

Runs in the process of ``tfport.host``. Both are made of one function with a batch of one, so they differ in
their numbers only.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfport.convert import converted
from tfport.core.keras import export_keras, load_keras
from tfport.core.model import DEFAULT_SIGNATURE, Signature, find_signature
from tfport.core.recognise import KERAS
from tfport.core.told import told
from tfport.errors import ConversionFailed, NotQuantisable
from tfport.inputs import Array, Names, Slot, quantise, save_inputs
from tfport.model import LiteModel, read_tflite
from tfport.quantise.samples import AUTO, Tell, samples
from tfport.quantise.scaling import own_scaling
from tfport.quantise.steps import FACTS
from tfport.reference import import_tensorflow

FLOAT, INT8, SAMPLE = "fp32", "int8", "sample"  # folders beside the facts
_FLOATS = ("float16", "float32", "float64")
_BETWEEN = ("QUANTIZE", "DEQUANTIZE")
_UNKNOWN_OPS = re.compile(r"^(?:TF Select|Flex|Custom) ops: (.+)$", re.MULTILINE)
_SHOWN = 300  # characters of what TensorFlow says


@dataclass(frozen=True)
class Facts:
    """What was made. ``sample``: input of the int8 model -> file in SAMPLE."""

    scaling: str
    samples: int
    sample: dict[str, str]


def make_int8(
    path: Path, stem: str, kind: str, files: Sequence[Path], scaling: str, result: Path, tell: Tell
) -> None:
    """Write ``result`` (facts) and beside it both models, named by ``stem``, and a sample; all or nothing.

    Raises ``NotQuantisable``, ``CalibrationInvalid``, a ``ModelError`` or ``ConversionFailed``.
    """
    part = result.parent.with_name(f".{result.parent.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(prefix="tfport-") as scratch:
            facts = _make(path, kind, files, scaling, Path(scratch), part, stem, tell)
        write(part / FACTS, (json.dumps(asdict(facts), indent=1) + "\n").encode())
        shutil.rmtree(result.parent, ignore_errors=True)
        part.replace(result.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _make(
    path: Path,
    kind: str,
    files: Sequence[Path],
    scaling: str,
    scratch: Path,
    part: Path,
    stem: str,
    tell: Tell,
) -> Facts:
    tell(0, 0, "reading the model")
    saved = scratch / "one"
    slots, scaling = _export(path, kind, scaling, scratch, saved)
    first = next(samples(files, slots, scaling))[1]
    tell(0, 0, "converting it in float32")
    write(part / FLOAT / f"{stem}.tflite", _convert(path, saved, None))
    counted = Counted(files, slots, scaling, tell)
    lite = part / INT8 / f"{stem}-int8.tflite"
    write(lite, _convert(path, saved, counted))
    refuse_floats(read_tflite(lite), path)
    return Facts(scaling, counted.number, _keep_sample(lite, first, part / SAMPLE))


class Counted:
    """Samples for the converter, which may ask for them more than once; tells how far it is."""

    def __init__(self, files: Sequence[Path], slots: Sequence[Slot], scaling: str, tell: Tell) -> None:
        self._files, self._slots, self._scaling, self._tell = files, slots, scaling, tell
        self.number = 0

    def __iter__(self) -> Iterator[Names]:
        self.number, seen, total = 0, 0, len(self._files)
        last = None
        for path, values in samples(self._files, self._slots, self._scaling):
            seen += path != last
            if path != last and (seen == 1 or seen == total or seen % max(1, total // 20) == 0):
                self._tell(seen, total, f"calibrating with {path.name}")
            last = path
            self.number += 1
            yield values


def _export(path: Path, kind: str, scaling: str, scratch: Path, saved: Path) -> tuple[list[Slot], str]:
    """Save the model for a batch of one, with the names of its signature; returns inputs and scaling."""
    tf = import_tensorflow()
    folder = path
    if kind == KERAS:
        folder = scratch / "keras"
        export_keras(load_keras(path), path, folder)
    with told(path, "cannot be loaded by host TensorFlow", ConversionFailed):
        loaded = tf.saved_model.load(str(folder))
        keys = list(loaded.signatures)
    key = find_signature(path, [Signature(key, (), ()) for key in keys], "").key
    inner = loaded.signatures[key]
    named = dict(sorted(inner.structured_input_signature[1].items()))
    slots = [_slot(path, name, spec) for name, spec in named.items()]
    if not slots:
        raise NotQuantisable(f"The model {path} has no inputs")
    with told(path, "cannot be traced for a batch of one", NotQuantisable):
        outer = tf.Module()
        outer.model, outer.call = loaded, tf.function(lambda **values: inner(**values))
        specs = {slot.name: tf.TensorSpec(slot.accepted, tf.float32, name=slot.name) for slot in slots}
        one = outer.call.get_concrete_function(**specs)
        if scaling == AUTO:
            scaling = own_scaling(one)
        tf.saved_model.save(outer, str(saved), signatures={DEFAULT_SIGNATURE: one})
    return slots, scaling


def _slot(path: Path, name: str, spec: Any) -> Slot:
    if spec.dtype.name != "float32":
        raise NotQuantisable(
            f"The input {name!r} of {path} is {spec.dtype.name}, and only float32 is quantised",
            "The int8 model takes int8 in its place, by a scale that calibration finds.",
            "Export the model without the cast from that type.",
        )
    shape = None if spec.shape.rank is None else list(spec.shape)
    if not shape or None in shape[1:]:
        raise NotQuantisable(
            f"The input {name!r} of {path} has an open shape: {spec.shape}",
            "Only the batch may be open; it becomes one.",
            "Export the model with the height and width that the device has.",
        )
    fixed = tuple(int(size or 1) for size in shape)
    return Slot(name, "float32", fixed, fixed)


def _convert(path: Path, saved: Path, fed: Any) -> bytes:
    tf = import_tensorflow()
    cannot = "cannot be converted to TensorFlow Lite" if fed is None else "cannot be quantised"
    try:
        with told(path, cannot, NotQuantisable):
            converter = tf.lite.TFLiteConverter.from_saved_model(
                str(saved), signature_keys=[DEFAULT_SIGNATURE]
            )
            return converted(converter, fed)
    except NotQuantisable as error:
        ops = sorted(
            {op.strip() for found in _UNKNOWN_OPS.findall(str(error.__cause__)) for op in found.split(",")}
        )
        if not ops:
            raise
        raise NotQuantisable(
            f"The model {path} cannot be converted: TensorFlow Lite has no {', '.join(ops)}",
            "Only a model whose ops are all in TensorFlow Lite can become int8.",
            "Replace these ops, or build it in float32: --runtime tensorflow without --quantize.",
        ) from None


def refuse_floats(lite: LiteModel, path: Path) -> None:
    """Raise ``NotQuantisable`` with every op of the quantised model ``lite`` that still works on floats."""
    found: dict[str, int] = {}
    casts = 0
    for graph in lite.graphs:
        for node in graph.nodes:
            types = {graph.tensors[index].dtype for index in (*node.inputs, *node.outputs) if index >= 0}
            name = lite.op_codes[node.op].name
            if types.isdisjoint(_FLOATS):
                continue
            if name in _BETWEEN:
                casts += 1
            else:
                found[name] = found.get(name, 0) + 1
    if not found and not casts:
        return
    ops = "\n".join(f"{name} ({count} node{'s' * (count > 1)})" for name, count in sorted(found.items()))
    raise NotQuantisable(
        f"The model {path} does not become int8 as a whole: "
        + (
            f"{', '.join(sorted(found))} stay{'s' * (len(found) == 1)} in float"
            if found
            else "values stay float"
        ),
        ops,
        "TensorFlow's converter has no int8 form of them. Replace them, or leave --quantize out.",
    )


def _keep_sample(lite: Path, values: Names, folder: Path) -> dict[str, str]:
    """The first sample as the int8 model takes it, by the names of its tensors."""
    model = read_tflite(lite)
    [signature] = model.signatures
    tensors = {name: model.graphs[signature.graph].tensors[index] for name, index in signature.inputs}
    fed: dict[str, Array] = {t.name: quantise(values[name], t) for name, t in tensors.items()}
    return {name: path.name for name, path in save_inputs(fed, folder)}


def write(path: Path, data: bytes) -> None:
    """Into a folder that nobody sees yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
