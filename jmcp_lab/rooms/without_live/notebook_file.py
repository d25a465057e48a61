"""A private document over the file of a notebook without a live room, kept in sync with it.

The file is authoritative. Before the document is read or changed, the file is checked and others'
changes are merged. Changes to the document are written at once.
"""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from ...codec.cell_form import source_of
from ...codec.fingerprint import Version, aligned
from ...errors import InvalidArgumentError, ToolError, UnavailableError
from ...files.notebook_files import NotebookFiles
from ...files.open_errors import explain
from ...files.save_errors import save_failure_message
from ...files.save_lock import saving
from ...notebooks.identity import number_of
from ...notebooks.live_notebook import LiveNotebook
from ...notebooks.notebook_document import NotebookDocument
from ...server.manager_errors import ManagerError
from ..external_changes import OUTSIDE_ORIGIN, merge_file
from ..saving.composed import composed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from ...notebooks.deep_events import DeepEvent
    from ..other_documents import Peer, Peers

MAX_TRIES = 5
TORN_SECONDS = 0.05
"""Seconds between the `MAX_TRIES` attempts to read a file that another program is writing."""

UNSAVED = -1
"""A change count that no document ever has."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identifies one state of a file."""

    modified: object
    size: int | None
    hash: str | None

    def same(self, other: Stamp) -> bool:
        """Return whether the content is the same; compare hashes if both have one."""
        if self.hash is not None and other.hash is not None:
            return self.hash == other.hash
        return (self.modified, self.size) == (other.modified, other.size)


