"""Exceptions whose message a model or a person can act on.

Anything else that escapes a tool is a defect of ours: it is logged, and the caller gets a plain
sentence without details.
"""

from __future__ import annotations


class ToolError(Exception):
    """A call that cannot be done, with the reason and the next step in words.

    Parameters
    ----------
    message : str
        What was wrong and what to call or do instead. Sent to the agent as it is, so it holds
        no absolute path, no traceback and no secret.
    code : str, optional
        A stable short name for tests, logs and the REST interface.
    """

    default_code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class InvalidArgumentError(ToolError):
    """An argument that is missing, unknown, of the wrong type or out of range."""

    default_code = "invalid_argument"


class NotFoundError(ToolError):
    """A notebook, cell, kernel, file or call that does not exist."""

    default_code = "not_found"


class ConflictError(ToolError):
    """The state changed since the caller looked: nothing was done."""

    default_code = "conflict"


class DeniedError(ToolError):
    """The person, a rule or the agent's mode said no."""

    default_code = "denied"


class UnavailableError(ToolError):
    """Something needed is not there now: a kernel that does not start, a disk that is full."""

    default_code = "unavailable"
