"""SCons steps that the recipes of TensorFlow's core share: units, objects, archives.

A recipe writes ``build.json`` into its build folder, where its SConstruct finds: ``tools`` (the folder of
this file), ``source`` (TensorFlow's tree), ``cxx``, ``ar`` and ``objcopy`` (argument vectors), ``flags``,
``include``, ``jobs``. Standard library only and no import from the rest of tfport: recipes export this file.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


class Compiler:
    """Adds steps to an SCons ``environment`` that builds in ``folder``."""

    def __init__(self, environment: Any, folder: Path) -> None:
        self.folder = folder
        self.config: Mapping[str, Any] = json.loads((folder / "build.json").read_text(encoding="utf-8"))
        self.source = Path(self.config["source"])
        self.generated = folder / "gen"
        self._environment = environment
        extra = {name: value for name, value in self.config.get("environment", {}).items() if value}
        environment.Replace(ENV={**os.environ, **extra}, PRINT_CMD_LINE_FUNC=lambda *_: None)
        environment.SetOption("num_jobs", self.config["jobs"])
        include = [self.generated, self.source, *self.config["include"]]
        self._compile = [*self.config["cxx"], *self.config["flags"], *(f"-I{path}" for path in include)]

    def step(self, targets: Iterable[Path], sources: Any, *commands: Sequence[str], say: str = "") -> Any:
        """Files made of others by ``commands`` (argument vectors)."""
        return self._environment.Command(
            [str(path) for path in targets], sources, [_saying(say), *map(_running, commands)]
        )

    def compiled(self, name: str, files: Sequence[str], after: Any = (), flags: Sequence[str] = ()) -> Any:
        """An object of one unit: a source that includes ``files``, paths of TensorFlow's tree.

        ``after`` must be made before, such as generated headers; ``flags`` come after those of build.json.
        """
        unit = self.folder / "units" / f"{name}.cc"
        write(unit, "".join(f'#include "{path}"\n' for path in files))
        target = self.folder / "objects" / f"{name}.o"
        known = [str(self.source / path) for path in files if (self.source / path).is_file()]
        words = [*self._compile, *flags, "-c", str(unit), "-o", str(target)]
        made = self.step([target], [str(unit), *known], words, say=f"compiling {name}")
        self._environment.Depends(made, after)
        return made

    def messages(self, name: str, files: Sequence[str], after: Any, flags: Sequence[str] = ()) -> Any:
        """An object of generated messages, from which a link takes only those that something uses.

        All that their initialisers do is to note destructors for the program's end, of instances that own
        nothing; but for them the linker would keep every message with all its code.
        """
        whole = self.compiled(f"{name}_whole", files, after, flags)
        target = self.folder / "objects" / f"{name}.o"
        sections = [f"--remove-section={kind}.init_array*" for kind in ("", ".rel")]
        return self.step(
            [target], whole, [*self.config["objcopy"], "--wildcard", *sections, str(whole[0]), str(target)]
        )

    def archive(self, name: str, objects: Any) -> Any:
        """A static library of ``objects``."""
        target = self.folder / name
        flat = [str(node) for node in self._environment.Flatten(objects)]
        # Several words may name objects of one name in other folders: start from nothing.
        return self.step(
            [target], flat, ["rm", "-f", str(target)], [*self.config["ar"], "rcsD", str(target), *flat]
        )


# For what no selection changes: a kernel that stands among the framework's sources is not registered.
NO_KERNELS = "".join(
    f"#define SHOULD_REGISTER_OP{kind} false\n" for kind in ("(op)", "_KERNEL(kernel)", "_GRADIENT")
)


def write(path: Path, text: str) -> None:
    """Write a file that steps read, unless it is what it should be: then it stays as old as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _running(words: Iterable[str]) -> Any:
    """An action that runs one command; a plain list SCons would join for a shell, and quote little of it."""
    command = shlex.join(words)  # SCons looks for strings in the closure: with other words the step is due

    def run(target: Any, source: Any, env: Any) -> int:
        return subprocess.run(shlex.split(command), env=env["ENV"], check=False).returncode

    return run


def _saying(text: str) -> Any:
    def say(target: Any, source: Any, env: Any) -> None:
        if text:
            print(text, flush=True)

    return say
