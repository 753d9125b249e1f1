"""What an SDK without an operating system carries beside the library: the runtime, and the flags of its ABI.

The SDK recipes export this file and call it with the interpreter that Conan runs in, so only the standard
library is used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

# A response file of the compiler: @lib/baremetal.flags
FLAGS = "lib/baremetal.flags"
# By these a count of instructions knows where an image only waits.
KEPT_SYMBOLS = ("tfport_bm_idle_begin", "tfport_bm_idle_end")


def add_runtime(sdk: Path, runtime: Path, flags: Sequence[str], example: Path) -> None:
    """Copy the package ``tfport-baremetal`` (folder ``runtime``) and the example image, and write the flags.

    flags: of every compile of the SDK. Code that is linked with it needs those that name the machine, and the
    runtime's own from its ``flags.txt``, since libstdc++ and newlib offer threads only with them.
    """
    for part in ("include", "lib", "share"):
        shutil.copytree(runtime / part, sdk / part, dirs_exist_ok=True)
    shutil.copytree(example, sdk / "share" / "tfport" / "examples" / example.name, dirs_exist_ok=True)
    own = (runtime / "share" / "tfport" / "baremetal" / "flags.txt").read_text(encoding="utf-8")
    lines = [*machine_flags(flags), *words(own.splitlines())]
    (sdk / FLAGS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def machine_flags(flags: Iterable[str]) -> list[str]:
    """Those that decide for which machine, and with which ABI, code is made; each once."""
    return list(dict.fromkeys(flag for flag in flags if flag.startswith("-m") and flag != "-mtp=cp15"))


def words(lines: Iterable[str]) -> list[str]:
    """The flags in the lines of a ``flags.txt``, without its comments."""
    return [word for line in lines for word in line.split("#")[0].split()]
