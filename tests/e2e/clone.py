"""What a clone of this tree holds, as it is now: committed or not, but nothing that git ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tfport.target import ROOT


def clone(folder: Path) -> Path:
    """A copy of the tree in ``folder``, which need not exist."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():  # else it is deleted, and that is not committed yet
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
