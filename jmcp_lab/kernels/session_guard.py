"""Ensure one kernel for each notebook, even if its page and an agent start one simultaneously."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PROVISIONAL = re.compile(r"(?:.*/)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Pattern of the path that JupyterLab 4.6 gives a session until its kernel has started: a UUID."""


async def session_of(manager: Any, path: str) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the model of a notebook's session, whoever created it, or None."""
    # Use the list rather than a look-up by path, because it leaves out sessions whose kernel is
    # gone.
    for model in await ensure_async(manager.list_sessions()):
        if model["path"] == path and model["type"] == "notebook":
            return dict(model)
    return None


class SessionGuard:
    """Makes a session manager give each notebook one kernel.

    Jupyter Server 2.21 looks for a session of the path, awaits the start of a kernel, and only then
    saves the session (``SessionRootHandler.post``). JupyterLab 4.6 starts its session under a path
    of its own and changes that afterwards (``SessionContext._changeKernel``). A second caller in
    between gets another session with another kernel. For example, a person who opens a notebook
    while an agent starts to run in it would never see the agent's variables.

    With this guard, the second caller waits and gets the existing session. When a page's session
    gets its path, its kernel is replaced by the existing one, and the server's handler ends the one
    that it had started.

    Parameters
    ----------
    manager : SessionManager
        The server's own; its ``create_session`` and ``update_session`` are replaced.
    """

    def __init__(self, manager: Any) -> None:  # noqa: ANN401
        self._manager = manager
        self._create = manager.create_session
        self._update = manager.update_session
        self._turns: dict[str, asyncio.Lock] = {}
        manager.create_session = self.create_session
        manager.update_session = self.update_session

    async def create_session(
        self,
        path: str | None = None,
        name: str | None = None,
        type: str | None = None,
        kernel_name: str | None = None,
        kernel_id: str | None = None,
    ) -> dict[str, Any]:
        """Create a session, or return the one that a notebook has got meanwhile."""
        arguments = {
            "path": path,
            "name": name,
            "type": type,
            "kernel_name": kernel_name,
            "kernel_id": kernel_id,
        }
        if path is None or type != "notebook":
            return dict(await ensure_async(self._create(**arguments)))
        async with self._turn(path):
            found = await session_of(self._manager, path)
            return found or dict(await ensure_async(self._create(**arguments)))

    async def update_session(self, session_id: str, **changes: Any) -> None:
        """Change a session; one that gets its path only now also gets the notebook's kernel."""
        path = changes.get("path")
        session = await ensure_async(self._manager.get_session(session_id=session_id))
        started_by_page = _PROVISIONAL.fullmatch(session["path"]) and not changes.get("kernel_id")
        if path is None or session["type"] != "notebook" or not started_by_page:
            await ensure_async(self._update(session_id, **changes))
            return
        async with self._turn(path):
            other = await session_of(self._manager, path)
            if other is not None and other["id"] != session_id:
                changes["kernel_id"] = other["kernel"]["id"]
                if not other["kernel"].get("connections"):
                    # This is an agent's session, whose id no page knows, so one entry in the list
                    # is enough. The server's own deletion would end the kernel.
                    self._manager.cursor.execute(
                        "DELETE FROM session WHERE session_id=?", (other["id"],)
                    )
            await ensure_async(self._update(session_id, **changes))

    @asynccontextmanager
    async def _turn(self, path: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(path, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._turns.pop(path, None)
