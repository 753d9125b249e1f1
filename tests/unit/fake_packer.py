"""Stands in for tfport-pack: a packed file is the model with two bytes behind it.

``TFPORT_FAKE_PACK`` in the environment spoils it: "refuse" ends with exit code 3.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> int:
    model, output = Path(sys.argv[1]), Path(sys.argv[2])
    if os.environ.get("TFPORT_FAKE_PACK") == "refuse":
        print("tfport-pack: error: the model is packed already", file=sys.stderr)
        return 3
    output.write_bytes(model.read_bytes() + b"PW")
    print(json.dumps({"file_bytes": output.stat().st_size, "weights": 1}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
