"""Find out why a file could not be written, and explain it to an agent or a person.

A contents manager wraps the system's error in an HTTP error, and jupyter-server-ydoc turns it into
a log line. This module looks for the system's error number in all of these.
"""

from __future__ import annotations

import errno
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from .names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WORDS = 200
"""Maximum characters of another component's error message that are passed on."""

MAX_CAUSES = 10
"""Maximum number of errors followed in a chain of causes."""


class SlowSaveError(TimeoutError):
    """A save has not finished in time, and continues."""


class SaveFailure(StrEnum):
    """Reasons why a file could not be written."""

    DISK_FULL = "disk_full"
    QUOTA = "quota"
    READ_ONLY = "read_only"
    READ_ONLY_DISK = "read_only_disk"
    GONE = "gone"
    IS_FOLDER = "is_folder"
    NAME_TOO_LONG = "name_too_long"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    DAMAGED_DISK = "damaged_disk"
    TOO_MANY_FILES = "too_many_files"
    IN_USE = "in_use"
    OUTSIDE = "outside"
    OTHERS = "others"
    SLOW = "slow"
    REFUSED = "refused"


_BY_NUMBER = {
    errno.ENOSPC: SaveFailure.DISK_FULL,
    errno.EDQUOT: SaveFailure.QUOTA,
    errno.EACCES: SaveFailure.READ_ONLY,
    errno.EPERM: SaveFailure.READ_ONLY,
    errno.EROFS: SaveFailure.READ_ONLY_DISK,
    errno.ENOENT: SaveFailure.GONE,
    errno.ENOTDIR: SaveFailure.GONE,
    errno.EISDIR: SaveFailure.IS_FOLDER,
    errno.ENAMETOOLONG: SaveFailure.NAME_TOO_LONG,
    errno.EFBIG: SaveFailure.TOO_LARGE,
    errno.ETIMEDOUT: SaveFailure.UNREACHABLE,
    errno.ESTALE: SaveFailure.UNREACHABLE,
    errno.EHOSTDOWN: SaveFailure.UNREACHABLE,
    errno.EHOSTUNREACH: SaveFailure.UNREACHABLE,
    errno.ENETUNREACH: SaveFailure.UNREACHABLE,
    errno.ENETDOWN: SaveFailure.UNREACHABLE,
    errno.ENOTCONN: SaveFailure.UNREACHABLE,
    errno.ECONNREFUSED: SaveFailure.UNREACHABLE,
    errno.ECONNRESET: SaveFailure.UNREACHABLE,
    errno.EIO: SaveFailure.DAMAGED_DISK,
    errno.EMFILE: SaveFailure.TOO_MANY_FILES,
    errno.ENFILE: SaveFailure.TOO_MANY_FILES,
    errno.EBUSY: SaveFailure.IN_USE,
    errno.ETXTBSY: SaveFailure.IN_USE,
}

_BY_STATUS = {
    403: SaveFailure.READ_ONLY,
    404: SaveFailure.GONE,
    408: SaveFailure.UNREACHABLE,
    413: SaveFailure.TOO_LARGE,
    502: SaveFailure.UNREACHABLE,
    503: SaveFailure.UNREACHABLE,
    504: SaveFailure.UNREACHABLE,
    507: SaveFailure.DISK_FULL,
}

_CAUSES = {
    SaveFailure.DISK_FULL: "the disk is full. Space must be freed on it.",
    SaveFailure.QUOTA: (
        "the user's disk quota is used up. Files must be deleted or the quota raised."
    ),
    SaveFailure.READ_ONLY: (
        "this server may not write it: the file or its folder is read-only. Its permissions must "
        "be changed."
    ),
    SaveFailure.READ_ONLY_DISK: "its disk is read-only.",
    SaveFailure.GONE: "the file or its folder is no longer there.",
    SaveFailure.IS_FOLDER: "there is now a folder with that name.",
    SaveFailure.NAME_TOO_LONG: "its name is too long for the disk.",
    SaveFailure.TOO_LARGE: "it is larger than the disk allows.",
    SaveFailure.UNREACHABLE: "its drive or service does not respond.",
    SaveFailure.DAMAGED_DISK: "the disk reports an error. It may be damaged.",
    SaveFailure.TOO_MANY_FILES: "too many files are open on this server.",
    SaveFailure.IN_USE: "another program has locked the file.",
    SaveFailure.OUTSIDE: "another program keeps writing the file.",
    SaveFailure.OTHERS: (
        "earlier saves of this file by another Jupyter server, or saves of other files, do not "
        "finish. A drive may not be responding."
    ),
    SaveFailure.SLOW: (
        "its drive or service does not respond or is very slow. The save continues."
    ),
}

