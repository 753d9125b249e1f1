"""What a failure in the host's process becomes; no TensorFlow is started."""

from __future__ import annotations

import json

from tfport.errors import CommandFailed, CommandTimedOut, ConversionFailed, ModelRefused
from tfport.host import _told

JOBS = [{"do": "prepare", "model": "a.pb"}, {"do": "run_core", "model": "b.pb"}]
DONE = json.dumps({"job": "prepare", "result": "x"}) + "\n"


def failed(stdout: str, returncode: int = 1) -> CommandFailed:
    return CommandFailed(
        "python returned 1", "the last lines", "The whole log: x", returncode=returncode, stdout=stdout
    )


def test_an_error_of_ours_arrives_with_its_parts() -> None:
    said = {"error": "ModelRefused", "what": "It needs", "why": "A: node b", "hint": "Export"}
    error = _told(failed("noise of a library\n" + DONE + json.dumps(said) + "\n"), JOBS)
    assert type(error) is ModelRefused
    assert (error.what, error.why, error.hint) == ("It needs", "A: node b", "Export")


def test_only_errors_of_ours_are_made() -> None:
    for name in ("SystemExit", "annotations", "ClassVar", ""):
        said = json.dumps({"error": name, "what": "", "why": "", "hint": ""})
        assert type(_told(failed(said), JOBS)) is ConversionFailed


def test_a_crash_names_the_model_that_was_being_read() -> None:
    assert "(SIGSEGV) over a.pb" in _told(failed("", -11), JOBS).what
    error = _told(failed(DONE, -6), JOBS)
    assert "(SIGABRT) over b.pb" in error.what and error.why == "the last lines"


def test_other_failures_show_the_last_lines() -> None:
    error = _told(failed("[1, 2]\n3\n"), JOBS)
    assert type(error) is ConversionFailed and error.why == "the last lines" and "log" in error.hint
    late = CommandTimedOut("python did not end within 900 s", "the last lines", "", stdout=DONE)
    assert "crashed" not in _told(late, JOBS).what
