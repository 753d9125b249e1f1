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
