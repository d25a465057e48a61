"""Redirect a jupyter-server-ydoc file loader to the `FileSync` of each room that it serves.

One loader serves every room of a file: a notebook, and the same notebook in the text editor. The
state that it records when one room reads or saves the file says nothing about what the other rooms
have merged. So each room has a `FileSync` of its own, and the loader's methods are redirected to
it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from .file_view import view_of

FileCheck = Callable[[], Awaitable[None]]
"""Checks whether the file has changed, and merges what another program has written."""


class Save(dict[str, Any]):
    """The model that a save writes, with the function that writes it.

    Parameters
    ----------
    model : dict
        The model for the contents manager.
    write : Callable
        Writes the model, after the loader has found the file writable.
    """

    def __init__(
        self, model: dict[str, Any], write: Callable[[Save], Awaitable[dict[str, Any]]]
    ) -> None:
        super().__init__(model)
        self.write = write


def checks_of(loader: Any) -> dict[str, FileCheck]:  # noqa: ANN401 - we add to it
    """Return the file checks of a loader's rooms, by room name; redirect the loader first."""
    if not hasattr(loader, "jmcp_checks"):
        loader.jmcp_checks = {}
        _redirect(loader)
        view_of(loader)
    return cast("dict[str, FileCheck]", loader.jmcp_checks)


def _redirect(loader: Any) -> None:  # noqa: ANN401
    check, write = loader.maybe_notify, loader._save_content_at_path

    async def maybe_notify() -> None:
        await check()
        failures = []
        for check_for_room in list(loader.jmcp_checks.values()):
            try:
                await check_for_room()
            except Exception as error:
                # A file that one room cannot read may be readable for another.
                failures.append(error)
        if failures:
            raise failures[0]

    async def save_content_at_path(model: dict[str, Any], path: str) -> dict[str, Any]:
        if isinstance(model, Save):
            return await model.write(model)
        return cast("dict[str, Any]", await write(model, path))

    loader.maybe_notify = maybe_notify
    loader._save_content_at_path = save_content_at_path


def follow(loaders: Any) -> None:  # noqa: ANN401 - see Upstream
    """Redirect each loader of a mapping when it is created."""
    plain = type(loaders)
    if getattr(plain, "jmcp_followed", False):
        return

    def __getitem__(self: Any, file_id: str) -> Any:  # noqa: ANN401
        loader = plain.__getitem__(self, file_id)
        checks_of(loader)
        return loader

    followed = {"__getitem__": __getitem__, "jmcp_followed": True}
    loaders.__class__ = type(plain.__name__, (plain,), followed)
