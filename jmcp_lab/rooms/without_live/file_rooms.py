"""Notebooks without live documents: each is a private document over its file.

No page joins these documents, so the file is what a person, an agent and every other program share.
Each call checks the file first, and writes its changes at once. A page that has a notebook open
without unsaved changes reloads it. A page with unsaved changes is asked to save them first; until
it has, nothing is written behind the person's back.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ...errors import NotFoundError, ToolError, UnavailableError
from ...files.open_errors import check_notebook
from .. import notices
from ..notices import Notices
from ..openings import Openings
from ..texts import ASK_SECONDS, FileTexts
from ..troubles import Troubles
from .notebook_file import NotebookFile
from .open_file import MAX_PAUSE_SECONDS, WRITE_SECONDS, OpenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from logging import Logger

    from jupyter_server.serverapp import ServerApp

    from ...files.contents import Contents
    from ...notebooks.live_notebook import LiveNotebook
    from ..other_documents import Peers
    from ..unshared_pages import Pages

IDLE_SECONDS = 120.0
"""Seconds that a notebook stays in memory after the last call that used it."""


class FileRooms:
    """The notebooks that agents have open, without live documents.

    Parameters
    ----------
    serverapp : ServerApp
    contents : Contents
    pages : Pages
    log : Logger
    idle_seconds : float, optional
    peers : Peers, optional
        The live documents of another extension, if there is one.
    """

    def __init__(
        self,
        serverapp: ServerApp,
        contents: Contents,
        pages: Pages,
        log: Logger,
        *,
        idle_seconds: float = IDLE_SECONDS,
        peers: Peers | None = None,
    ) -> None:
        self._serverapp = serverapp
        self._contents = contents
        self._pages = pages
        self._peers = peers
        self._log = log
        self.idle_seconds = idle_seconds
        self.notices = Notices()
        self._open: dict[str, OpenFile] = {}
        self._own_ids: dict[str, str] = {}
        self.texts = FileTexts(pages, peers, self._file_id)
        self.ring: Callable[[], None] = lambda: None
        self._openings = Openings[OpenFile]()

    # -- opening -------------------------------------------------------------------------------

    async def open(self, path: str) -> LiveNotebook:
        """Open a notebook with its file's current content.

        Raises
        ------
        NotFoundError
            There is no such notebook.
        InvalidArgumentError
            The path is not a notebook, or not a readable one.
        """
        path = self._contents.check_path(path)
        state = await self._contents.look(path)
        if state is None:
            held = await self._follow(path)
        else:
            held = self._held(path) or await self._openings.open(path, lambda: self._start(path))
            held.state = state
        held.names.add(path)
        self._touch(held)
        await self._check_file(held)
        return held.file.notebook

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Open a notebook by file id, which survives moves; fall back to `path` without an id."""
        return await self.open(self.place_of(file_id) or path)

    def find(self, path: str) -> LiveNotebook | None:
        """Return the notebook if we hold it open; never open it."""
        file = self.file(path)
        return file.notebook if file else None

    def file(self, path: str) -> NotebookFile | None:
        """Return the file of a notebook that we hold open, or None."""
        held = self._held(path)
        return held.file if held else None

    def paths_open(self) -> set[str]:
        """Return the paths of all notebooks that jmcp_lab or a page has open."""
        return {held.path for held in self._open.values()} | self._pages.paths()

    def check(self, notebook: LiveNotebook) -> None:
        """Verify, without awaiting, that a write made now will reach the file.

        Raises
        ------
        NotFoundError
            The file was deleted or moved away while the caller waited.
        UnavailableError
            The notebook was closed.
        """
        held = self._of(notebook)
        if (where := self._where(held)) is None or self._contents.gone(where):
            raise NotFoundError(notices.gone_meanwhile(held.path))
        self._contents.check_path(where)

    async def prepare(self, notebook: LiveNotebook, *, edits: bool) -> None:
        """Let pages save typed text, and merge it, before a call changes the notebook.

        Raises
        ------
        UnavailableError
            The call edits, and a page keeps unsaved input.
        """
        held = self._of(notebook)
        if await self._is_shared(held):
            await self._check_file(held)
        elif edits:
            raise UnavailableError(
                f"'{held.path}' has unsaved changes in JupyterLab, so nothing was changed. Ask the "
                "user to save the notebook (Ctrl+S), then call again."
            )

    def _held(self, path: str) -> OpenFile | None:
        found = self._file_id(path)
        return None if found is None else self._open.get(found)

    def _of(self, notebook: LiveNotebook) -> OpenFile:
        held = self._open.get(notebook.file_id)
        if held is None or held.file.notebook is not notebook:
            raise UnavailableError("The notebook has been closed. Call the tool again.")
        return held

    async def _start(self, path: str) -> OpenFile:
        await check_notebook(self._serverapp, path)
        file_id = self._index(path)
        file = NotebookFile(
            self._serverapp.contents_manager,
            lambda: self._where(held) or held.path,
            file_id,
            lambda: self._sync_soon(held),
            self._peers,
        )
        held = OpenFile(path, file, file_id)
        await file.load()
        held.follow_pages(self._pages)
        if (other := self._open.get(file_id)) is not None:
            # Another call opened the notebook by another of its names meanwhile.
            file.close()
            return other
        self._open[file_id] = held
        # The caller that asked for it may be gone. Then this notebook closes like any other.
        self._touch(held)
        return held

    async def _check_file(self, held: OpenFile) -> None:
        if await held.file.check() and held.path not in self._pages.paths():
            self.notices.add(held.file_id, notices.merged(held.path))

    # -- files that move -----------------------------------------------------------------------

    @property
    def _file_ids(self) -> Any:  # noqa: ANN401 - its methods carry no types
        web_app = self._serverapp.web_app
        return web_app.settings.get("file_id_manager")

    def _file_id(self, path: str) -> str | None:
        if self._file_ids is None:
            return self._own_ids.get(path)
        found = self._file_ids.get_id(path)
        return None if found is None else str(found)

    def _index(self, path: str) -> str:
        """Return the id of a file; without a file id service, create one for this path."""
        if self._file_ids is None:
            return self._own_ids.setdefault(path, str(uuid4()))
        return str(self._file_ids.index(path))

    def place_of(self, file_id: str) -> str | None:
        """Return the current path of a file, or None if it was deleted."""
        if self._file_ids is None:
            return next((path for path, own in self._own_ids.items() if own == file_id), None)
        found = self._file_ids.get_path(file_id)
        return None if found is None else str(found)

    def _where(self, held: OpenFile) -> str | None:
        """Return the current path of a notebook, or None if it was deleted."""
        found = self.place_of(held.file_id)
        if found is not None:
            held.path = found
            held.names.add(found)
        return found

    async def _follow(self, path: str) -> OpenFile:
        """Return the notebook that was open as `path` and has moved since.

        Raises
        ------
        NotFoundError
        """
        for held in list(self._open.values()):
            if path not in held.names:
                continue
            where = self._where(held)
            if where is not None and where != path:
                held.state = await self._contents.look(where)
                if held.state is not None:
                    return held
            elif held.state is not None and held.state.key is not None:
                # A shell moved the file, so the server knows only the old path.
                found = await self._contents.find_key(held.state.key)
                if found is not None and self._moved(held, path, found):
                    return held
            self._forget(held)
            raise NotFoundError(notices.gone(path))
        await check_notebook(self._serverapp, path)
        raise NotFoundError(f"There is no notebook '{path}'.")

    def _moved(self, held: OpenFile, old: str, new: str) -> bool:
        if self._file_ids is None:
            self._own_ids[new] = self._own_ids.pop(old)
        elif self._file_id(new) in self._open:
            return False
        else:
            if self._file_id(new) is not None:
                self._file_ids.delete(new)
            self._file_ids.move(old, new)
        self._where(held)
        self.notices.add(held.file_id, notices.moved(old, new))
        return True

    # -- writing -------------------------------------------------------------------------------

    async def written(self, notebook: LiveNotebook) -> str | None:
        """Write a call's changes; return a message why that is not possible yet."""
        held = self._open.get(notebook.file_id)
        if held is None or held.file.notebook is not notebook:
            return None
        return await self._write(held)

    def standing(self, notebook: LiveNotebook) -> list[str]:
        """Return nothing: each call writes its changes."""
        return []

    def listen(self) -> None:
        """Do nothing: each call checks the files."""

    def troubles(self) -> Troubles:
        """Return nothing: a call whose write fails reports that itself."""
        return Troubles()

    async def save(self, notebook: LiveNotebook) -> None:
        """Write the notebook to disk now.

        Raises
        ------
        UnavailableError
            It could not be written.
        """
        if (words := await self.written(notebook)) is not None:
            raise UnavailableError(words)

    async def _write(self, held: OpenFile) -> str | None:
        if not held.file.unwritten:
            return None
        if not await self._is_shared(held):
            return (
                f"'{held.path}' has unsaved changes in JupyterLab, so your changes are not in the "
                "file yet. They will be written as soon as the user saves the notebook. Ask the "
                "user to save it."
            )
        return await self._write_now(held)

    async def _is_shared(self, held: OpenFile) -> bool:
        """Return whether we can see the pages' content, after asking pages to save it."""
        if await held.file.peer() is not None:
            return True
        return await self._pages.saved(held.path, ASK_SECONDS)

    async def _write_now(self, held: OpenFile) -> str | None:
        started = time.monotonic()
        try:
            changed = await held.file.write()
        except ToolError as error:
            if not held.warned:
                self._log.warning("%s", error.message)
            held.warned = True
            held.pause = min(held.pause * 2, MAX_PAUSE_SECONDS)
            return f"{error.message} The change is kept, and the server keeps trying to write it."
        spent = time.monotonic() - started
        held.warned = False
        held.pause = min(max(WRITE_SECONDS, spent * 4), MAX_PAUSE_SECONDS)
        if changed:
            self._pages.wrote(held.path)
        return None

    def _sync_soon(self, held: OpenFile) -> None:
        if held.sync_task is None or held.sync_task.done():
            held.sync_task = asyncio.get_running_loop().create_task(
                self._keep_in_sync(held), name="jmcp notebook writer"
            )

    async def _keep_in_sync(self, held: OpenFile) -> None:
        """Keep file and document in sync while a call waits or runs and until all is written."""
        while self._open.get(held.file_id) is held and (held.leases or held.file.unwritten):
            await asyncio.sleep(held.pause)
            where = self._where(held)
            if where is None or self._contents.gone(where):
                if not held.leases:
                    self._forget(held)
                continue
            try:
                with suppress(ToolError):
                    await self._check_file(held)
                await self._write(held)
            except Exception:
                # The contents manager may raise any exception. Unwritten changes are retried.
                self._log.exception("'%s' could not be kept in step with its file", held.path)
                held.pause = MAX_PAUSE_SECONDS

    # -- staying open --------------------------------------------------------------------------

    def _touch(self, held: OpenFile) -> None:
        held.used = time.monotonic()
        if held.timer is None:
            self._arm(held, self.idle_seconds)

    def _arm(self, held: OpenFile, seconds: float) -> None:
        held.timer = asyncio.get_running_loop().call_later(seconds, self._on_idle, held)

    def _on_idle(self, held: OpenFile) -> None:
        held.timer = None
        rest = held.used + self.idle_seconds - time.monotonic()
        if held.leases or held.file.unwritten or rest > 0:
            # Unwritten changes exist only in this document.
            self._arm(held, max(rest, self.idle_seconds / 4))
        else:
            self._forget(held)

    @contextmanager
    def lease(self, notebook: LiveNotebook) -> Iterator[None]:
        """Keep a notebook open and in sync with its file while the block runs."""
        held = self._of(notebook)
        held.leases += 1
        self._touch(held)
        self._sync_soon(held)
        try:
            yield
        finally:
            held.leases -= 1
            held.used = time.monotonic()

    def _forget(self, held: OpenFile) -> None:
        self._open.pop(held.file_id, None)
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        held.file.close()

    async def stop(self, seconds: float = 2.0) -> None:
        """Write every notebook, even where a page has unsaved changes: nothing else will."""
        self._openings.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for held in list(self._open.values()):
                    if held.file.unwritten:
                        await self._write_now(held)
        for held in list(self._open.values()):
            if held.sync_task is not None:
                held.sync_task.cancel()
            self._forget(held)
