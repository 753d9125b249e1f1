"""Stands in for tfport-run: the same command line and JSON, for the model c = a + 1 of ``lite_bytes``.

With ``--signature words`` it is another model, which gives back its strings in capitals.

A model with "PW" behind it stands for one whose weights are packed.

``TFPORT_FAKE`` in the environment spoils it: "far" adds 3 to the result, "bits" does so for a packed model
alone, "crash" ends with exit code 6, "short" leaves the result out, "silent" prints nothing, "hang" never
ends.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--input", action="append", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--signature", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-xnnpack", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    spoil = os.environ.get("TFPORT_FAKE", "")
    if spoil == "crash":
        print("INFO: loading\ntfport-run: error: Invoke failed in node 3", file=sys.stderr)
        return 6
    if spoil == "silent":
        return 0
    if spoil == "hang":
        time.sleep(60)
    values = np.load(options.input[0].split("=", 1)[1])
    if options.signature == "words":
        return shout(values, options.output)
    packed = Path(options.model).is_file() and Path(options.model).read_bytes().endswith(b"PW")
    values = values + np.array(4 if spoil == "far" or (spoil == "bits" and packed) else 1, dtype=values.dtype)
    options.output.mkdir(exist_ok=True)
    np.save(options.output / "0_c.npy", values)
    facts = {
        "nodes": 1,
        "delegated_nodes": 0 if options.no_xnnpack else 1,
        "kernels": ["fake"],
        "outputs": [] if spoil == "short" else [{"name": "c", "file": "0_c.npy"}],
        "seconds_per_inference": [0.5, 0.25],
        "arena_bytes": 1000,
        **({"packed_in_place_bytes": 64, "heap_high_water_bytes": 500} if packed else {}),
    }
    print(json.dumps(facts))
    return 0


def shout(values: np.ndarray, folder: Path) -> int:
    folder.mkdir(exist_ok=True)
    entry = {"shape": list(values.shape), "data": [text.decode().upper() for text in values.flat]}
    (folder / "0_loud.json").write_text(json.dumps(entry))
    print(json.dumps({"outputs": [{"name": "loud", "file": "0_loud.json"}]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
