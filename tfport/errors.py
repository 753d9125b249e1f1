"""Every error that a user can cause: what happened, the likely cause, what to do next.

Each class has its own exit code, so that a script can tell them apart. The command line prints the three
parts and no traceback (``--debug`` shows it).
"""

from __future__ import annotations

from typing import ClassVar


class TfportError(Exception):
    """Base of all errors shown to a person.

    ``what`` is the fact, ``why`` the likely cause, ``hint`` the next step; the last two may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint


# --- The house: running programs, targets, the machine, the build (exit codes 10 to 29) ---


class CommandFailed(TfportError):
    """A program ended with an error; carries its argument vector, return code, output and log path."""

    exit_code = 10

    def __init__(
        self,
        what: str,
        why: str = "",
        hint: str = "",
        *,
        argv: tuple[str, ...] = (),
        returncode: int = -1,
        stdout: str = "",
        stderr: str = "",
    ) -> None:
        super().__init__(what, why, hint)
        self.argv = argv
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


class CommandTimedOut(CommandFailed):
    """A program did not end within its time limit and was killed with all its children."""

    exit_code = 11


class ProgramMissing(CommandFailed):
    """A program that was to be run is not on this machine."""

    exit_code = 12


class UnknownTarget(TfportError):
    """No file in toolchains/ has the target's name."""

    exit_code = 13


class TargetFileError(TfportError):
    """A target file cannot be parsed, or holds unknown, missing or wrong keys (all shown together)."""

    exit_code = 14


class PackagesMissing(TfportError):
    """Debian packages (compiler, emulator, build tools) are not installed."""

    exit_code = 15


class InstallFailed(TfportError):
    """``--install-deps`` could not install the Debian packages."""

    exit_code = 16


class BuildFailed(TfportError):
    """Conan could not build a recipe."""

    exit_code = 17


class BuildLocked(TfportError):
    """Another build holds the lock of this tree."""

    exit_code = 18


class NotOffered(TfportError):
    """A combination of options that this version does not offer."""

    exit_code = 19


class ModelRefused(TfportError):
    """A model needs operators that the library does not hold (each is named)."""

    exit_code = 20


class NotAnSdk(TfportError):
    """A folder given as an SDK does not hold one, or its files differ from its report."""

    exit_code = 21


class DiskFull(TfportError):
    """No space is left on the disk that holds the cache or the output."""

    exit_code = 22


class TestsFailed(TfportError):
    """At least one of the project's own tests failed."""

    __test__ = False  # pytest collects classes named Test*
    exit_code = 23
