"""The file of an open notebook: what it said when the document last met it, and when it changes.

jupyter-server-ydoc watches a file by its time of change, and reads it again when it is newer, or
when a save finds another one. In between it can take the new time for its own: a save that waits
meanwhile then writes over what the other program wrote; and a file that is older than the one
before, as out of a backup, is written over in any case. Here the time counts as known only once
the document has met what the file says. A save that finds something else takes that in first, and
then writes both.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from .file_view import view_of
from .notebook_document import NotebookDocument
from .notebook_files import why_no_notebook
from .outside import take_in
from .save_lock import saving
from .version import Version

if TYPE_CHECKING:
    from .live import LiveNotebook

TRIES = 3
"""How often a save takes in what another program has written meanwhile."""

MOVE_TRIES = 10
MOVE_SECONDS = 0.02
"""How often, and for how long each time, a save waits for the new name of a file that is gone."""


class _Save(dict[str, Any]):
    """What a save writes, and how many meetings had been as that was put together."""

    meetings = 0


class Disk:
    """Follows one file loader of jupyter-server-ydoc, from before it first reads its file.

    Parameters
    ----------
    loader : FileLoader
    changed : type of Exception
        What the loader raises when a save finds a file that it does not know.

    Attributes
    ----------
    spoilt : str or None
        Why the file of the open notebook is no notebook any more.
    """

    def __init__(self, loader: Any, changed: type[Exception]) -> None:  # noqa: ANN401 - see Upstream
        self._loader = loader
        self._changed = changed
        self._room: Any = None
        self._notebook: LiveNotebook | None = None
        self._unreadable = False
        self._suspected: str | None = None
        self.spoilt: str | None = None
        self._base: Version | None = None
        self._known: Any = loader.last_modified
        self._hash: str | None = None
        self._load = loader.load_content
        self._save = loader.maybe_save_content
        self._write = loader._save_content_at_path
        self._look = loader.maybe_notify
        self._get: Any = None
        self._meeting = asyncio.Lock()
        self._meetings = 0
        loader.load_content = self._on_load
        loader.maybe_save_content = self._on_save
        loader._save_content_at_path = self._on_write
        loader.maybe_notify = self._on_look

    @property
    def known(self) -> object:
        """When the file was changed that the document last met."""
        return self._known

    def attach(self, room: Any, notebook: LiveNotebook) -> None:  # noqa: ANN401
        """Take changes of the file into this notebook from now on.

        Parameters
        ----------
        room : LiveRoom
        notebook : LiveNotebook
        """
        self._room, self._notebook = room, notebook
        self._loader._subscriptions[room.room_id] = self._on_newer
        self._get = room._document.aget
        room._document.aget = self._on_get

    def is_cut_off(self, before: Version) -> None:
        """Note that the end of the file is missing; the document has it.

        Parameters
        ----------
        before : Version
            What the file said before.
        """
        self._base = before
        self._unreadable = True

    def detach(self, room: Any) -> None:  # noqa: ANN401
        """Follow the file no longer."""
        if self._room is not room:
            return
        if room.room_id in self._loader._subscriptions:
            self._loader._subscriptions[room.room_id] = room._on_outofband_change
        room._document.aget = self._get
        self._room = self._notebook = None

    # -- in the place of the loader's own --------------------------------------------------------

    async def _on_load(self, file_format: str, file_type: str) -> Any:  # noqa: ANN401
        model = await self._load(file_format, file_type)
        self._known = self._loader.last_modified
        self._hash = None
        if file_type == "notebook":
            self._learn(model["content"])
            self._base = Version.of(model["content"])
        return model

    def _learn(self, content: dict[str, Any]) -> None:
        """Let the documents of this file know what it says, to the last digit."""
        for callback in list(self._loader._subscriptions.values()):
            room = self._room or getattr(callback, "__self__", None)
            document = getattr(room, "_document", None)
            if isinstance(document, NotebookDocument):
                document.learn(content)

    async def _on_get(self, deduplicate: bool = True) -> Any:  # noqa: ANN401
        """Return the document's content as it was at one moment, as far as its cells go.

        jupyter-ydoc goes through them by their places, and lets others in between. Cells that
        came above meanwhile make it meet a cell twice, and give it another id in the document;
        cells that went make it leave one out, and the file has it no more, or fail at the end.
        What came from the file meanwhile would be in some cells only.
        """
        notebook = self._notebook
        for _ in range(TRIES):
            before = self._moment(notebook)
            try:
                content = await self._get(deduplicate=False)
            except IndexError:
                continue
            if self._moment(notebook) == before:
                break
        else:
            return self._room._document.get(deduplicate)
        ids = [cell.get("id") for cell in content["cells"]]
        if deduplicate and len({*ids}) != len(ids) and any(ids):
            return self._room._document.get()
        return content

    def _moment(self, notebook: LiveNotebook | None) -> tuple[int, int]:
        return self._meetings, 0 if notebook is None else notebook.arrangement

    async def _on_save(self, model: dict[str, Any]) -> Any:  # noqa: ANN401
        async with saving(self._loader._contents_manager, self._loader.path):
            return await self._save_alone(model)

    async def _save_alone(self, model: dict[str, Any]) -> Any:  # noqa: ANN401
        if self._notebook is None or model["type"] != "notebook":
            return await self._save(model)
        model = _Save(model)
        for _ in range(TRIES):
            path = self._loader.path
            # The content was put together just now: nothing has run since.
            model.meetings = self._meetings
            try:
                return await self._save(model)
            except self._changed:
                try:
                    await self._meet(saving=True)
                except Exception:
                    if not self._unreadable:
                        raise
                    # It is kept in a copy, and written over.
                    continue
                model["content"] = await self._room._document.aget()
            except Exception as error:
                if getattr(error, "status_code", None) != 404 or not await self._moved(path):
                    raise
        # Not what upstream takes for a reason to make the document what the file says.
        raise OSError("Another program writes this file again and again")

    async def _on_write(self, model: dict[str, Any], path: str) -> Any:  # noqa: ANN401
        """Write, unless another program has written, or the file was moved, since it was looked at.

        Nobody else reads or writes for this server now. A save that waited for this while the
        document took in what another program wrote has its content from before.
        """
        loader = self._loader
        path = loader.path
        if self._notebook is not None:
            if isinstance(model, _Save) and model.meetings != self._meetings:
                raise self._changed
            found = await ensure_async(
                loader._contents_manager.get(path, content=False, require_hash=True)
            )
            # Two saves within one tick of the disk's clock have the same time.
            other = None not in (self._hash, found["hash"]) and found["hash"] != self._hash
            if other or found["last_modified"] != self._known:
                raise self._changed
            if self._unreadable:
                await self._keep_copy(path)
        version = Version.of(model["content"]) if model["type"] == "notebook" else None
        if version is not None and self._room is not None:
            await self._room.about_to_write(version)
        saved = await self._write(model, path)
        self._known, self._hash = loader.last_modified, saved["hash"]
        if version is not None:
            self._base = version
            if self._room is not None:
                # The history knows of the file before a page does.
                await self._room.file_met(saved["hash"], version)
                self._room._document.hash = saved["hash"]
        return saved

    async def _keep_copy(self, path: str) -> None:
        """Keep what is no notebook, as after a conflict in git, before it is written over."""
        manager = self._loader._contents_manager
        model = await ensure_async(manager.get(path, type="file", format="base64", content=True))
        folder, _, name = path.rpartition("/")
        name = name.removesuffix(".ipynb") + "-unreadable.txt"
        free = await ensure_async(manager.increment_filename(name, folder))
        copy = f"{folder}/{free}".lstrip("/")
        content = {"type": "file", "format": "base64", "content": model["content"]}
        await ensure_async(manager.save(content, copy))
        self._is_notebook()
        if self._room is not None:
            self._room.heard_of_copy(copy, "what was in the file was no notebook")

    def _is_notebook(self) -> None:
        self._unreadable = False
        self._suspected = self.spoilt = None

    async def _moved(self, path: str) -> bool:
        """Return whether the file has another name, which comes a moment after the move."""
        for _ in range(MOVE_TRIES):
            if self._loader.path != path:
                return True
            await asyncio.sleep(MOVE_SECONDS)
        return False

    async def _on_look(self) -> None:
        suspected = self._suspected
        await self._look()
        if suspected is not None and self._suspected == suspected != self.spoilt:
            # Another program that was only writing it has had the time to come to its end.
            self.spoilt = suspected
            self._room.heard_of_spoilt_file(suspected)
        if self._notebook is not None and self._loader.last_modified != self._known:
            # An older file: what is not newer is nothing new for jupyter-server-ydoc.
            await self._on_newer()

    async def _on_newer(self) -> None:
        if self._notebook is not None and await self._meet(saving=False):
            self._room.save_soon()

    async def _meet(self, *, saving: bool) -> bool:
        """Take in what the file says; return whether the document says more than that."""
        loader, room, notebook = self._loader, self._room, self._notebook
        async with self._meeting:
            seen = loader.last_modified
            try:
                async with loader._lock:
                    model = await ensure_async(
                        loader._contents_manager.get(
                            loader.path,
                            format="json",
                            type="notebook",
                            content=True,
                            require_hash=True,
                        )
                    )
            except Exception as error:
                # It cannot be read: the next save puts the document in its place.
                self._known = loader.last_modified = seen
                self._hash = None
                self._unreadable = True
                if not saving:
                    self._suspected = why_no_notebook(error)
                raise
            self._is_notebook()
            # What changes while the lock is held comes from the file and is not saved: nothing may
            # be awaited.
            async with room._update_lock:
                if notebook is not self._notebook:
                    return False
                content = model["content"]
                room._document.learn(content)
                more = self._take_in(content)
                self._meetings += 1
                loader.last_modified = self._known = model["last_modified"]
                self._hash = model["hash"]
                base = self._base = Version.of(content)
                if not (saving or more):
                    room._document.dirty = False
            room.heard_of_merge()
            # The history knows of the file before a page does.
            await room.file_met(model["hash"], base)
            room._document.hash = model["hash"]
        return more

    def _take_in(self, content: dict[str, Any]) -> bool:
        document = self._room._document
        base = self._base or Version((), (), {})
        if base.ids is None and Version.of(document.get()) == base:
            # An old file has no ids, and keeps none as long as nothing has to be told apart.
            document.set(content)
        else:
            assert self._notebook is not None
            take_in(self._notebook, base, content)
        return Version.of(document.get()) != Version.of(content)


def follow(loaders: Any, changed: type[Exception]) -> None:  # noqa: ANN401 - see Upstream
    """Put a `Disk` before each loader of a mapping as it is made."""
    plain = type(loaders)
    if getattr(plain, "jmcp_followed", False):
        return

    def __getitem__(self: Any, file_id: str) -> Any:  # noqa: ANN401
        loader = plain.__getitem__(self, file_id)
        disk_of(loader, changed)
        return loader

    followed = {"__getitem__": __getitem__, "jmcp_followed": True}
    loaders.__class__ = type(plain.__name__, (plain,), followed)


def disk_of(loader: Any, changed: type[Exception]) -> Disk:  # noqa: ANN401 - we add to it
    """Return what follows the file of a loader, made when it is first asked for."""
    if not hasattr(loader, "jmcp_disk"):
        loader.jmcp_disk = Disk(loader, changed)
        view_of(loader)
    return cast("Disk", loader.jmcp_disk)
