"""Read kernelspecs, and explain why a kernel does not start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import UnavailableError
from ..server.manager_errors import ManagerError

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec


def language_of(spec: KernelSpec | dict[str, Any]) -> str:
    """Return the language of a kernelspec; those of a gateway are JSON."""
    if isinstance(spec, dict):
        return str(spec.get("spec", spec).get("language") or "")
    return str(spec.language or "")


def content_of(spec: KernelSpec | dict[str, Any]) -> str:
    """Return the whole content of a kernelspec, to distinguish it from others of its name."""
    content = spec if isinstance(spec, dict) else spec.to_dict()
    return json.dumps(content, sort_keys=True, default=str)


def cannot_start(kernel_name: str | None, error: Exception) -> NoReturn:
    """Raise an error that explains why a kernel did not start.

    Raises
    ------
    UnavailableError
    """
    # The error's text may contain server paths, so use only the name of its class.
    named = f"The kernel '{kernel_name}'" if kernel_name else "The kernel"
    reason = type(error).__name__
    if isinstance(error, ManagerError) and error.reason:
        reason = error.reason
    elif isinstance(error, TimeoutError):
        reason = "it did not answer in time"
    elif isinstance(error, FileNotFoundError):
        reason = "its program is not installed"
    raise UnavailableError(
        f"{named} does not start: {reason}. Choose another kernel with assign_kernel_to_notebook, "
        "or ask the user. The server's log has the details."
    ) from error