_OF_THE_FILE = {SaveFailure.READ_ONLY, SaveFailure.READ_ONLY_DISK}
"""Failures that working in another place avoids."""

_NUMBER = re.compile(r"\[Errno (\d+)\]")
_REPR = re.compile(r"\b\w+Error\((\d{1,3})\b|^HTTP (\d{3})\b")
_LOGGED = re.compile(r"^Error saving file: .*\n")
_SAYS_NOTHING = re.compile(r"^\w+\(\)$|^HTTP \d{3}: [\w ]*$")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[\\/](?:[^\s'\"\\/]+[\\/])+[^\s'\"\\/]*")


def failure_of(error: BaseException | str | None) -> SaveFailure:
    """Return the cause of a failed save.

    Parameters
    ----------
    error : BaseException, str or None
        The exception, or its text in a log. None means that the server wrote nothing and raised
        nothing, as jupyter-server-ydoc does for a file that is not writable.
    """
    if error is None:
        return SaveFailure.READ_ONLY
    if isinstance(error, str):
        return _in_words(error) or SaveFailure.REFUSED
    chain = list(_chain(error))
    # The system's error number is more precise than the status that a manager derives from it.
    for one in chain:
        number = getattr(one, "errno", None)
        if isinstance(number, int) and number in _BY_NUMBER:
            return _BY_NUMBER[number]
    for one in chain:
        if isinstance(one, SlowSaveError):
            return SaveFailure.SLOW
        if isinstance(one, TimeoutError):
            return SaveFailure.UNREACHABLE
        status = getattr(one, "status_code", None)
        found = _in_words(_said_by(one)) or _BY_STATUS.get(status if status is not None else 0)
        if found is not None:
            return found
    return SaveFailure.REFUSED


def save_failure_message(path: str, error: BaseException | str | None) -> str:
    """Return the message that a file could not be saved, why, and what to do about it.

    It suits an agent and a person alike, and does not reveal server paths.

    Parameters
    ----------
    path : str
        Relative to the server's root.
    error : BaseException, str or None
        See `failure_of`.
    """
    could_not_be = "is not" if isinstance(error, SlowSaveError) else "could not be"
    return f"'{shown(path)}' {could_not_be} saved: {cause(error)}"


def not_writable(path: str, failure: SaveFailure) -> str:
    """Return the message that a notebook was not changed because it could not be saved."""
    copy = ", or work in a copy" if failure in _OF_THE_FILE else ""
    return (
        f"'{shown(path)}' could not be saved, so nothing was changed: {words_of(failure)} Tell the "
        f"user{copy}."
    )


def cause(error: BaseException | str | None) -> str:
    """Return only the cause, and what to do about it."""
    failure = failure_of(error)
    if failure is not SaveFailure.REFUSED:
        return words_of(failure)
    said = _plain(_LOGGED.sub("", error) if isinstance(error, str) else _said_by(error))
    return f"the server refused it ({said})." if said else words_of(failure)


def words_of(failure: SaveFailure) -> str:
    """Return the message for a cause, and what to do about it."""
    return _CAUSES.get(failure, "the server refused it.")


def _in_words(words: str) -> SaveFailure | None:
    for number in _NUMBER.findall(words):
        if int(number) in _BY_NUMBER:
            return _BY_NUMBER[int(number)]
    if "keeps writing this file" in words:
        return SaveFailure.OUTSIDE
    if "Other saves do not finish" in words:
        return SaveFailure.OTHERS
    if "No path found for file ID" in words:
        return SaveFailure.GONE
    for error, status in _REPR.findall(words):
        found = int(error or status)
        if found in _BY_NUMBER or found in _BY_STATUS:
            return _BY_NUMBER.get(found) or _BY_STATUS[found]
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def _said_by(error: BaseException | None) -> str:
    if error is None:
        return ""
    said = getattr(error, "log_message", None) or getattr(error, "reason", None) or str(error)
    return str(said) or type(error).__name__


def _plain(words: str) -> str:
    """Return a single line without absolute paths."""
    line = " ".join(_ABSOLUTE.sub("…", _SAYS_NOTHING.sub("", words)).split())
    return shown(line if len(line) <= MAX_WORDS else line[:MAX_WORDS] + "…").rstrip(".")
