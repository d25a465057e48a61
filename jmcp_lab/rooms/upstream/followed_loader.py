"""A file loader of jupyter-server-ydoc that leaves the file to the rooms it serves.

One loader serves every room of a file: a notebook, and the same notebook in the text editor. What
it notes of the file when one of them reads or saves it says nothing of what the others have met,
so each room has a `FileSync` of its own; here the loader's methods are led to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from .file_view import view_of

Look = Callable[[], Awaitable[None]]
"""Looks whether the file has changed, and takes in what another program has written."""


class Save(dict[str, Any]):
    """What a save writes, and how.

    Parameters
    ----------
    model : dict
        As the contents manager takes it.
    write : Callable
        Writes it, when the loader has found that the file can be written.
    """

    def __init__(
        self, model: dict[str, Any], write: Callable[[Save], Awaitable[dict[str, Any]]]
    ) -> None:
        super().__init__(model)
        self.write = write


def looks_of(loader: Any) -> dict[str, Look]:  # noqa: ANN401 - we add to it
    """Return what looks at the file for each room of a loader, by the room's name."""
    if not hasattr(loader, "jmcp_looks"):
        loader.jmcp_looks = {}
        _lead(loader)
        view_of(loader)
    return cast("dict[str, Look]", loader.jmcp_looks)


def _lead(loader: Any) -> None:  # noqa: ANN401
    look, write = loader.maybe_notify, loader._save_content_at_path

    async def maybe_notify() -> None:
        await look()
        failures = []
        for room_looks in list(loader.jmcp_looks.values()):
            try:
                await room_looks()
            except Exception as error:
                # What one room cannot read, another can.
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
    """Lead each loader of a mapping as it is made."""
    plain = type(loaders)
    if getattr(plain, "jmcp_followed", False):
        return

    def __getitem__(self: Any, file_id: str) -> Any:  # noqa: ANN401
        loader = plain.__getitem__(self, file_id)
        looks_of(loader)
        return loader

    followed = {"__getitem__": __getitem__, "jmcp_followed": True}
    loaders.__class__ = type(plain.__name__, (plain,), followed)
