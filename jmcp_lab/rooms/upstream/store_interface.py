"""The interface that jupyter-server-ydoc expects of a document's store."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from pycrdt import Doc
from pycrdt.store import BaseYStore, YDocNotFound


class UpstreamStore(BaseYStore):
    """A store that its room opens and closes."""

    @abstractmethod
    def add(self, update: bytes) -> None:
        """Store an update soon."""

    @abstractmethod
    async def stored(self) -> list[tuple[bytes, float]]:
        """Return each stored update with its time."""

    @abstractmethod
    async def close(self) -> None:
        """Write pending updates, and release the history."""

    async def start(
        self,
        *,
        task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
        from_context_manager: bool = False,
    ) -> None:
        """Do nothing: the room opens its history."""
        self.started.set()
        task_status.started()

    async def stop(self) -> None:
        """Close the history."""
        await self.close()

    async def write(self, data: bytes) -> None:
        """Store an update soon."""
        self.add(data)

    async def read(self) -> AsyncIterator[tuple[bytes, bytes, float]]:
        """Yield each stored update with empty metadata and its time."""
        for data, at in await self.stored():
            yield data, b"", at

    async def apply_updates(self, ydoc: Doc[Any]) -> None:
        """Apply the stored updates to a document.

        Raises
        ------
        YDocNotFound
        """
        found = await self.stored()
        if not found:
            raise YDocNotFound
        for data, _ in found:
            ydoc.apply_update(data)
