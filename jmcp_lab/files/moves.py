"""A file is not renamed, moved or deleted while it is written.

A contents manager writes to the place that a file had when the save began. Who renames it meanwhile
gets two: the old one is back, with what was saved, and the new one says what the file said before,
which the open document takes for a change that another program made. A file that is deleted
meanwhile is back as well. So both wait until the file is written, and a save until the file is in
its place.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

WAIT_SECONDS = 10.0
"""How long one waits for the other: a disk may never answer."""

Work = dict[asyncio.Future[None], str]
"""The place of each file or folder with which something is done, by what comes when that ends."""

_saves: Work = {}
_moves: Work = {}


class OwnPlaces:
    """The places at which the task that asks is at work, it or one that it was begun by."""

    def __init__(self, name: str) -> None:
        self._held: ContextVar[tuple[list[str], ...]] = ContextVar(name, default=())

    @contextmanager
    def holding(self, place: str) -> Iterator[None]:
        """Be at work at a place while the block runs."""
        held = [place]
        token = self._held.set((*self._held.get(), held))
        try:
            yield
        finally:
            self._held.reset(token)
            # Tasks that were begun meanwhile may go on, and are at work there no more.
            held.clear()

    @property
    def any(self) -> bool:
        """Whether the task is at work at any place."""
        return any(self._held.get())

    def has(self, place: str) -> bool:
        """Return whether the task is at work at a place."""
        return any(place in held for held in self._held.get())


def let_moves_wait(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Let a contents manager rename and delete only what is not being written.

    Parameters
    ----------
    manager : ContentsManager
        In one that is not asynchronous nothing happens at the same time.
    """
    for name in ("rename", "delete"):
        move = getattr(manager, name, None)
        if inspect.iscoroutinefunction(move):
            setattr(manager, name, _waiting(manager, move))


def _waiting(manager: Any, move: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    async def moved(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        # The old path is the first of them, by whatever name.
        place = place_of(manager, next(iter([*arguments, *options.values()])))
        # Saves that begin from now on wait for this.
        with noted(_moves, place):
            await ended(_saves, lambda saved: _is_in(saved, place))
            return await move(*arguments, **options)

    return moved


@asynccontextmanager
async def staying(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
    """Keep this server from moving or deleting a file while the block writes it.

    Raises
    ------
    OSError
        It is being moved for too long.
    """
    place = place_of(manager, path)
    if not await ended(_moves, lambda moved: _is_in(place, moved)):
        raise OSError("The file, or its folder, has been about to be moved for too long")
    with noted(_saves, place):
        yield


def place_of(manager: Any, path: str) -> str:  # noqa: ANN401 - of any kind
    """Return the place of a file or a folder, over all contents managers."""
    return f"{getattr(manager, 'root_dir', '')}/{path.strip('/')}"


def _is_in(place: str, folder: str) -> bool:
    return f"{place}/".startswith(f"{folder}/")


@contextmanager
def noted(work: Work, place: str) -> Iterator[None]:
    """Say that something is done at a place while the block runs."""
    end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    work[end] = place
    try:
        yield
    finally:
        del work[end]
        end.set_result(None)


async def ended(work: Work, concerns: Callable[[str], bool]) -> bool:
    """Wait for what concerns somebody; return whether it came to its end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_SECONDS
    while ends := [end for end, place in work.items() if concerns(place)]:
        rest = until - loop.time()
        if rest <= 0:
            return False
        await asyncio.wait(ends, timeout=rest)
    return True
