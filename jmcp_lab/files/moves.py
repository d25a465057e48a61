"""Keep a file from being renamed, moved or deleted while it is being written.

A contents manager writes to the path that a file had when the save began. A rename during the save
leaves two files. The old path is back, with the saved content. The new path has the content from
before the save, which the open document takes for another program's change. A file that is deleted
during a save comes back as well. So renames and deletions wait until the file is written, and a
save waits until the file is at its new path.
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
"""Maximum seconds that one operation waits for the other, because a disk may never answer."""

Work = dict[asyncio.Future[None], str]
"""The places of files and folders in use, by futures that complete when that use ends."""

_saves: Work = {}
_moves: Work = {}


class OwnPlaces:
    """The places at which the current task, or a task that started it, is at work."""

    def __init__(self, name: str) -> None:
        self._held: ContextVar[tuple[list[str], ...]] = ContextVar(name, default=())

    @contextmanager
    def holding(self, place: str) -> Iterator[None]:
        """Mark a place as in use by this task during the block."""
        held = [place]
        token = self._held.set((*self._held.get(), held))
        try:
            yield
        finally:
            self._held.reset(token)
            # Tasks started in the block may outlive it, and are no longer at work there.
            held.clear()

    @property
    def any(self) -> bool:
        """Whether the task is at work at any place."""
        return any(self._held.get())

    def has(self, place: str) -> bool:
        """Return whether the task is at work at a place."""
        return any(place in held for held in self._held.get())


def let_moves_wait(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Make a contents manager's renames and deletions wait for running writes.

    Parameters
    ----------
    manager : ContentsManager
        A synchronous one is left alone, as its operations never overlap.
    """
    for name in ("rename", "delete"):
        move = getattr(manager, name, None)
        if inspect.iscoroutinefunction(move):
            setattr(manager, name, _waiting(manager, move))


def _waiting(manager: Any, move: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401
    async def moved(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        # The old path is always the first argument, whatever its name.
        place = place_of(manager, next(iter([*arguments, *options.values()])))
        # Saves that start from now on wait for this move.
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
        A move of it takes too long.
    """
    place = place_of(manager, path)
    if not await ended(_moves, lambda moved: _is_in(place, moved)):
        raise OSError("Moving the file or its folder has taken too long")
    with noted(_saves, place):
        yield


def place_of(manager: Any, path: str) -> str:  # noqa: ANN401 - of any kind
    """Return a place that identifies a file or folder across all contents managers."""
    return f"{getattr(manager, 'root_dir', '')}/{path.strip('/')}"


def _is_in(place: str, folder: str) -> bool:
    return f"{place}/".startswith(f"{folder}/")


@contextmanager
def noted(work: Work, place: str) -> Iterator[None]:
    """Register an operation at a place during the block."""
    end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    work[end] = place
    try:
        yield
    finally:
        del work[end]
        end.set_result(None)


async def ended(work: Work, concerns: Callable[[str], bool]) -> bool:
    """Wait for all matching operations; return whether they have ended."""
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_SECONDS
    while ends := [end for end, place in work.items() if concerns(place)]:
        rest = until - loop.time()
        if rest <= 0:
            return False
        await asyncio.wait(ends, timeout=rest)
    return True
