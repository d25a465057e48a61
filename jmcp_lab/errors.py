"""Defines exceptions with messages that a model or a person can act on.

Any other exception that escapes a tool is a bug in jmcp_lab. It is logged, and the caller gets a
plain sentence without details.
"""

from __future__ import annotations


class ToolError(Exception):
    """Raised when a call cannot be done; the message has the reason and the next step.

    Parameters
    ----------
    message : str
        What was wrong, and what to call or do instead. It is sent to the agent unchanged, so it
        contains no absolute path, no traceback and no secret.
    code : str, optional
        Stable short name for tests, logs and the REST interface.
    """

    default_code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class InvalidArgumentError(ToolError):
    """Raised when an argument is missing, unknown, of the wrong type or out of range."""

    default_code = "invalid_argument"


class NotFoundError(ToolError):
    """Raised when a notebook, cell, kernel, file or call does not exist."""

    default_code = "not_found"


class ConflictError(ToolError):
    """Raised when the state has changed since the caller looked, so that nothing was done."""

    default_code = "conflict"


class DeniedError(ToolError):
    """Raised when the person, a rule or the agent's mode denies an action."""

    default_code = "denied"


class UnavailableError(ToolError):
    """Raised when a resource is unavailable, such as a kernel that does not start or disk space."""

    default_code = "unavailable"
