"""First use: makes ``.venv``, installs the locked requirements, goes on as ``tfport.cli``.

Runs before any requirement is there, so it imports the standard library and modules that do the same. A
stamp in ``.venv`` names the lock files that are installed, by hash; it is written last, so an interrupted
installation is done again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Optional

from tfport.bundle import WHEELS, checked, refuse_unfit
from tfport.command import run
from tfport.errors import CommandFailed, RequirementsFailed, TfportError, VenvMissing

ROOT = Path(__file__).resolve().parent.parent
BUILD, BASE, REFERENCE, DEV = (f"requirements{part}.lock" for part in ("-build", "", "-reference", "-dev"))
ALL = (BUILD, BASE, REFERENCE, DEV)
WITHOUT_REFERENCE = frozenset({"fetch", "check", "pack", "verify", "doctor", "new-target", "list", "clean"})
_START = "import sys; sys.path.insert(0, {!r}); from tfport.cli import main; sys.exit(main(sys.argv[1:]))"
_PIP = (
    "-I",
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-build-isolation",
    "--require-hashes",
)


def main(args: list[str]) -> NoReturn:
    """Make sure that ``.venv`` holds what ``args`` need, then become ``tfport.cli`` (never returns)."""
    venv = ROOT / ".venv"
    try:
        with _lock(ROOT / ".venv.lock"):
            ensure(venv, ROOT, wanted(args), install_deps="--install-deps" in args, bundle=bundle_of(args))
    except TfportError as error:
        parts = (f"error: {error.what}", error.why, f"hint: {error.hint}" if error.hint else "")
        print("\n".join(part for part in parts if part), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("\nInterrupted; the next run goes on.", file=sys.stderr)
        sys.exit(130)
    python = str(venv / "bin" / "python")
    os.execv(python, [python, "-I", "-c", _START.format(str(ROOT)), *args])


def wanted(args: list[str]) -> list[str]:
    """The lock files that a command line needs, in the order of their installation."""
    verb = args[0] if args else ""
    names = [BUILD, BASE]
    if "--no-reference" not in args and verb not in WITHOUT_REFERENCE:
        names.append(REFERENCE)
    return [*names, DEV] if verb == "test" else names


def bundle_of(args: list[str]) -> Optional[Path]:
    """What ``--bundle`` gives, in either of its two spellings."""
    for word, after in zip(args, [*args[1:], ""]):
        name, equals, value = word.partition("=")
        if name == "--bundle":
            return Path(value if equals else after)
    return None


def ensure(
    venv: Path,
    root: Path,
    names: list[str],
    *,
    install_deps: bool = False,
    bundle: Optional[Path] = None,
) -> bool:
    """Bring ``venv`` up to the lock files ``names`` of ``root``; returns whether anything was installed.

    Locks that are missing are added; locks that changed, a Python that is gone, or host TensorFlow on a
    venv made without it (its Python may be too new) make a venv anew. With ``bundle`` all comes from there.
    Raises ``VenvMissing``, ``RequirementsFailed`` and ``BundleIncomplete``.
    """
    python, stamp = venv / "bin" / "python", venv / "installed"
    current = {name: f"{name} {hashlib.sha256((root / name).read_bytes()).hexdigest()}" for name in ALL}
    have = set(stamp.read_text().splitlines()) if stamp.is_file() and python.exists() else set()
    lacking = [name for name in names if current[name] not in have]
    if not lacking:
        return False
    source: list[str] = []
    if bundle is not None:
        refuse_unfit(checked(bundle), root, names)
        source = ["--no-index", f"--find-links={bundle.absolute() / WHEELS}"]
    _say("Installing the locked Python requirements into .venv (a minute or two, on first use only)")
    if not have or not have <= set(current.values()) or REFERENCE in lacking:
        have = set()
        make_venv(venv, install_deps=install_deps)
    for group in ([BUILD], [name for name in names if name != BUILD]):
        words = [word for name in group for word in ("-r", str(root / name))]
        try:
            run([python, *_PIP, *source, *words], log=root / "build" / "logs" / "pip.log", on_line=_progress)
        except CommandFailed as error:
            raise RequirementsFailed(
                "pip could not install the Python requirements",
                error.why,
                f"Run it again when the cause is gone. {error.hint}",
            ) from None
    stamp.write_text("\n".join(sorted(have | {current[name] for name in names})) + "\n")
    return True


def make_venv(venv: Path, *, install_deps: bool) -> None:
    """Make an empty venv with this Python; with ``install_deps`` install Debian's package for it first."""
    try:
        import ensurepip  # noqa: F401
        import venv as _  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        root = [] if os.geteuid() == 0 else ["sudo"]
        steps = [[*root, "apt-get", "update"], [*root, "apt-get", "install", "-y", package]]
        line = " && ".join(" ".join(step) for step in steps)
        if not install_deps:
            raise VenvMissing(
                "This Python cannot make a virtual environment",
                f"Debian keeps that in the package {package}, which is not installed.",
                f"Run this, or add --install-deps:\n  {line}",
            ) from None
        _say(f"Installing {package}")
        try:
            for step in steps:
                run(step, env={"DEBIAN_FRONTEND": "noninteractive"})
        except CommandFailed as error:
            raise VenvMissing(f"{package} could not be installed", error.why, f"By hand: {line}") from None
    run([sys.executable, "-I", "-m", "venv", "--clear", venv])


def _progress(line: str) -> None:
    if line.startswith(("Collecting ", "Installing ")):
        _say(f"  {line.split(' (from ')[0][:100]}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # stdout belongs to --json


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another run is installing the Python requirements; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
