"""What tools need of the open notebooks, whoever keeps these: live rooms, or files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..files.file_ids import follow_folders
from ..files.moves import let_moves_wait
from ..files.reads_and_writes import take_turns
from ..files.signatures import sign_aside
from .liveness import NotLive, agent_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from logging import Logger

    from jupyter_server.serverapp import ServerApp

    from ..files.contents import Contents
    from ..notebooks.live_notebook import LiveNotebook
    from .notices import Notices
    from .texts import Texts
    from .troubles import Troubles
    from .unshared_pages import Pages


class Backend(Protocol):
    """The notebooks that are open on this server."""

    idle_seconds: float
    news: Notices
    ring: Callable[[], None]
    """Called when `troubles` may return something else."""

    @property
    def texts(self) -> Texts:
        """The text files that pages may have open."""

    async def open(self, path: str) -> LiveNotebook:
        """Open a notebook, or join it where it is open; see `Rooms.open`."""

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Open a notebook by the id of its file, wherever it was moved; by `path` without one."""

    def place_of(self, file_id: str) -> str | None:
        """Return where a file is by now, or None once it was deleted."""

    def find(self, path: str) -> LiveNotebook | None:
        """Return the notebook if we hold it open, without opening anything."""

    def paths_open(self) -> set[str]:
        """Return the paths of all notebooks that are open, by us or in a page."""

    def check(self, notebook: LiveNotebook) -> None:
        """Make sure, at this very moment, that what is written now will reach the file."""

    def standing(self, notebook: LiveNotebook) -> list[str]:
        """Return what holds of a notebook at present, and each agent is to be told once."""

    def lease(self, notebook: LiveNotebook) -> AbstractContextManager[None]:
        """Keep a notebook open for as long as the block runs."""

    async def prepare(self, notebook: LiveNotebook, *, edits: bool) -> None:
        """Bring in what pages have not shared yet, before a call changes the notebook.

        Raises
        ------
        UnavailableError
            The call edits, and a page holds on to what the person typed.
        """

    async def written(self, notebook: LiveNotebook) -> str | None:
        """Write what a call has changed, where nothing else does; return why not, in words."""

    def listen(self) -> None:
        """Follow what happens to documents and files, from the start of the server on."""

    def troubles(self) -> Troubles:
        """Return what a person must know of open documents."""

    async def save(self, notebook: LiveNotebook) -> None:
        """Write the notebook to disk now."""

    async def stop(self, seconds: float = 2.0) -> None:
        """Save every notebook, so that the server can end."""


def open_backend(
    serverapp: ServerApp,
    contents: Contents,
    log: Logger,
    *,
    why: NotLive | None,
    pages: Pages,
    idle_seconds: float,
) -> Backend:
    """Return what keeps the notebooks of a server: live rooms unless there is a reason why not.

    Without jupyter-server-ydoc nothing that needs it is even imported.
    """
    follow_folders()
    let_moves_wait(serverapp.contents_manager)
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
    rooms.news.standing = agent_words(why)
    settings = serverapp.web_app.settings
    settings["contents_manager"] = ApiContents(settings["contents_manager"], rooms.file)
    return rooms
