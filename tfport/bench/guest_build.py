"""Programs for the guest that a bench builds on first use, by CMake, and keeps."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tfport import command
from tfport.target import Target

_TIME_LIMIT = 1800.0
_one_at_a_time = threading.Lock()  # several rows ask for the same program


def built_once(kept: Path, build: Callable[[Path], None]) -> Path:
    """The program ``kept``, which ``build`` leaves under its name in ``build/`` of its folder."""
    with _one_at_a_time:
        if not kept.is_file():
            tools = kept.parent.parent
            tools.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=tools, prefix=f".{kept.parent.name}-") as work:
                build(Path(work))
                kept.parent.mkdir(exist_ok=True)
                (Path(work) / "build" / kept.name).replace(kept)
    return kept


def cmake(target: Target, project: Path, folder: Path, options: Mapping[str, object], log: Path) -> None:
    """Configure and build ``project`` in ``folder`` for the target's CPU. Raises ``CommandFailed``."""
    flags = " ".join(target.compile_flags)
    words: dict[str, object] = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "arm",
        "CMAKE_C_COMPILER": target.compiler.program("gcc"),
        "CMAKE_CXX_COMPILER": target.compiler.program("g++"),
        **{f"CMAKE_{language}_FLAGS": flags for language in ("C", "CXX", "ASM")},
        **options,
    }
    defined = [f"-D{key}={value}" for key, value in words.items()]
    configure = ["cmake", "-G", "Ninja", "-S", str(project), "-B", str(folder), *defined]
    command.run(configure, log=log.with_suffix(".configure.log"), timeout=_TIME_LIMIT)
    command.run(["cmake", "--build", folder, "-j", "2"], log=log, timeout=_TIME_LIMIT)