class NotebookFile:
    """A document over one notebook file.

    Parameters
    ----------
    manager : ContentsManager
    path : Callable[[], str]
        Returns the current path; it follows renames.
    file_id : str
    changed : callable
        Called inside each transaction that changes cells.
    peers : Peers, optional
        Others who may have the notebook open live; their document is then authoritative, not the
        file.

    Attributes
    ----------
    notebook : LiveNotebook
        Not set before `load`.
    """

    notebook: LiveNotebook

    def __init__(
        self,
        manager: Any,  # noqa: ANN401 - its methods carry no types
        path: Callable[[], str],
        file_id: str,
        changed: Callable[[], None],
        peers: Peers | None = None,
    ) -> None:
        self._manager = NotebookFiles(manager)
        self._path = path
        self._file_id = file_id
        self._document = NotebookDocument()
        self._file: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._touched: set[str] = set()
        self._lock = asyncio.Lock()
        self._writing = False
        self._unread: tuple[dict[str, Any], dict[str, dict[str, Any]], set[str]] | None = None
        self._savers = 0
        self._changed = changed
        self._peers = peers
        self.stamp = Stamp(None, None, None)

    async def load(self) -> None:
        """Read the file for the first time.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            It is not a notebook that can be opened.
        """
        content, self.stamp = await self._read(await self.peer())
        path = self._path()
        try:
            self._document.set(content)
            self.notebook = LiveNotebook(self._document, self._path, self._file_id)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidArgumentError(
                f"'{path}' is not a notebook that can be opened ({type(error).__name__})."
            ) from error
        if not content["cells"]:
            # A document built from an empty notebook gets a cell that nobody wrote.
            del self._document.ycells[0]
        self._file, self._known = content, self._by_id(self.notebook.ids, content["cells"])
        self._end_events = self._document.events.listen(self._on_change)
        self.notebook.repair_ids()
        self.notebook.identity.enter(self._base(), self._number)
        self.notebook.sync_file = self.check
        # These repairs are written together with the first requested change.
        self.notebook.mark_saved(self.notebook.changes)

    def close(self) -> None:
        """Release the document."""
        self.notebook.identity.leave(self._base(), self._number)
        self._end_events()
        self.notebook.close()

    @property
    def unwritten(self) -> bool:
        """Whether the document may contain changes that the file lacks."""
        return self.notebook.edited

    async def check(self) -> bool:
        """Merge what others have written; return whether there was anything.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            The file is no longer a notebook.
        """
        async with self._lock:
            before = self.stamp
            await self._sync()
            return not before.same(self.stamp)

    async def write(self) -> bool:
        """Write the changes, merged with what others wrote; return whether there were any.

        Raises
        ------
        NotFoundError
            The file is gone; it is not recreated.
        InvalidArgumentError
            Another program has replaced it with something else.
        UnavailableError
            It cannot be written. The document keeps the changes.
        """
        async with self._lock, self._alone():
            peer = await self._sync()
            # No await may come between this check and the write.
            changes, touched = self.notebook.changes, set(self._touched)
            content = composed(self.notebook, self._file, self._known, touched)
            ids = list(self.notebook.ids)
            if content is not None:
                await self._save_aside(content, peer, touched)
                self._touched -= touched if changes == self.notebook.changes else set()
                self._file, self._known = content, self._by_id(ids, content["cells"])
            self.notebook.mark_saved(changes)
            return content is not None

    # -- others who use the contents API -------------------------------------------------------

    def others_read(self) -> None:
        """Record that a client is about to read the file and will know what was written to it."""
        if not self._writing:
            # During a write, the client may still read the old content.
            self._unread = None

    @asynccontextmanager
    async def others_save(self) -> AsyncIterator[None]:
        """Follow a save by a client that knows only what it last read of the file.

        The client did not remove what was written since that read, so those changes are merged
        again.
        """
        self._savers += 1
        try:
            yield
            # The next call checks the file again, and reports why it is unreadable.
            with suppress(ToolError):
                await self.check()
            if self._savers == 1:
                self._unread = None
        finally:
            self._savers -= 1

    async def _save_aside(
        self, content: dict[str, Any], peer: Peer | None, touched: set[str]
    ) -> None:
        """Save; until the next read, remember the file's earlier content and the changed cells."""
        if peer is None:
            file, known, before = self._unread or (self._file, self._known, set())
            self._unread = file, known, before | touched
        self._writing = True
        try:
            await self._save(content, peer)
        finally:
            self._writing = False

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keep other servers from writing the file meanwhile."""
        path = self._path()
        try:
            async with saving(self._manager, path):
                yield
        except OSError as error:
            raise UnavailableError(save_failure_message(path, error)) from error

    # -- reading -------------------------------------------------------------------------------

    async def peer(self) -> Peer | None:
        """Return the notebook if others have it open live, or None."""
        return None if self._peers is None else await self._peers.find(self._file_id)

    async def _read(self, peer: Peer | None) -> tuple[dict[str, Any], Stamp]:
        if peer is not None:
            return peer.content(), Stamp(None, None, peer.mark)
        model = await self._get(self._path(), type="notebook", content=True)
        return cast("dict[str, Any]", model["content"]), _stamp(model)

    async def _get(self, path: str, **options: Any) -> dict[str, Any]:
        try:
            found = await self._manager.get(path, require_hash=True, **options)
        except ManagerError as error:
            explain(path, error)
        except OSError as error:
            raise UnavailableError(f"'{path}' could not be read: {cause(error)}.") from error
        return cast("dict[str, Any]", found)

    async def _sync(self) -> Peer | None:
        """Merge what others have written; return the peer that has the notebook open live."""
        peer = await self.peer()
        if peer is not None:
            now = Stamp(None, None, peer.mark)
        else:
            now = _stamp(await self._get(self._path(), content=False))
        if now.same(self.stamp):
            self.stamp = now
            return peer
        content, stamp = await self._read_whole(peer)
        self._merge_file(content)
        self.stamp = stamp
        return peer

    async def _read_whole(self, peer: Peer | None) -> tuple[dict[str, Any], Stamp]:
        """Read a file that may be in the middle of a write, when it is briefly incomplete."""
        for _ in range(MAX_TRIES):
            try:
                return await self._read(peer)
            except InvalidArgumentError:
                await asyncio.sleep(TORN_SECONDS)
        return await self._read(peer)

    def _merge_file(self, content: dict[str, Any]) -> None:
        """Merge a newer file into the document, without awaiting."""
        notebook = self.notebook
        unknown = self._unread if self._savers else None
        self._unread = None
        if unknown is not None:
            self._file, self._known, touched = unknown
            self._touched |= touched
        clean = not notebook.edited
        base_cells = [{**cell, "id": cell_id} for cell_id, cell in self._known.items()]
        old = [(cell_id, source_of(cell)) for cell_id, cell in self._known.items()]
        version = Version.of(content)
        notebook.identity.file_changed(self._base(), version, self._number)
        if version.ids is None:
            ids = aligned([cell.source for cell in version.cells], old)
        else:
            ids = list(version.ids)
            if not self._had_ids() or not set(ids) & set(self._known):
                base_cells = self._adopt(ids, [c.source for c in version.cells], base_cells)
        base = Version.of({**self._file, "cells": base_cells})
        named = [
            {**cell, "id": cell_id} for cell_id, cell in zip(ids, content["cells"], strict=True)
        ]
        self._document.learn({**content, "cells": named})
        merge_file(notebook, base, {**content, "cells": named})
        self._file, self._known = content, self._by_id(ids, content["cells"])
        if (clean or unknown) and composed(notebook, content, self._known, self._touched) is None:
            self._touched.clear()
            notebook.mark_saved(notebook.changes)
        elif unknown:
            notebook.mark_saved(UNSAVED)
            self._changed()

    def _base(self) -> Version:
        cells = [{**cell, "id": cell_id} for cell_id, cell in self._known.items()]
        return Version.of({**self._file, "cells": cells})

    @property
    def _number(self) -> int | None:
        """The file's inode, which a write in place preserves; None where others keep the file."""
        return None if self._peers is not None else number_of(self._manager, self._path())

    def _had_ids(self) -> bool:
        return all(cell.get("id") for cell in self._file["cells"])

    def _adopt(
        self, ids: list[str], sources: list[str], base: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Rename cells to the ids under which another program saved them.

        JupyterLab does that with a notebook whose format has no ids.
        """
        notebook = self.notebook
        named = dict(zip(self._known, base, strict=True))
        there = aligned(sources, [(i, source_of(cell)) for i, cell in named.items()])
        for new, old in zip(ids, there, strict=True):
            index = notebook.index(old)
            if old in named and index is not None and notebook.index(new) is None:
                with notebook.transaction(OUTSIDE_ORIGIN):
                    notebook.ycells[index]["id"] = new
                named[old] = {**named[old], "id": new}
        return list(named.values())

    @staticmethod
    def _by_id(ids: list[str], contents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the file's cells by the document's ids, or nothing if these are ambiguous."""
        if len(ids) != len(contents) or len(set(ids)) != len(ids):
            return {}
        return dict(zip(ids, contents, strict=True))

    def _on_change(self, events: list[DeepEvent], cell_ids: Collection[str]) -> None:
        self._changed()
        self._touched.update(cell_ids)
        for event in events:
            if event.path:
                self._touched.add(str(self._document.order[event.path[0]]["id"]))
            else:
                for change in event.delta:
                    self._touched.update(str(cell["id"]) for cell in change.get("insert", ()))

    # -- writing -------------------------------------------------------------------------------

    async def _save(self, content: dict[str, Any], peer: Peer | None) -> None:
        if peer is not None:
            peer.put(self._base(), content)
            self.stamp = Stamp(None, None, peer.mark)
            await peer.saved()
            return
        path = self._path()
        model = {"type": "notebook", "format": "json", "content": content}
        try:
            saved = _stamp(await ensure_async(self._manager.save(model, path)))
        except (ManagerError, OSError) as error:
            raise UnavailableError(f"'{path}' could not be written: {cause(error)}.") from error
        found = _stamp(await self._get(path, content=False))
        # If another program has written in between, the document does not know that content.
        self.stamp = found if found.modified == saved.modified else saved


def _stamp(model: dict[str, Any]) -> Stamp:
    return Stamp(model.get("last_modified"), model.get("size"), model.get("hash"))


def cause(error: BaseException) -> str:
    """Return why a file could not be written, without revealing server paths."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None:
            words = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
            return words.get(seen.errno) or (seen.strerror or "the disk refused it").lower()
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, ManagerError) and error.status_code == 403:
        return "permission denied"
    return "the server's contents manager refused it"
