"""Keep a file of this server from being read while it is written, and vice versa.

A contents manager empties a file and then fills it, with a copy of the old content beside it. A
reader that comes meanwhile finds half a notebook. jupyter-server takes the copy for the remains of
a save that died. It moves the file away, in the middle of the write, and restores the copy. So
opening or copying a notebook undoes the running save, and the open document takes that for a change
by another program.
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
"""Places that the current task writes; it may read them, as some contents managers do."""


def take_turns(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Make reads and writes through a contents manager wait for each other.

    Parameters
    ----------
    manager : ContentsManager
        A synchronous one is left alone, as its operations never overlap.
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
        # This is a save inside a save, or the manager was wrapped twice.
        yield
        return
    async with AsyncExitStack() as stack:
        if not is_saving():
            # A person's save must work even where no lock is available.
            with suppress(OSError):
                await stack.enter_async_context(saving(manager, path.strip("/")))
        await ended(_writes, place.__eq__)
        with noted(_writes, place):
            # Readers that arrive from now on wait.
            await ended(_reads, place.__eq__)
            with _written.holding(place):
                yield
