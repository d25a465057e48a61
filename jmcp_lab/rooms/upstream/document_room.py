"""jupyter-server-ydoc's room of one document, with types and plain names for its private parts.

The project's rooms derive from `UpstreamRoom`. Everything that jupyter-server-ydoc or pycrdt calls
by a private name is overridden here, and everything private that a room needs of them is read here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from anyio import BrokenResourceError, ClosedResourceError
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.utils import LogLevel
from pycrdt import create_update_message

from .room_file import RoomFile

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from logging import Logger

    from jupyter_ydoc.ybasedoc import YBaseDoc
    from pycrdt import Awareness, Channel, Doc

    from .store_interface import UpstreamStore


class UpstreamRoom(DocumentRoom, ABC):  # type: ignore[misc]  # its base has no types
    """The room of one document.

    Attributes
    ----------
    file : RoomFile
    """

    awareness: Awareness
    cleaner: asyncio.Task[None] | None
    clients: set[Channel]
    file_format: str
    file_type: str
    log: Logger
    on_message: Callable[[bytes], bool | Awaitable[bool]] | None
    on_message_error: Callable[[Exception, bytes, Channel], bool | Awaitable[bool]] | None
    ready: bool
    room_id: str
    ydoc: Doc[Any]
    ystore: UpstreamStore

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.file = RoomFile(self._file)

    # -- what a room of ours does ------------------------------------------------------------------

    @property
    @abstractmethod
    def is_ours(self) -> bool:
        """Whether this class loads and saves the document; upstream does that for other kinds."""

    @property
    @abstractmethod
    def unsaved(self) -> bool:
        """Whether there are unsaved changes."""

    @abstractmethod
    def on_change(self, part: str) -> None:
        """Handle a change of the document; `part` is its state or a part of its content."""

    @abstractmethod
    def save_now(self) -> asyncio.Task[None]:
        """Save, as when a person asks for it; the task raises the save's error."""

    @abstractmethod
    async def end_history(self) -> None:
        """Close the document's history."""

    def receivers(self) -> set[Channel]:
        """Return the clients that get updates of the document."""
        return self.clients

    # -- the document ------------------------------------------------------------------------------

    @property
    def document(self) -> YBaseDoc:
        """The shared document."""
        return cast("YBaseDoc", self._document)

    @property
    def path(self) -> str:
        """The current path of the file, or the last known one."""
        try:
            return self.file.path
        except RuntimeError:
            return str(self.document.path)

    @property
    def update_lock(self) -> asyncio.Lock:
        """While it is held, changes of the document count as read from the file."""
        return cast("asyncio.Lock", self._update_lock)

    @property
    def save_delay(self) -> float | None:
        """Seconds without a change before a save; None never saves automatically."""
        return cast("float | None", self._save_delay)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction of the document is open."""
        return self.ydoc._txn is not None

    # -- events ------------------------------------------------------------------------------------

    def announce(self, words: str, action: str | None = None) -> None:
        """Emit an event of this room.

        On a warning, pages ask the person to close a second view, whatever the event says.
        """
        self._emit(LogLevel.INFO, action, words)

    def announce_failure(self, words: str) -> None:
        """Emit an error of this room."""
        self._emit(LogLevel.ERROR, None, words)

    def report(self, error: Exception) -> None:
        """Report an error that ended the connection of a page."""
        self._handle_exception(error)

    # -- updates to pages --------------------------------------------------------------------------

    def send_update(self, update: bytes) -> None:
        """Send an update of the document to the pages."""
        stream = getattr(self, "_update_send_stream", None)
        # The stream is closed once no page listens any more.
        with suppress(BrokenResourceError, ClosedResourceError):
            if stream is not None:
                stream.send_nowait(update)

    async def _broadcast_updates(self) -> None:
        async with self._update_receive_stream:
            async for update in self._update_receive_stream:
                message = create_update_message(update)
                for client in self.receivers():
                    self._task_group.start_soon(client.send, message)
                if not self.is_ours:
                    # Our rooms store each update before they send it.
                    self.ystore.add(update)

    async def _watch_ready(self) -> None:
        """Observe nothing: a room of ours observes its document from the moment it is loaded."""
        await self.ready_event.wait()
        if not self.is_ours:
            await super()._watch_ready()
        self.ydoc_observed.set()

    # -- saving, and the file ----------------------------------------------------------------------

    def _on_document_change(self, target: str, event: object) -> None:
        self.on_change(target)

    def _save_to_disc(self) -> asyncio.Task[None]:
        return self.save_now()

    async def _on_outofband_change(self) -> None:
        """Ignore the notification where a room of ours inspects its file itself."""
        if not self.is_ours:
            await self.load_file_again()

    async def load_file_again(self) -> None:
        """Overwrite the document with the file."""
        await super()._on_outofband_change()

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Release the document."""
        await super().stop()
        # Upstream leaves these streams open, and Python warns about that.
        for name in ("_update_send_stream", "_update_receive_stream"):
            if (stream := getattr(self, name, None)) is not None:
                stream.close()
