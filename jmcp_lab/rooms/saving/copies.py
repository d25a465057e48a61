"""Save other versions of a document as separate files beside it."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import ensure_async
from pycrdt import Doc

from ..sync_messages import clocks_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..document_kind import DocumentKind
    from ..upstream.document_room import UpstreamRoom

MAX_KEPT = 20
"""Maximum number of remembered copies; a page that returns with more text updates its own copy."""


@dataclass(slots=True)
class _Kept:
    """A copy of a page's content.

    Attributes
    ----------
    path : str
    hash : str or None
        The hash of the file when it was written.
    digest : str
        The digest of the version.
    clocks : dict
        The clocks of the page's Yjs clients.
    """

    path: str
    hash: str | None
    digest: str
    clocks: dict[int, int]

    def is_in(self, clocks: dict[int, int]) -> bool:
        """Return whether a page with these clocks knows everything in the copy."""
        return all(clocks.get(client, 0) >= clock for client, clock in self.clocks.items())


def unreadable(path: str, *, notebook: bool) -> tuple[str, str, str]:
    """Return the folder and name for a copy of an unreadable file, and the reason for the copy."""
    folder, _, name = path.rpartition("/")
    if notebook:
        name = name.removesuffix(".ipynb") + "-unreadable.txt"
        return folder, name, "the content of the file was not a notebook"
    stem, suffix = os.path.splitext(name)
    return folder, f"{stem}-unreadable{suffix}", "the content of the file was not UTF-8 text"


class Copies:
    """Saves versions of one room's document.

    Parameters
    ----------
    room : UpstreamRoom
    kept : Callable
        Called with the path of each new file, and why it is there.
    """

    def __init__(self, room: UpstreamRoom, kept: Callable[[str, str], None]) -> None:
        self._room = room
        self._on_kept = kept
        self._pages: deque[_Kept] = deque(maxlen=MAX_KEPT)

    async def keep(self, content: Any, why: str) -> None:  # noqa: ANN401
        """Write a version of the document to a new file beside it, and announce why."""
        copy = await self._free_name()
        await self._write(copy, content)
        self._on_kept(copy, why)

    async def keep_page(self, kind: DocumentKind, update: bytes, why: str) -> None:
        """Write a page's content to a separate file.

        A page that returns with more text updates its existing copy instead of getting another one,
        unless somebody else has changed that copy.

        Parameters
        ----------
        kind : DocumentKind
        update : bytes
            Everything that the page has.
        why : str
        """
        content = kind.content_of(update)
        digest = kind.version_of(content).digest
        page: Doc[Any] = Doc()
        page.apply_update(update)
        clocks = clocks_in(page.get_state())
        # Take the latest one: an earlier copy was abandoned because somebody else had changed it.
        kept = next((one for one in reversed(self._pages) if one.is_in(clocks)), None)
        if kept is None or not await self._is_ours(kept):
            kept = _Kept(await self._free_name(), None, "", {})
        if kept.digest == digest:
            return
        await self._write(kept.path, content)
        kept.hash, kept.digest, kept.clocks = await self._hash_of(kept.path), digest, clocks
        if kept not in self._pages:
            self._pages.append(kept)
            self._on_kept(kept.path, why)

    async def _free_name(self) -> str:
        folder, _, name = self._room.path.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem}-other{dot}{suffix}" if dot else f"{name}-other"
        manager = self._room.file.manager
        free = await ensure_async(manager.increment_filename(name, folder))
        return f"{folder}/{free}".lstrip("/")

    async def _write(self, copy: str, content: Any) -> None:  # noqa: ANN401
        manager = self._room.file.manager
        kind = {"type": self._room.file_type, "format": self._room.file_format, "content": content}
        await manager.save(kind, copy)
        self._room.log.warning("Another version of '%s' was kept as '%s'", self._room.path, copy)

    async def _is_ours(self, kept: _Kept) -> bool:
        return kept.hash is not None and await self._hash_of(kept.path) == kept.hash

    async def _hash_of(self, copy: str) -> str | None:
        manager = self._room.file.manager
        try:
            found = await manager.get(copy, content=False, require_hash=True)
        except Exception:
            # The copy is gone or unreadable. Leave it alone in either case.
            return None
        known: str | None = found.get("hash")
        return known
