"""What the SDKs of all runtimes do alike: files from templates, and tfport-run built like a user's program.

The SDK recipes export this file and call it with the interpreter that Conan runs in, so only the standard
library and Jinja2 (which Conan needs too) are used.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import jinja2

Run = Callable[[list[str]], object]


def template(path: Path) -> jinja2.Template:
    """A template that refuses unknown names."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(path.read_text(encoding="utf-8"))


def write_manifest(text: str, symbol: str, folder: Path) -> None:
    """Write ``ops.json`` and ``manifest.c``, which keeps the same text in the archive under ``symbol``."""
    literal = text.replace("\\", "\\\\").replace('"', '\\"')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.c").write_text(f'const char {symbol}[] = "{literal}";\n', encoding="utf-8")
    (folder / "ops.json").write_text(text + "\n", encoding="utf-8")


def describe(
    sdk: Path,
    templates: Path,
    package: str,
    pkg_config: str,
    *,
    version: str,
    target: str,
    bare: bool = False,
) -> None:
    """Write the CMake package and the pkg-config file of ``sdk`` from ``templates``.

    ``bare``: what is linked with it runs without an operating system.
    """
    for name, place in (
        (f"{package}Config.cmake", f"lib/cmake/{package}"),
        (f"{package}ConfigVersion.cmake", f"lib/cmake/{package}"),
        (f"{pkg_config}.pc", "lib/pkgconfig"),
    ):
        text = template(templates / f"{name}.jinja").render(version=version, target=target, bare=bare)
        (sdk / place).mkdir(parents=True, exist_ok=True)
        (sdk / place / name).write_text(text, encoding="utf-8")


def build_runner(
    run: Run,
    *,
    sources: Path,
    folder: Path,
    sdk: Path,
    package: str,
    runtime: str,
    toolchain: str,
    prefix: str,
    jobs: int,
    programs: Sequence[str] = ("tfport-run",),
    keep: Sequence[str] = (),
) -> None:
    """Compile ``programs`` against ``sdk``, as any program of a user, and strip them into its ``bin/``.

    sources: runtime/runner. folder: where to build. package: the SDK's CMake package. prefix: of the cross
    tools. keep: symbols that stay in it. ``run`` starts one command and raises if it fails.
    """
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_TOOLCHAIN_FILE": toolchain,
        f"{package}_DIR": str(sdk / "lib" / "cmake" / package),
        "TFPORT_RUNTIME": runtime,
    }
    defines = [f"-D{key}={value}" for key, value in settings.items()]
    run(["cmake", "-S", str(sources), "-B", str(folder), "-G", "Ninja", *defines])
    run(["cmake", "--build", str(folder), "--", f"-j{jobs}"])
    (sdk / "bin").mkdir(parents=True, exist_ok=True)
    for name in programs:
        program = sdk / "bin" / name
        shutil.copy(folder / name, program)
        run([f"{prefix}strip", *(f"--keep-symbol={symbol}" for symbol in keep), str(program)])
