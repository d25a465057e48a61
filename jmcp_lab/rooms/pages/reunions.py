"""Pages that come back to a room from before it was opened, and the versions that they know."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from pycrdt import merge_updates

from ...server.containment import contained, error_name
from ..kinds import marks_of
from ..saving.copies import Copies
from ..saving.met_versions import MetVersions
from ..upstream.history_folder import unsaved_in_old_store
from .joining import clients_ahead

if TYPE_CHECKING:
    from ..kinds import DocumentKind
    from ..live_room import LiveRoom
    from ..saving.content_versions import ContentVersion
    from ..saving.met_versions import MetVersion
    from .rejoin import LeftBehind, PageMarks

MAX_MET = 4
"""Yjs histories of before of which the document knows what it has met."""


class Reunions:
    """Brings pages and the document of one room together.

    Parameters
    ----------
    room : LiveRoom

    Attributes
    ----------
    loaded : str or None
        The hash of the file that the room was opened with.
    """

    def __init__(self, room: LiveRoom) -> None:
        self._room = room
        self.copies = Copies(room)
        self.loaded: str | None = None
        self._versions = MetVersions()
        self._met: OrderedDict[str, bytes] = OrderedDict()

    # -- what was last common ----------------------------------------------------------------------

    def note_file(self, found: str, version: ContentVersion) -> MetVersion:
        """Note that the document says all that a file says, by the hash of that."""
        return self._versions.add(found, version)

    async def version(self, found: str | None) -> ContentVersion | None:
        """Return the version of a file that the document has met, by its hash."""
        if found is None or self._room.kind is None:
            return None
        if (version := self._versions.get(found, self._room.kind)) is not None:
            return version
        packed = await self._room.store.file_version(found)
        if packed is None:
            return None
        try:
            return self._room.kind.unpack(packed)
        except Exception as error:
            # Harmed, or of another release: as good as none.
            self._room.log.warning("A version in a history is not usable (%s)", error_name(error))
            return None

    def note_met(self, history: str, update: bytes) -> None:
        """Note what the document has of another Yjs history than its own."""
        if (before := self._met.pop(history, None)) is not None:
            update = merge_updates(before, update)
        self._met[history] = update
        while len(self._met) > MAX_MET:
            self._met.popitem(last=False)

    # -- pages that come back ----------------------------------------------------------------------

    async def rejoin(self, update: bytes) -> LeftBehind | None:
        """Bring a page that comes from before and the document together.

        Parameters
        ----------
        update : bytes
            All that the page has.

        Returns
        -------
        LeftBehind or None
            The cells that the page shows until it hears of the document, and that are gone there.

        Raises
        ------
        Exception
            The two could not be brought together, or what the page says could not be kept in a
            file of its own. The document knows nothing of the page.
        """
        room = self._room
        if room.kind is None:
            room.ydoc.apply_update(update)
            return None
        try:
            with contained():
                return await self._bring_together(room.kind, update)
        except Exception:
            # Whatever was in the page is not to go with it.
            room.log.exception("A page could not be brought together with its document")
            await self._keep_both(room.kind, update)
            raise

    async def _bring_together(self, kind: DocumentKind, update: bytes) -> LeftBehind | None:
        room = self._room
        marks = marks_of(update)
        base = await self.version(marks.file)
        same = marks.history == room.history and (
            marks.file is None or base is not None or self._lacks_only_typing(update)
        )
        met = None if same or marks.history is None else self._met.get(marks.history)
        if met is None and base is None and not same:
            base = await self._keep_both(kind, update)
        await kind.ready()
        with room.one_message():
            if same:
                # The file says nothing that came from this page and is not in the history as well.
                met = room.ydoc.get_update()
                room.ydoc.apply_update(update)
                back: list[str] = []
            else:
                back = self._join(kind, update, marks, base, met)
            if met is not None:
                back += kind.return_typing(update, met, base)
            room.restore_marks()
        left = kind.left_behind(update)
        for text in back:
            room.say(text)
        return left

    def _lacks_only_typing(self, update: bytes) -> bool:
        """Return whether the document had all that a page of its history has but for its own part.

        Then nothing has to be known of the file that the page met last, which was saved over many
        times since. Where a server lost the end of its history, more than the page is ahead.
        """
        return clients_ahead(update, self._room.ydoc.get_update()) <= 1

    def _join(
        self,
        kind: DocumentKind,
        update: bytes,
        marks: PageMarks,
        base: ContentVersion | None,
        met: bytes | None,
    ) -> list[str]:
        """Bring a page of another history and the document together by what they say.

        Parameters
        ----------
        kind : DocumentKind
        update : bytes
            All that the page has.
        marks : PageMarks
        base : ContentVersion or None
            What the file said that the page met last.
        met : bytes or None
            What the document has of the page's history already; a base that is closer.
        """
        if met is not None and (base is None or marks.file != self.loaded):
            base = kind.version_in(met)
            update = merge_updates(met, update)
        assert base is not None
        said = kind.join(update, base)
        if marks.history is not None:
            self.note_met(marks.history, update)
        return said

    # -- versions beside the file ------------------------------------------------------------------

    async def _keep_both(self, kind: DocumentKind, update: bytes) -> ContentVersion:
        """Keep a page's version in a file of its own: nobody knows what the two have in common.

        Returns
        -------
        ContentVersion
            What the page says: compared with that, the page has changed nothing.
        """
        version = kind.version_of(kind.content_of(update))
        if version.digest != kind.version_of(await self._room.document.aget()).digest:
            why = "a page came back with it, and nobody knows which is newer"
            await self.copies.keep_page(kind, update, why)
        return version

    async def keep_unsaved_of_old_store(self, kind: DocumentKind, content: Any) -> None:  # noqa: ANN401
        """Keep what the store of a server without us knew, and had not saved when it was killed."""
        saved = self._room._file.last_modified.timestamp()
        updates = unsaved_in_old_store(self._room.room_id, saved)
        if updates is None:
            return
        try:
            with contained():
                old = kind.content_of(merge_updates(*updates))
            if kind.version_of(old).digest != kind.version_of(content).digest:
                await self.copies.keep(old, "an earlier server had not saved it")
        except Exception as error:
            # It is harmed, or nothing can be written in this folder: it stays where it is.
            self._room.log.warning("An old history is not taken over (%s)", error_name(error))
