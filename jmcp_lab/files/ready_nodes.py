"""Convert large notebooks to nbformat's own objects off the event loop before they are saved.

jupyter-server's `save` copies the whole notebook with `nbformat.from_dict` on its event loop. For a
figure of a hundred thousand values that takes half a second. Here a thread makes the copy first,
and `from_dict` returns it when `save` asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import nbformat

from ..server.heavy_work import in_short_turns, takes_long

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class _Ready:
    """A notebook and its copy, until `from_dict` has returned that."""

    content: dict[str, Any]
    node: Any


_plain: Callable[[Any], Any] = nbformat.from_dict
"""nbformat's own function, or what another package has put in its place before."""

_ready: ContextVar[_Ready | None] = ContextVar("jmcp_ready_node", default=None)


@contextmanager
def _offered(content: dict[str, Any], node: Any) -> Iterator[None]:  # noqa: ANN401
    """Let `from_dict` return `node` for `content`, once, in this context."""
    ready = _Ready(content, node)
    token = _ready.set(ready)
    try:
        yield
    finally:
        # A task that was started in this context may still see it.
        ready.content, ready.node = {}, None
        _ready.reset(token)


def convert_aside(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Make a contents manager convert large notebooks in a thread before it saves them.

    Parameters
    ----------
    manager : ContentsManager
        One with jupyter-server's own `save`. One with hooks that run before a save is left alone,
        because they may change the notebook after it was copied.
    """
    nbformat.from_dict = _from_dict
    plain = manager.save

    @wraps(plain)
    async def save(model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401 - a model
        content = model.get("content")
        hooks = manager.pre_save_hook is not None or manager._pre_save_hooks
        if hooks or model.get("type") != "notebook" or not isinstance(content, dict):
            return await plain(model, path)
        if not takes_long(content):
            return await plain(model, path)
        node = await asyncio.to_thread(in_short_turns, _plain, content)
        with _offered(content, node):
            del node
            return await plain(model, path)

    manager.save = save


@wraps(_plain)
def _from_dict(d: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the copy of a notebook if it is ready, and make one otherwise."""
    ready = _ready.get()
    if ready is not None and ready.node is not None and ready.content is d:
        node, ready.node = ready.node, None
        return node
    return _plain(d)
