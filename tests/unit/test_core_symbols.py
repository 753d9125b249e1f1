from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfport.core.symbols import KEEP
from tfport.target import ROOT

PUBLIC = re.compile("|".join(f"(?:{pattern})" for pattern in KEEP))


@pytest.mark.parametrize(
    "name",
    [
        "TF_NewSession",
        "TSL_NewStatus",
        "TfPortManifest",
        "_ZN10tensorflow10NewSessionERKNS_14SessionOptionsE",
        "_ZTVN10tensorflow7SessionE",
        "_ZNK3tsl8OpDef_v23foovE",
        "_ZN13tfport_google8protobuf11MessageLiteD1Ev",
        "_ZN4absl15tfport_202206236Status15UnrefNonInlinedEm",
        "_ZNK4absl15tfport_202206236Status8ToStringB5cxx11Ev",
    ],
)
def test_what_public_headers_name_stays(name: str) -> None:
    assert PUBLIC.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "xnn_initialize",
        "_ZN4absl12lts_202206236Status15UnrefNonInlinedEm",  # a consumer's own abseil
        "_ZN6google8protobuf11MessageLiteD1Ev",
        "_ZN3re23RE2C1EPKc",
        "_ZN5Eigen10ThreadPoolC1Ei",
        "_ZNSt6vectorIN10tensorflow6TensorESaIS1_EED1Ev",
        "XTF_NewSession",
    ],
)
def test_all_else_is_local(name: str) -> None:
    assert not PUBLIC.fullmatch(name)


def test_a_recipe_can_export_it(tmp_path: Path) -> None:
    """Beside ``link`` and without the rest of tfport, as the recipe's ``package()`` finds it."""
    for path in (ROOT / "tfport" / "link.py", ROOT / "tfport" / "core" / "symbols.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from symbols import KEEP; print(len(KEEP))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(KEEP)
