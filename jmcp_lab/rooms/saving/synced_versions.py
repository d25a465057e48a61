"""The versions of a file that its document was synced with, in memory.

The latest version is compared often, so it stays unpacked. Only returning pages need the earlier
ones, which are compressed: unpacked, a large text that is saved every few seconds would take
hundreds of megabytes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..content_versions import ContentVersion
    from ..document_kind import DocumentKind

MAX_VERSIONS = 60
"""Maximum number of synced versions that pages may have in common with the document."""

MAX_VERSIONS_BYTES = 20_000_000
"""Maximum size of the packed versions; the latest one does not count."""


class SyncedVersion:
    """One version; it is packed once the history or the next version needs that."""

    def __init__(self, version: ContentVersion) -> None:
        self._version: ContentVersion | None = version
        self._packed: bytes | None = None

    def pack(self) -> bytes:
        """Return the version in its on-disk form; this is thread-safe."""
        packed = self._packed
        if packed is None:
            assert self._version is not None
            packed = self._packed = self._version.pack()
        return packed

    def shrink(self) -> int:
        """Keep only the packed version; return its size."""
        size = len(self.pack())
        self._version = None
        return size

    def unpacked(self, kind: DocumentKind) -> ContentVersion:
        """Return the version."""
        return self._version or kind.unpack(self.pack())


class SyncedVersions:
    """The versions of one file, by its hash."""

    def __init__(self) -> None:
        self._versions: OrderedDict[str, SyncedVersion] = OrderedDict()

    def add(self, found: str, version: ContentVersion) -> SyncedVersion:
        """Add the latest version."""
        synced = self._versions[found] = SyncedVersion(version)
        self._versions.move_to_end(found)
        size = 0
        for at, earlier in enumerate(reversed(self._versions)):
            if at:
                size += self._versions[earlier].shrink()
            if at >= MAX_VERSIONS or size > MAX_VERSIONS_BYTES:
                self._drop_until(earlier)
                break
        return synced

    def _drop_until(self, last: str) -> None:
        while last in self._versions:
            self._versions.popitem(last=False)

    def get(self, found: str, kind: DocumentKind) -> ContentVersion | None:
        """Return a version by the hash of its file, if it is known."""
        synced = self._versions.get(found)
        return None if synced is None else synced.unpacked(kind)
