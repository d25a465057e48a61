"""The interface through which tools use open notebooks, live or edited through their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..files.file_ids import follow_folders
from ..files.moves import let_moves_wait
from ..files.reads_and_writes import take_turns
from ..files.signatures import sign_aside
from .liveness import NotLive, agent_words
from .upstream.names import Part, names_off

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager
    from logging import Logger

    from jupyter_server.serverapp import ServerApp

    from ..files.contents import Contents
    from ..notebooks.live_notebook import LiveNotebook
    from .notices import Notices
    from .texts import Texts
    from .troubles import Troubles
    from .unshared_pages import Pages
    from .upstream.names import Name


class Backend(Protocol):
    """The notebooks that are open on this server."""

    idle_seconds: float
    notices: Notices
    ring: Callable[[], None]
    """Callback to call when `troubles` may return something new."""

    @property
    def texts(self) -> Texts:
        """The text files that pages may have open."""

    async def open(self, path: str) -> LiveNotebook:
        """Open a notebook, or join its room if it is already open; see `Rooms.open`."""

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Open a notebook by file id, which survives moves; fall back to `path` without an id."""

    def place_of(self, file_id: str) -> str | None:
        """Return the current path of a file, or None if it was deleted."""

    def find(self, path: str) -> LiveNotebook | None:
        """Return the notebook if this backend already holds it open; never open it."""

    def paths_open(self) -> set[str]:
        """Return the paths of all notebooks that this backend or a page has open."""

    def check(self, notebook: LiveNotebook) -> None:
        """Verify, without awaiting, that a write made now will reach the file."""

    def standing(self, notebook: LiveNotebook) -> list[str]:
        """Return the current conditions of a notebook that each agent must be told once."""

    def lease(self, notebook: LiveNotebook) -> AbstractContextManager[None]:
        """Keep a notebook open while the block runs."""

    async def prepare(self, notebook: LiveNotebook, *, edits: bool) -> None:
        """Fetch changes that pages have not shared yet, before a call changes the notebook.

        Raises
        ------
        UnavailableError
            The call edits, and a page keeps unsaved input that it does not share.
        """

    async def written(self, notebook: LiveNotebook) -> str | None:
        """Write a call's changes if nothing else does; return a message if that failed."""

    def listen(self) -> None:
        """Start following document and file events; call this once at server start."""

    def troubles(self) -> Troubles:
        """Return the problems of open documents that need a person."""

    async def save(self, notebook: LiveNotebook) -> None:
        """Write the notebook to disk now."""

    async def stop(self, seconds: float = 2.0) -> None:
        """Save every notebook before the server shuts down."""


def open_backend(
    serverapp: ServerApp,
    contents: Contents,
    log: Logger,
    *,
    why: NotLive | None,
    pages: Pages,
    idle_seconds: float,
    missing: Collection[Name] = (),
) -> Backend:
    """Return the backend of a server: live rooms, or files alone if `why` names an obstacle.

    Without jupyter-server-ydoc, this function does not import any module that needs it. It skips
    each patch that relies on a missing name.
    """
    if why is NotLive.UPSTREAM:
        from .closed_rooms import ClosedRooms

        return ClosedRooms(agent_words(why, names_off(missing)), idle_seconds)
    off = {name.part for name in missing}
    if Part.FILE_IDS not in off:
        follow_folders()
    let_moves_wait(serverapp.contents_manager)
    if Part.SIGNATURES not in off:
        sign_aside(serverapp.contents_manager)
    take_turns(serverapp.contents_manager)
    if why is None:
        from .rooms import Rooms

        return Rooms(serverapp, contents, log, idle_seconds=idle_seconds)
    from .other_documents import Peers
    from .without_live.api_contents import ApiContents
    from .without_live.file_rooms import FileRooms

    peers = Peers(serverapp) if why is NotLive.OTHERS else None
    rooms = FileRooms(serverapp, contents, pages, log, idle_seconds=idle_seconds, peers=peers)
    rooms.notices.standing = agent_words(why)
    settings = serverapp.web_app.settings
    settings["contents_manager"] = ApiContents(settings["contents_manager"], rooms.file)
    return rooms
