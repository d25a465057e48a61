"""The file of an open document: what it said when the document last met it, and when it changes.

jupyter-server-ydoc watches a file by its time of change, and reads it again when it is newer, or
when a save finds another one. In between it can take the new time for its own: a save that waits
meanwhile then writes over what the other program wrote. A file that is older than the one before,
as out of a backup, is written over in any case; and the time is that of a symbolic link, not of
the file that it leads to. Here a file is known by its hash, and that counts as known only once the
document has met what the file says. A save that finds something else takes that in first, and
then writes both.
"""

from __future__ import annotations

import asyncio
import os
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
from ..kinds import NotebookKind, version_aside
from ..upstream.followed_loader import Save, looks_of
from .copies import unreadable
from .read_back import file_number, read_back

if TYPE_CHECKING:
    from ..kinds import DocumentKind
    from ..live_room import LiveRoom
    from .content_versions import ContentVersion

TRIES = 3
"""How often a save takes in what another program has written meanwhile."""

MOVE_TRIES = 10
MOVE_SECONDS = 0.02
"""How often, and for how long each time, a save waits for the new name of a file that is gone."""

WRONG = (400, 500)
"""What contents managers answer of a file that is not of the kind that it is read as."""


class FileSync:
    """Follows the file of one room, from before it is first read.

    Parameters
    ----------
    room : LiveRoom
    changed : type of Exception
        What the room's loader raises when a save finds a file that it does not know.

    Attributes
    ----------
    spoilt : str or None
        Why the file of the open notebook is no notebook any more.
    """

    def __init__(self, room: LiveRoom, changed: type[Exception]) -> None:
        self._room = room
        self._loader: Any = room._file
        self._changed = changed
        self._looks = looks_of(self._loader)
        self._attached = False
        self._unreadable = False
        self._suspected: str | None = None
        self.spoilt: str | None = None
        self._base: ContentVersion | None = None
        self._said: ContentVersion | None = None
        self._attempted: ContentVersion | None = None
        self._known: Any = None
        self._hash: str | None = None
        self._looked_at: object = None
        self._get: Any = None
        self._meeting = asyncio.Lock()
        self._meetings = 0

    @property
    def known(self) -> object:
        """When the file was changed that the document last met."""
        return self._known

    async def read(self) -> tuple[Any, str | None]:
        """Read the file, for a document that is built of it; return what it says, and its hash."""
        async with self._loader._lock:
            model = await self._read(await self._glance())
            self._note(model)
        if isinstance(self._room.document, NotebookDocument):
            await self._room.document.learn_aside(model["content"])
        return model["content"], model.get("hash")

    def attach(self, base: ContentVersion) -> None:
        """Take changes of the file into the document from now on.

        Parameters
        ----------
        base : ContentVersion
            What the document has met of the file.
        """
        self._base, self._said, self._attached = base, base, True
        if (identity := self._room.identity) is not None:
            identity.enter(cast("Version", base), file_number(self._loader))
        self._looks[self._room.room_id] = self.look
        if isinstance(self._room.kind, NotebookKind):
            self._get = self._room.document.aget
            cast("Any", self._room.document).aget = self._on_get

    def detach(self) -> None:
        """Follow the file no longer."""
        if self._attached and (identity := self._room.identity) is not None:
            identity.leave(cast("Version", self._base), file_number(self._loader))
        self._attached = False
        self._looks.pop(self._room.room_id, None)
        if self._get is not None:
            cast("Any", self._room.document).aget = self._get
            self._get = None

    # -- what is there -----------------------------------------------------------------------------

    async def _glance(self) -> dict[str, Any]:
        manager = self._loader._contents_manager
        found = await ensure_async(manager.get(self._loader.path, content=False, require_hash=True))
        return cast("dict[str, Any]", found)

    async def _read(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return the file and its hash.

        One that is no notebook, or no text, is known as such from now on; `before` is what a glance
        at it found just before, for what another program writes meanwhile may be one.
        """
        room = self._room
        try:
            model = await self._get_content()
        except Exception as error:
            # A disk or a network that fails for a moment says nothing of the file.
            if not isinstance(error, OSError) and getattr(error, "status_code", 400) in WRONG:
                # The next save puts the document in its place.
                self._note(before)
                self._unreadable = True
                if room.file_type == "notebook":
                    self._suspected = why_no_notebook(error)
            raise
        self._is_readable()
        return model

    async def _get_content(self) -> dict[str, Any]:
        loader, room = self._loader, self._room
        kind = {"format": room.file_format, "type": room.file_type}
        found = loader._contents_manager.get(loader.path, content=True, require_hash=True, **kind)
        return cast("dict[str, Any]", await ensure_async(found))

    def _is_readable(self) -> None:
        self._unreadable = False
        self._suspected = self.spoilt = None

    def _note(self, model: dict[str, Any]) -> None:
        self._known = self._loader.last_modified = model["last_modified"]
        self._hash = model.get("hash")
        self._looked_at = None

    def _is_known(self, model: dict[str, Any]) -> bool:
        found = model.get("hash")
        if self._hash is None or found is None:
            return bool(model["last_modified"] == self._known)
        # Two saves within one tick of the disk's clock have the same time.
        return bool(found == self._hash)

    def _marks(self) -> object:
        """Return what changes when the file does, without reading it."""
        loader = self._loader
        root = getattr(loader._contents_manager, "root_dir", None)
        try:
            # Of the file itself: its own time is all that a contents manager says of a link.
            there = os.stat(os.path.join(root, loader.path)) if root else None
        except OSError:
            there = None
        if there is None:
            return loader.last_modified
        times = there.st_mtime_ns, there.st_ctime_ns
        return (loader.last_modified, there.st_ino, there.st_size, *times)

    async def look(self) -> None:
        """Take in what another program has written, if it has."""
        suspected = self._suspected
        try:
            await self._look()
        except Exception as error:
            # Contents managers raise what they like. Of what is known of the file, people are told;
            # upstream would write a traceback into the log.
            if self._suspected is None or why_no_notebook(error) is None:
                raise
            self._room.log.warning("%s is no notebook: %s", self._loader.path, self._suspected)
        if suspected is not None and self._suspected == suspected != self.spoilt:
            # Another program that was only writing it has had the time to come to its end.
            self.spoilt = suspected
            self._room.heard_of_spoilt_file(suspected)

    async def _look(self) -> None:
        marks = self._marks()
        if not self._attached or marks == self._looked_at:
            return
        async with self._loader._lock:
            found = await self._glance()
            if self._is_known(found):
                self._known, self._looked_at = found["last_modified"], marks
                return
        if await self._meet(saving=False):
            self._room.save_soon()

    # -- the document as it is saved ---------------------------------------------------------------

    async def _on_get(self, deduplicate: bool = True) -> Any:  # noqa: ANN401
        """Return the document's content as it was at one moment, as far as its cells go.

        jupyter-ydoc goes through them by their places, and lets others in between. Cells that
        came above meanwhile make it meet a cell twice, and give it another id in the document;
        cells that went make it leave one out, and the file has it no more, or fail at the end.
        What came from the file meanwhile would be in some cells only.
        """
        for _ in range(TRIES):
            before = self._moment()
            try:
                content = await self._get(deduplicate=False)
            except IndexError:
                continue
            if self._moment() == before:
                break
        else:
            if isinstance(self._room.kind, NotebookKind):
                return await content_at_one_moment(self._room.kind.notebook)
            return cast("Any", self._room.document).get(deduplicate)
        ids = [cell.get("id") for cell in content["cells"]]
        if deduplicate and len({*ids}) != len(ids) and any(ids):
            return self._room.document.get()
        return content

    def _moment(self) -> tuple[int, int]:
        kind = self._room.kind
        return self._meetings, kind.notebook.arrangement if isinstance(kind, NotebookKind) else 0

    async def save(self, file_format: str, file_type: str) -> dict[str, Any] | None:
        """Write the document, with what another program has written meanwhile.

        Returns
        -------
        dict or None
            The model of the file; None where the contents manager does not let it be written.

        Raises
        ------
        OSError
            Another program writes the file again and again, or holds its lock for too long.
        """
        model = {"format": file_format, "type": file_type}
        async with saving(self._loader._contents_manager, self._loader.path):
            # A room that ends while it saves has none any more.
            kind = self._room.kind
            if not self._attached or kind is None:
                content = await self._room.document.aget()
                found = await self._loader.maybe_save_content(model | {"content": content})
                return cast("dict[str, Any] | None", found)
            return await self._save_alone(kind, model)

    async def _save_alone(self, kind: DocumentKind, model: dict[str, Any]) -> dict[str, Any] | None:
        for _ in range(TRIES):
            path = self._loader.path
            content = await self._room.document.aget()
            # It was put together just now: nothing has run since.
            write = partial(self._write, kind, self._meetings)
            try:
                saved = await self._loader.maybe_save_content(
                    Save(model | {"content": content}, write)
                )
                return cast("dict[str, Any] | None", saved)
            except self._changed:
                try:
                    await self._meet(saving=True)
                except Exception:
                    # What cannot be read is kept in a copy, and written over.
                    if not self._unreadable:
                        raise
            except Exception as error:
                if getattr(error, "status_code", None) != 404 or not await self._moved(path):
                    raise
        # Not what upstream takes for a reason to make the document what the file says.
        raise OSError("Another program writes this file again and again")

    async def _write(
        self, kind: DocumentKind, meetings: int, model: dict[str, Any]
    ) -> dict[str, Any]:
        """Write, unless another program has written, or the file was moved, since it was looked at.

        Nobody else reads or writes for this room now. A save that waited for this while the
        document took in what another program wrote has its content from before.
        """
        loader, room = self._loader, self._room
        version = await version_aside(kind, model["content"])
        await room.about_to_write(version)
        path = loader.path
        # From this look on, a manager that is not asynchronous lets nobody move the file.
        if meetings != self._meetings or not self._is_known(await self._glance()):
            raise self._changed
        if self._unreadable:
            await self._keep_copy(path)
        self._attempted, number = version, file_number(loader)
        try:
            saved = await ensure_async(loader._contents_manager.save(model, path))
        except Exception:  # Contents managers raise what they like, and it is raised again.
            await self._forget_attempt_without_trace()
            raise
        anew = file_number(loader) != number and saved.get("hash") not in (None, self._hash)
        if anew and self._is_known(await self._glance()):
            # A server that read it meanwhile has put back what was there before: see `turns`.
            raise self._changed
        said: ContentVersion = version
        if not writes_as_given(loader._contents_manager.plain):
            found, said = await read_back(self._get_content, saved, kind, version)
            saved = saved | {"hash": found}
        self._note(saved)
        self._base, self._said, self._attempted = version, said, None
        # The history knows of the file before a page does.
        await room.file_met(saved["hash"], version)
        room.document.hash = saved["hash"]
        return cast("dict[str, Any]", saved)

    async def _forget_attempt_without_trace(self) -> None:
        """After a save that failed, know what it has left in the file from others' work later."""
        with suppress(Exception):
            if self._is_known(await self._glance()):
                self._attempted = None

    async def _keep_copy(self, path: str) -> None:
        """Keep what cannot be read, as after a conflict in git, before it is written over."""
        manager = self._loader._contents_manager
        model = await ensure_async(manager.get(path, type="file", format="base64", content=True))
        folder, name, why = unreadable(path, notebook=self._room.file_type == "notebook")
        free = await ensure_async(manager.increment_filename(name, folder))
        copy = f"{folder}/{free}".lstrip("/")
        content = {"type": "file", "format": "base64", "content": model["content"]}
        await ensure_async(manager.save(content, copy))
        self._is_readable()
        self._room.heard_of_copy(copy, why)

    async def _moved(self, path: str) -> bool:
        """Return whether the file has another name, which comes a moment after the move."""
        for _ in range(MOVE_TRIES):
            if self._loader.path != path:
                return True
            await asyncio.sleep(MOVE_SECONDS)
        return False

    # -- what another program has written ----------------------------------------------------------

    async def _meet(self, *, saving: bool) -> bool:
        """Take in what the file says; return whether the document says more than that."""
        room, kind = self._room, self._room.kind
        async with self._meeting:
            async with self._loader._lock:
                found = await self._glance()
                if self._is_known(found):
                    self._known = self._loader.last_modified = found["last_modified"]
                    return False
                model = await self._read(found)
            # What changes while the lock is held comes from the file and is not saved: nothing may
            # be awaited.
            async with room._update_lock:
                if not self._attached or kind is None:
                    return False
                content = model["content"]
                if isinstance(room.document, NotebookDocument):
                    room.document.learn(content)
                attempted, self._attempted = self._attempted, None
                if attempted is not None and kind.was_left_by(attempted, content):
                    # A save that failed had written the file, or begun to: nobody else has.
                    left = kind.version_of(content)
                    self._base = self._said = attempted if left.digest == attempted.digest else left
                more = self._take_in(kind, content)
                self._meetings += 1
                self._note(model)
                base = self._base = self._said = kind.version_of(content)
                if not (saving or more):
                    room.document.dirty = False
            room.heard_of_merge()
            # The history knows of the file before a page does.
            await room.file_met(model.get("hash"), base)
            cast("Any", room.document).hash = model.get("hash")
        return more

    def _take_in(self, kind: DocumentKind, content: Any) -> bool:  # noqa: ANN401
        kind.take_in(self._base, content, self._said)
        now = kind.version_of(content)
        if (identity := self._room.identity) is not None:
            before, after = cast("Version", self._base), cast("Version", now)
            identity.meet(before, after, file_number(self._loader))
        return kind.version_of(self._room.document.get()) != now
