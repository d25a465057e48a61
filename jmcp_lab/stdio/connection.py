"""Keeps the connection of a client to its server, wherever that is now and however often it starts.

A connection is looked for as soon as the client has said who it is, and again whenever it broke.
Requests wait for it, but not for ever: a client is told in words what to do.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .link import Link
    from .messages import Json
    from .way import Way

STARTING_SECONDS = 15.0
"""Seconds that a request waits for a server which is not there: so long may its restart take."""

PERMISSION_SECONDS = 40.0
"""Seconds that a request waits for the person: as long as a call waits in the panel."""

LOOK_SECONDS = 1.0
"""Seconds between two looks for a server that is not there."""

WANTED_SECONDS = 0.2
"""The same while a request waits for it."""

REST_SECONDS = 30.0
"""Seconds until the next try after a failure that somebody has to mend."""


class UnavailableError(Exception):
    """There is no connection; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection.

    Parameters
    ----------
    words : str
    patience : float
        Seconds that a request waits for its end.
    """

    words: str
    patience: float


class Connection:
    """A connection that is made again whenever it breaks.

    Parameters
    ----------
    make_way : callable
        Makes the way to the server. This imports what takes long to import.
    opened : callable
        Told the tools of the server whenever the connection has been made.
    closed : callable
        Called when it has broken.
    said : callable
        Told what the server says by itself.
    tell : callable
        Told each new trouble, for the program's log.
    """

    def __init__(
        self,
        make_way: Callable[[], Way],
        *,
        opened: Callable[[list[Json]], None],
        closed: Callable[[], None],
        said: Callable[[bytes], None],
        tell: Callable[[str], None],
    ) -> None:
        self._make_way = make_way
        self._opened = opened
        self._closed = closed
        self._said = said
        self._tell = tell
        self._greeted: Mapping[str, Any] = {}
        self._name = ""
        self._keeper: asyncio.Task[None] | None = None
        self._current: Link | None = None
        self._open = False
        self._trouble: Trouble | None = None
        self._tries = 0
        self._waiting = 0
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._broke = asyncio.Event()

    def greet(self, name: str, greeted: Mapping[str, Any]) -> None:
        """Look for the server for a client; a client that greets again gets a new session."""
        if greeted == self._greeted:
            return
        self._greeted = greeted
        if self._keeper is None:
            self._name = name
            self._keeper = asyncio.create_task(self._keep(), name="jmcp-connection")
        elif self._current is not None:
            self._current.forget()
            self._broke.set()

    @property
    def link(self) -> Link | None:
        """The way to the server, if there is one now."""
        return self._current if self._open else None

    async def wait(self) -> Link:
        """Return the way to the server as soon as there is one.

        Raises
        ------
        UnavailableError
            There is none, and waiting longer would not help.
        """
        begun, tries = asyncio.get_running_loop().time(), self._tries
        self._waiting += 1
        self._hurry.set()
        try:
            while not self._open or self._current is None:
                trouble = self._trouble or Trouble(
                    "The Jupyter server does not respond.", STARTING_SECONDS
                )
                # What was wrong before this request may have been mended since.
                settled = not trouble.patience and self._tries > tries
                patience = trouble.patience or STARTING_SECONDS
                left = begun + patience - asyncio.get_running_loop().time()
                if settled or left <= 0:
                    raise UnavailableError(_waited(trouble))
                changed = self._changed
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await changed.wait()
            return self._current
        finally:
            self._waiting -= 1

    def broken(self, link: Link) -> None:
        """Look for the server again: a request has found that the way is broken."""
        if link is self._current:
            self._open = False
            self._broke.set()

    async def end(self) -> None:
        """End the session, and look for no server any more."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._current is not None:
            await self._current.end()

    async def _keep(self) -> None:
        # These take time to import, and the client's first request does not need them.
        await asyncio.to_thread(importlib.import_module, f"{__package__}.link")
        way = await asyncio.to_thread(self._make_way)
        while True:
            self._broke.clear()
            pause = LOOK_SECONDS
            try:
                await self._connect(way)
            except Exception as error:
                trouble = trouble_of(error)
                self._fail(trouble)
                pause = LOOK_SECONDS if trouble.patience else REST_SECONDS
            else:
                await self._until_broken()
                self._closed()
            self._tries += 1
            self._notify()
            await self._pause(pause)

    async def _connect(self, way: Way) -> None:
        from .link import Link, NotLetInError

        def asked(words: str) -> None:
            self._fail(Trouble(words, PERMISSION_SECONDS))
            self._notify()

        reached = await way.find(self._name, asked)
        link = self._current
        if link is None or link.reached != reached:
            if link is not None:
                await link.end()
            link = self._current = Link(reached)
        try:
            tools = await link.open(self._greeted)
        except NotLetInError as error:
            way.refused(reached, str(error))
            # In the same words as from now on.
            await way.find(self._name, asked)
            raise
        self._opened(tools)
        self._open, self._trouble = True, None
        self._notify()

    async def _until_broken(self) -> None:
        """Pass on what the server says, until the connection breaks here or in a request."""
        broke = asyncio.create_task(self._broke.wait())
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait({broke, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open = False
            for task in (broke, listening):
                task.cancel()
            await asyncio.wait({broke, listening})

    async def _listen(self) -> None:
        from .link import NotLetInError, RefusedError

        assert self._current is not None
        try:
            async for line in self._current.listen():
                self._said(line)
        except (ConnectionError, NotLetInError):
            return
        except RefusedError:
            await self._broke.wait()  # It says nothing by itself, but answers.

    def _fail(self, trouble: Trouble) -> None:
        if self._trouble is None or trouble.words != self._trouble.words:
            self._tell(trouble.words)
        self._trouble = trouble

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try, and less if a request needs it."""
        if not self._waiting:
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()
        await asyncio.sleep(WANTED_SECONDS)


def _waited(trouble: Trouble) -> str:
    if not trouble.patience:
        return trouble.words
    waited = f"This call waited for {trouble.patience:.0f} seconds"
    return f"{trouble.words} ({waited}, and nothing was done.)"


def trouble_of(error: Exception) -> Trouble:
    """Return what an error means for those who wait."""
    from .pairing_client import UNTRUSTED, failure_words
    from .servers import NotRunningError

    words = failure_words(error)
    passes = isinstance(error, NotRunningError | ConnectionError) and words != UNTRUSTED
    return Trouble(words, STARTING_SECONDS if passes else 0.0)
