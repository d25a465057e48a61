"""Why a notebook cannot be opened, in words that an agent can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError, NotFoundError, ToolError
from .names import is_notebook
from .notebook_files import UnreadableNotebookError

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


async def check_notebook(serverapp: ServerApp, path: str) -> None:
    """Make sure that there is a notebook at a checked path.

    Raises
    ------
    NotFoundError
    InvalidArgumentError
        It is a folder, or another file.
    """
    contents: Any = serverapp.contents_manager
    try:
        model = await ensure_async(contents.get(path, content=False))
    except HTTPError as error:
        explain(path, error)
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be read ({error.strerror}).") from error
    if model["type"] == "directory":
        inside = proposed("list_files", path=path)
        raise InvalidArgumentError(f"'{path}' is a folder. {inside} shows what is in it.")
    if model["type"] != "notebook" and not is_notebook(path):
        raise InvalidArgumentError(
            f"'{path}' is not a notebook. list_notebooks shows the notebooks."
        )


def explain(path: str, error: HTTPError) -> NoReturn:
    """Raise what a failed open means, in words, without the server's own paths."""
    if isinstance(error, UnreadableNotebookError):
        raise InvalidArgumentError(
            f"'{path}' is not a valid notebook file, so it was not opened and not changed: "
            f"{error.why}. Ask the user to repair it."
        ) from error
    reason = str(error.log_message or error.reason or "")
    if error.status_code == 404:
        raise NotFoundError(
            f"There is no notebook '{path}'. list_notebooks shows the notebooks; "
            f"{proposed('use_notebook', notebook=path, create=True)} makes a new one."
        ) from error
    if error.status_code == 403:
        raise InvalidArgumentError(f"'{path}' cannot be read: permission denied.") from error
    if "UTF-8" in reason:
        raise InvalidArgumentError(
            f"'{path}' is not UTF-8 text, so it is not a notebook. Nothing was changed."
        ) from error
    if error.status_code in (400, 500):
        raise InvalidArgumentError(
            f"'{path}' is not a valid notebook file, so it was not opened and not changed. Ask "
            "the user to repair it (it may be incomplete JSON or an unknown notebook format)."
        ) from error
    raise ToolError(f"'{path}' could not be opened (HTTP {error.status_code}).") from error
