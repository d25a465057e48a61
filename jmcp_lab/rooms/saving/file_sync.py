"""Track an open document's file: the content of the last sync, and when the file changes.

jupyter-server-ydoc watches a file's modification time. It can record a new time before it has read
the file; a save that waits meanwhile then overwrites another program's changes. It always
overwrites a file with an older time, as from a backup, and it uses the time of a symbolic link, not
of its target. This module uses the file's hash, and accepts one as known only after the document
has merged that content. A save that finds other content merges it first, and then writes both.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from ...codec.fingerprint import Version
from ...files.notebook_files import why_no_notebook
from ...files.save_lock import saving
from ...files.written_hash import writes_as_given
from ...notebooks.notebook_document import NotebookDocument
from ...notebooks.one_moment import content_at_one_moment
from ..document_kind import version_aside
from ..upstream.followed_loader import Save
from ..upstream.room_file import OutOfBandChanges
from .copies import unreadable
from .read_back import file_number, read_back

if TYPE_CHECKING:
    from ...notebooks.identity import Identity
    from ...notebooks.live_notebook import LiveNotebook
    from ..content_versions import ContentVersion
    from ..document_kind import DocumentKind
    from ..upstream.document_room import UpstreamRoom
    from .file_listener import FileListener

MAX_TRIES = 3
"""Maximum attempts to save while another program keeps writing the file."""

MAX_MOVE_TRIES = 10
MOVE_SECONDS = 0.02
"""Seconds between the `MAX_MOVE_TRIES` checks whether a missing file has a new name."""

WRONG = (400, 500)
"""HTTP statuses that contents managers give for a file of another kind than requested."""


class FileSync:
    """Follows the file of one room, from before it is first read.

    Parameters
    ----------
    room : UpstreamRoom
    listener : FileListener

    Attributes
    ----------
    why_invalid : str or None
        Why the file of the open notebook is no longer a notebook.
    """

    def __init__(self, room: UpstreamRoom, listener: FileListener) -> None:
        self._room = room
        self._listener = listener
        self._file = room.file
        self._attached = False
        self._unreadable = False
        self._suspected: str | None = None
        self.why_invalid: str | None = None
        self._base: ContentVersion | None = None
        self._stored: ContentVersion | None = None
        self._attempted: ContentVersion | None = None
        self._known: Any = None
        self._hash: str | None = None
        self._checked: object = None
        self._get: Any = None
        self._syncing = asyncio.Lock()
        self._syncs = 0

    @property
    def _notebook(self) -> LiveNotebook | None:
        kind = self._listener.kind
        return None if kind is None else kind.notebook

    @property
    def _identity(self) -> Identity | None:
        """What tells whether a call still means this notebook; None for a text."""
        return None if self._notebook is None else self._notebook.identity

    @property
    def known(self) -> object:
        """The modification time of the file that the document was last synced with."""
        return self._known

    async def read(self) -> tuple[Any, str | None]:
        """Read the file to build a document from it; return its content and its hash."""
        async with self._file.lock:
            model = await self._read(await self._metadata())
            self._note(model)
        if isinstance(self._room.document, NotebookDocument):
            await self._room.document.learn_aside(model["content"])
        return model["content"], model.get("hash")

    def attach(self, base: ContentVersion) -> None:
        """Start merging changes of the file into the document.

        Parameters
        ----------
        base : ContentVersion
            The version of the file that the document was synced with.
        """
        self._base, self._stored, self._attached = base, base, True
        if (identity := self._identity) is not None:
            identity.enter(cast("Version", base), file_number(self._file))
        self._file.checks[self._room.room_id] = self.check
        if self._notebook is not None:
            self._get = self._room.document.aget
            cast("Any", self._room.document).aget = self._on_get

    def detach(self) -> None:
        """Stop following the file."""
        if self._attached and (identity := self._identity) is not None:
            identity.leave(cast("Version", self._base), file_number(self._file))
        self._attached = False
        self._file.checks.pop(self._room.room_id, None)
        if self._get is not None:
            cast("Any", self._room.document).aget = self._get
            self._get = None

    # -- reading the file --------------------------------------------------------------------------

    async def _metadata(self) -> dict[str, Any]:
        manager = self._file.manager
        return await manager.get(self._file.path, content=False, require_hash=True)

    async def _read(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return the file with its hash.

        A file that is not a notebook, or not a text, is marked as unreadable under the metadata in
        `before`. The caller fetched `before` just now: what another program writes meanwhile may be
        valid.
        """
        room = self._room
        try:
            model = await self._get_content()
        except Exception as error:
            # A brief failure of the disk or network says nothing about the file.
            if not isinstance(error, OSError) and getattr(error, "status_code", 400) in WRONG:
                # The next save replaces the file with the document.
                self._note(before)
                self._unreadable = True
                if room.file_type == "notebook":
                    self._suspected = why_no_notebook(error)
            raise
        self._is_readable()
        return model

    async def _get_content(self) -> dict[str, Any]:
        file, room = self._file, self._room
        kind = {"format": room.file_format, "type": room.file_type}
        return await file.manager.get(file.path, content=True, require_hash=True, **kind)

    def _is_readable(self) -> None:
        self._unreadable = False
        self._suspected = self.why_invalid = None

    def _note(self, model: dict[str, Any]) -> None:
        self._known = self._file.last_modified = model["last_modified"]
        self._hash = model.get("hash")
        self._checked = None

    def _is_known(self, model: dict[str, Any]) -> bool:
        found = model.get("hash")
        if self._hash is None or found is None:
            return bool(model["last_modified"] == self._known)
        # Two saves within one tick of the disk's clock have the same time.
        return bool(found == self._hash)

    async def check(self) -> None:
        """Merge what another program has written, if anything."""
        suspected = self._suspected
        try:
            await self._check()
        except Exception as error:
            # Contents managers raise arbitrary errors. This one is announced to people below;
            # upstream would log a traceback.
            if self._suspected is None or why_no_notebook(error) is None:
                raise
            self._room.log.warning("%s is not a notebook: %s", self._file.path, self._suspected)
        if suspected is not None and self._suspected == suspected != self.why_invalid:
            # A program that was still writing the file has had time to finish.
            self.why_invalid = suspected
            self._listener.announce_invalid_file(suspected)

    async def _check(self) -> None:
        marks = self._file.marks()
        if not self._attached or marks == self._checked:
            return
        async with self._file.lock:
            found = await self._metadata()
            if self._is_known(found):
                self._known, self._checked = found["last_modified"], marks
                return
        if await self._sync(saving=False):
            self._listener.save_soon()

    # -- saving the document -----------------------------------------------------------------------

    async def _on_get(self, deduplicate: bool = True) -> Any:  # noqa: ANN401
        """Return the document's content with all cells from one moment.

        jupyter-ydoc iterates over the cells by index, and lets other tasks run in between. If cells
        are inserted above meanwhile, it reads a cell twice, and gives the second one another id in
        the document. If cells are removed, it skips one, which the file then loses, or it fails at
        the end. Changes merged from the file meanwhile would be in some cells only.
        """
        for _ in range(MAX_TRIES):
            before = self._moment()
            try:
                content = await self._get(deduplicate=False)
            except IndexError:
                continue
            if self._moment() == before:
                break
        else:
            if (notebook := self._notebook) is not None:
                return await content_at_one_moment(notebook)
            return cast("Any", self._room.document).get(deduplicate)
        ids = [cell.get("id") for cell in content["cells"]]
        if deduplicate and len({*ids}) != len(ids) and any(ids):
            return self._room.document.get()
        return content

    def _moment(self) -> tuple[int, int]:
        notebook = self._notebook
        return self._syncs, 0 if notebook is None else notebook.arrangement

    async def save(self, file_format: str, file_type: str) -> dict[str, Any] | None:
        """Write the document, merged with what another program has written meanwhile.

        Returns
        -------
        dict or None
            The model of the file; None if the contents manager does not allow writing it.

        Raises
        ------
        OSError
            Another program keeps writing the file, or holds its lock for too long.
        """
        model = {"format": file_format, "type": file_type}
        async with saving(self._file.manager, self._file.path):
            # A room that closes during a save no longer has a kind.
            kind = self._listener.kind
            if not self._attached or kind is None:
                content = await self._room.document.aget()
                return await self._file.save(model | {"content": content})
            return await self._save_alone(kind, model)

    async def _save_alone(self, kind: DocumentKind, model: dict[str, Any]) -> dict[str, Any] | None:
        for _ in range(MAX_TRIES):
            path = self._file.path
            content = await self._room.document.aget()
            # The content was assembled just now, and no other code has run since.
            write = partial(self._write, kind, self._syncs)
            try:
                return await self._file.save(Save(model | {"content": content}, write))
            except OutOfBandChanges:
                try:
                    await self._sync(saving=True)
                except Exception:
                    # The unreadable file is kept as a copy, and then overwritten.
                    if not self._unreadable:
                        raise
            except Exception as error:
                if getattr(error, "status_code", None) != 404 or not await self._moved(path):
                    raise
        # Do not raise the error that makes upstream overwrite the document with the file.
        raise OSError("Another program keeps writing this file")

    async def _write(self, kind: DocumentKind, syncs: int, model: dict[str, Any]) -> dict[str, Any]:
        """Write, unless the file was written or moved since the last check.

        The loader's lock keeps other reads and writes of this room away. If a save waited for the
        lock while the document merged another program's changes, its content is out of date.
        """
        file, room = self._file, self._room
        version = await version_aside(kind, model["content"])
        await self._listener.about_to_write(version)
        path = file.path
        # After this check, a synchronous manager lets no other task move the file.
        if syncs != self._syncs or not self._is_known(await self._metadata()):
            raise OutOfBandChanges
        if self._unreadable:
            await self._keep_copy(path)
        self._attempted, number = version, file_number(file)
        try:
            saved = await file.manager.save(model, path)
        except Exception:  # Contents managers raise arbitrary errors; this re-raises them.
            await self._forget_attempt_without_trace()
            raise
        anew = file_number(file) != number and saved.get("hash") not in (None, self._hash)
        if anew and self._is_known(await self._metadata()):
            # Another server that was reading the file has restored its old content: see `turns`.
            raise OutOfBandChanges
        stored: ContentVersion = version
        if not writes_as_given(file.manager.plain):
            found, stored = await read_back(self._get_content, saved, kind, version)
            saved = saved | {"hash": found}
        self._note(saved)
        self._base, self._stored, self._attempted = version, stored, None
        # The history must record the file before a page sees it.
        await self._listener.file_synced(saved["hash"], version)
        room.document.hash = saved["hash"]
        return saved

    async def _forget_attempt_without_trace(self) -> None:
        """After a failed save, forget the attempt if it left the file unchanged."""
        with suppress(Exception):
            if self._is_known(await self._metadata()):
                self._attempted = None

    async def _keep_copy(self, path: str) -> None:
        """Copy a file that cannot be read, as after a git conflict, before overwriting it."""
        manager = self._file.manager
        model = await manager.get(path, type="file", format="base64", content=True)
        folder, name, why = unreadable(path, notebook=self._room.file_type == "notebook")
        free = await ensure_async(manager.increment_filename(name, folder))
        copy = f"{folder}/{free}".lstrip("/")
        content = {"type": "file", "format": "base64", "content": model["content"]}
        await manager.save(content, copy)
        self._is_readable()
        self._listener.announce_copy(copy, why)

    async def _moved(self, path: str) -> bool:
        """Return whether the file has a new name; the server learns it shortly after the move."""
        for _ in range(MAX_MOVE_TRIES):
            if self._file.path != path:
                return True
            await asyncio.sleep(MOVE_SECONDS)
        return False

    # -- merging other programs' changes -----------------------------------------------------------

    async def _sync(self, *, saving: bool) -> bool:
        """Merge the file; return whether the document has changes that the file lacks."""
        room, kind = self._room, self._listener.kind
        async with self._syncing:
            async with self._file.lock:
                found = await self._metadata()
                if self._is_known(found):
                    self._known = self._file.last_modified = found["last_modified"]
                    return False
                model = await self._read(found)
            # While this lock is held, a change counts as coming from the file and is not saved. So
            # the block must not await anything.
            async with room.update_lock:
                if not self._attached or kind is None:
                    return False
                content = model["content"]
                if isinstance(room.document, NotebookDocument):
                    room.document.learn(content)
                attempted, self._attempted = self._attempted, None
                if attempted is not None and kind.was_left_by(attempted, content):
                    # A failed save has written the file in full or in part; no other program has.
                    left = kind.version_of(content)
                    self._base = self._stored = (
                        attempted if left.digest == attempted.digest else left
                    )
                more = self._merge_file(kind, content)
                self._syncs += 1
                self._note(model)
                base = self._base = self._stored = kind.version_of(content)
                if not (saving or more):
                    room.document.dirty = False
            self._listener.announce_merge()
            # The history must record the file before a page sees it.
            await self._listener.file_synced(model.get("hash"), base)
            cast("Any", room.document).hash = model.get("hash")
        return more

    def _merge_file(self, kind: DocumentKind, content: Any) -> bool:  # noqa: ANN401
        kind.merge_file(self._base, content, self._stored)
        now = kind.version_of(content)
        if (identity := self._identity) is not None:
            before, after = cast("Version", self._base), cast("Version", now)
            identity.file_changed(before, after, file_number(self._file))
        return kind.version_of(self._room.document.get()) != now
