"""Stands in for tfport-run: the same command line and JSON, served by host TensorFlow Lite.

``TFPORT_FAKE`` in the environment spoils the results, to see whether the smoke test notices: "far" adds to
every output, "crash" ends with exit code 6, "short" leaves the last output out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--input", action="append", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-xnnpack", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    spoil = os.environ.get("TFPORT_FAKE", "")
    if spoil == "crash":
        print("tfport-run: error: Invoke failed in node 3", file=sys.stderr)
        return 6
    import tensorflow as tf

    kinds = tf.lite.experimental.OpResolverType
    kind = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if options.no_xnnpack else kinds.AUTO
    interpreter = tf.lite.Interpreter(
        options.model, num_threads=options.threads, experimental_op_resolver_type=kind
    )
    interpreter.allocate_tensors()
    files = dict(word.split("=", 1) for word in options.input)
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry["index"], np.load(files[entry["name"]]))
    interpreter.invoke()
    options.output.mkdir(exist_ok=True)
    outputs = []
    for position, entry in enumerate(interpreter.get_output_details()):
        values = interpreter.get_tensor(entry["index"])
        if spoil == "far":
            values = values + np.array(3, dtype=values.dtype)
        np.save(options.output / f"{position}_out.npy", values)
        outputs.append({"name": entry["name"], "file": f"{position}_out.npy"})
    facts = {
        "nodes": 1,
        "delegated_nodes": 0 if options.no_xnnpack else 1,
        "kernels": ["fake"],
        "outputs": outputs[:-1] if spoil == "short" else outputs,
        "seconds_per_inference": [0.25],
        "arena_bytes": 1000,
    }
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
