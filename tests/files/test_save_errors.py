"""Why a save failed: the true cause, whoever wrapped it, and nothing of the server's own paths."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError

from jmcp_lab.files.save_errors import SaveFailure, failure_of, save_failure_message

CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "quota",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
    errno.EROFS: "its disk is read-only",
    errno.ENOENT: "no longer there",
    errno.ESTALE: "does not respond",
    errno.EIO: "damaged",
    errno.EMFILE: "too many files",
    errno.EFBIG: "larger than the disk allows",
    errno.ENAMETOOLONG: "its name is too long",
}

WHERE = "/home/ada/projects/secret plan/a.ipynb"


def wrapped(error: OSError) -> HTTPError:
    """Return an error as Jupyter's contents managers make it of what the system says."""
    try:
        try:
            raise error
        except OSError as cause:
            words = f"Unexpected error while saving file: a.ipynb {cause}"
            raise HTTPError(500, words) from cause
    except HTTPError as found:
        return found


@pytest.mark.parametrize("number", CAUSES)
def test_the_systems_cause_is_found_in_any_wrapper(number: int) -> None:
    error = OSError(number, os.strerror(number), WHERE)
    in_http = wrapped(error)
    logged = f"Error saving file: a.ipynb\n{OSError(number, os.strerror(number))!r}"
    for given_error in (error, in_http, str(error), str(in_http), logged):
        said = save_failure_message("a.ipynb", given_error)
        assert CAUSES[number] in said, given_error
        assert "/home" not in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (HTTPError(403, "Permission denied: a.ipynb"), "read-only"),
        (HTTPError(404, "file or directory does not exist"), "no longer there"),
        (HTTPError(413), "larger than the disk allows"),
        (HTTPError(503), "does not respond"),
        (HTTPError(507), "the disk is full"),
        (TimeoutError(), "does not respond"),
        (RuntimeError("No path found for file ID 'x'"), "no longer there"),
        (OSError("Another program keeps writing this file"), "keeps writing"),
        (None, "read-only"),
        (HTTPError(500), "the server refused it."),
        ("Error saving file: a.ipynb\nHTTPError()", "the server refused it."),
        (HTTPError(400, "Notebooks need a licence cell"), "(Notebooks need a licence cell)"),
        (
            ValueError("cannot convert float NaN to integer"),
            "(cannot convert float NaN to integer)",
        ),
        (
            "Error saving file: a.ipynb\nValueError('no such bucket')",
            "(ValueError('no such bucket'))",
        ),
    ],
)
def test_a_managers_error_is_translated_or_passed_on(
    error: BaseException | str | None, words: str
) -> None:
    assert words in save_failure_message("a.ipynb", error)


@given(folders=st.lists(st.text("abcäö.-_", min_size=1), min_size=2), words=st.text(max_size=40))
def test_no_absolute_path_and_no_line_break_is_passed_on(folders: list[str], words: str) -> None:
    where = "/" + "/".join(folders)
    said = save_failure_message("a.ipynb", ValueError(f"{words} {where} {words}"))
    assert where not in said
    assert len(said.splitlines()) == 1


def test_the_cause_is_named_for_code_as_well() -> None:
    assert failure_of(OSError(errno.ENOSPC, "full")) is SaveFailure.DISK_FULL
    assert failure_of(KeyError("x")) is SaveFailure.REFUSED
