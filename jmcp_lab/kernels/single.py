"""One session a notebook, even when its page and an agent ask for one at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_core.utils import ensure_async


async def session_of(manager: Any, path: str) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the model of a notebook's session, whoever made it, or None."""
    # The list, and not a look-up by path: it leaves out sessions whose kernel is gone.
    for model in await ensure_async(manager.list_sessions()):
        if model["path"] == path and model["type"] == "notebook":
            return dict(model)
    return None


def one_session_a_notebook(manager: Any) -> None:  # noqa: ANN401
    """Let a session manager make one session a notebook.

    Jupyter Server 2.21 looks for a session of the path, awaits the start of a kernel, and only
    then saves the session (``SessionRootHandler.post``). Whoever asks in between gets a second
    session with a kernel of its own: a person who opens a notebook while an agent starts to run
    in it would never see the agent's variables. From here on the second one waits, and gets what
    the first one made, as if it had come a moment later.

    Parameters
    ----------
    manager : SessionManager
        The server's own; its ``create_session`` is replaced.
    """
    create = manager.create_session
    starting: dict[str, asyncio.Lock] = {}

    async def create_session(
        path: str | None = None,
        name: str | None = None,
        type: str | None = None,
        kernel_name: str | None = None,
        kernel_id: str | None = None,
    ) -> dict[str, Any]:
        arguments = {
            "path": path,
            "name": name,
            "type": type,
            "kernel_name": kernel_name,
            "kernel_id": kernel_id,
        }
        if path is None or type != "notebook":
            return dict(await ensure_async(create(**arguments)))
        lock = starting.setdefault(path, asyncio.Lock())
        try:
            async with lock:
                found = await session_of(manager, path)
                return found or dict(await ensure_async(create(**arguments)))
        finally:
            if not lock.locked():
                starting.pop(path, None)

    manager.create_session = create_session
