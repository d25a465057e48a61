"""Nobody reads a file of this server while it is written, or writes it while it is read.

A contents manager empties a file and then fills it, with a copy of what was there beside it. Who
reads a notebook meanwhile finds half of it. jupyter-server takes that for what is left of a save
that died: it moves the file away while it is written, and puts the copy in its place. So to open
or copy a notebook undoes the save that is under way, and the open document takes that for the work
of another program.
"""

from __future__ import annotations

import inspect
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from .moves import OwnPlaces, Work, ended, noted, place_of
from .save_lock import is_saving, saving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_reads: Work = {}
_writes: Work = {}

_written = OwnPlaces("jmcp_written")
"""What writes a file may read it: some contents managers do."""


def take_turns(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Let those who read and write files through a contents manager wait for each other.

    Parameters
    ----------
    manager : ContentsManager
        In one that is not asynchronous nothing happens at the same time.
    """
    for name, wrapped in (
        ("get", _get),
        ("create_checkpoint", _read),
        ("save", _save),
        ("restore_checkpoint", _restore),
    ):
        plain = getattr(manager, name, None)
        if inspect.iscoroutinefunction(plain):
            setattr(manager, name, wrapped(manager, plain))


def _get(manager: Any, plain: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    @wraps(plain)
    async def get(path: str, content: bool = True, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if not content:
            return await plain(path, content, *arguments, **options)
        async with _reading(manager, path):
            return await plain(path, content, *arguments, **options)

    return get


def _read(manager: Any, plain: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    async def read(path: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        async with _reading(manager, path):
            return await plain(path, *arguments, **options)

    return read


def _save(manager: Any, plain: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    async def save(model: dict[str, Any], path: str = "", **options: Any) -> Any:  # noqa: ANN401
        async with _writing(manager, path):
            return await plain(model, path, **options)

    return save


def _restore(manager: Any, plain: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    async def restore(checkpoint_id: str, path: str, **options: Any) -> Any:  # noqa: ANN401
        async with _writing(manager, path):
            return await plain(checkpoint_id, path, **options)

    return restore


@asynccontextmanager
async def _reading(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401
    place = place_of(manager, path)
    if not _written.has(place):
        await ended(_writes, place.__eq__)
    with noted(_reads, place):
        yield


@asynccontextmanager
async def _writing(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401
    place = place_of(manager, path)
    if _written.has(place):
        # A save that saves in its turn, or a manager that takes turns twice.
        yield
        return
    async with AsyncExitStack() as stack:
        if not is_saving():
            # What a person saves is saved also where there can be no lock.
            with suppress(OSError):
                await stack.enter_async_context(saving(manager, path.strip("/")))
        await ended(_writes, place.__eq__)
        with noted(_writes, place):
            # Who comes to read from now on waits.
            await ended(_reads, place.__eq__)
            with _written.holding(place):
                yield
