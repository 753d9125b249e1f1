"""The data files of this package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent


def load(name: str) -> dict[str, Any]:
    """The TOML file ``name`` beside this module; a repository test reads every one of them."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))
