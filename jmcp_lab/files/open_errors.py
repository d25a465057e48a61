"""Explain why a notebook cannot be opened, in messages that tell an agent what to do."""

from __future__ import annotations

import os
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_server.utils import ensure_async

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError, NotFoundError, ToolError
from ..server.manager_errors import ManagerError
from .names import SUFFIX, is_notebook
from .notebook_files import UnreadableNotebookError

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

MAX_ENTRIES = 5000
"""Maximum number of entries of a folder inspected to suggest a name."""


async def check_notebook(serverapp: ServerApp, path: str) -> None:
    """Check that there is a notebook at a checked path.

    Raises
    ------
    NotFoundError
    InvalidArgumentError
        It is a folder, or another kind of file.
    """
    contents: Any = serverapp.contents_manager
    try:
        model = await ensure_async(contents.get(path, content=False))
    except ManagerError as error:
        if error.status_code == 404:
            raise await not_found(contents, path) from error
        explain(path, error)
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' could not be read ({error.strerror}).") from error
    if model["type"] == "directory":
        raise InvalidArgumentError(is_folder(path))
    if model["type"] != "notebook" and not is_notebook(path):
        raise InvalidArgumentError(
            f"'{path}' is not a notebook. list_notebooks shows the notebooks."
        )


def is_folder(path: str) -> str:
    """Return the message that a path leads to a folder instead of a notebook."""
    return f"'{path}' is a folder. {proposed('list_files', path=path)} shows what is in it."


async def not_found(contents: Any, path: str) -> NotFoundError:  # noqa: ANN401 - of any kind
    """Return the error that there is no notebook at a checked path, with a suggestion."""
    *_, name = path.rpartition(":")
    for near in dict.fromkeys((f"{path}{SUFFIX}", name, f"{name}{SUFFIX}")):
        if near != path and is_notebook(near) and await ensure_async(contents.file_exists(near)):
            return _not_found(path, near)
    return _not_found(path, _spelled_otherwise(getattr(contents, "root_dir", None), path))


def _not_found(path: str, near: str | None = None) -> NotFoundError:
    if near is not None:
        return NotFoundError(
            f"There is no notebook '{path}', but there is {near!r}. list_notebooks shows the "
            "notebooks."
        )
    new = path if is_notebook(path) else f"{path}{SUFFIX}"
    return NotFoundError(
        f"There is no notebook '{path}'. list_notebooks shows the notebooks; "
        f"{proposed('use_notebook', notebook=new, create=True)} creates a new one."
    )


def _spelled_otherwise(root: str | None, path: str) -> str | None:
    """Return the visible notebook in the same folder whose name differs only in case."""
    folder, slash, name = path.rpartition("/")
    try:
        with os.scandir(os.path.join(root, folder)) if root else nullcontext(()) as entries:
            for entry in islice(entries, MAX_ENTRIES):
                wanted = name.casefold(), f"{name}{SUFFIX}".casefold()
                if entry.name.casefold() in wanted and is_notebook(entry.name):
                    return f"{folder}{slash}{entry.name}"
    except OSError:
        pass
    return None


def explain(path: str, error: ManagerError) -> NoReturn:
    """Raise an error that explains a failed open, without revealing server paths."""
    if isinstance(error, UnreadableNotebookError):
        raise InvalidArgumentError(
            f"'{path}' is not a valid notebook file, so it was not opened and not changed: "
            f"{error.why}. Ask the user to repair it."
        ) from error
    reason = str(error.log_message or error.reason or "")
    if error.status_code == 404:
        raise _not_found(path) from error
    if error.status_code == 403:
        raise InvalidArgumentError(f"'{path}' could not be read: permission denied.") from error
    if "UTF-8" in reason:
        raise InvalidArgumentError(
            f"'{path}' is not UTF-8 text, so it is not a notebook. Nothing was changed."
        ) from error
    if error.status_code in (400, 500):
        raise InvalidArgumentError(
            f"'{path}' is not a valid notebook file, so it was not opened and not changed. Ask the "
            "user to repair it (its JSON may be incomplete, or its notebook format unknown)."
        ) from error
    raise ToolError(f"'{path}' could not be opened (HTTP {error.status_code}).") from error
