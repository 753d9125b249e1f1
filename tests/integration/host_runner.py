"""Stands in for tfport-run of the core runtime, by host TensorFlow: the same command line and results."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tfport.reference import import_tensorflow


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--signature", required=True)
    parser.add_argument("--input", action="append", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--no-xnnpack", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tf = import_tensorflow().compat.v1
    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.load(session, ["serve"], options.model).signature_def[options.signature]
        files = dict(word.rsplit("=", 1) for word in options.input)
        feeds = {info.name: as_fed(np.load(files[name])) for name, info in signature.inputs.items()}
        names = sorted(signature.outputs)
        results = session.run([signature.outputs[name].name for name in names], feeds)
    outputs = [
        {"name": name, "file": write(options.output, f"{k}_{name}", np.asarray(values))}
        for k, (name, values) in enumerate(zip(names, results))
    ]
    print(json.dumps({"outputs": outputs, "arena_bytes": 1}))
    return 0


def as_fed(values: Any) -> Any:
    return values.astype(object) if values.dtype.kind == "S" else values


def write(folder: Path, stem: str, values: Any) -> str:
    if values.dtype != object:
        np.save(folder / f"{stem}.npy", values)
        return f"{stem}.npy"
    entry = {"shape": list(values.shape), "data": [text.decode() for text in values.flat]}
    (folder / f"{stem}.json").write_text(json.dumps(entry))
    return f"{stem}.json"


if __name__ == "__main__":
    sys.exit(main())
