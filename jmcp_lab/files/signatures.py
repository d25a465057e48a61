"""Signatures of large notebooks, worked out off the event loop.

jupyter-server signs the outputs of a notebook as it writes it, and checks that as it reads it, on
its event loop: a figure of a million numbers takes it a second. Only what takes long is done in a
thread here, just after the notebook was read or written and before anybody else has it; the store
of signatures belongs to the loop's thread, and is asked there.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.filemanager import AsyncFileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import ContentsManager

from ..server.heavy_work import in_short_turns, takes_long

if TYPE_CHECKING:
    from collections.abc import Callable

Work = tuple["Callable[..., None]", Any, str]
"""What upstream does with a notebook and its path."""


@dataclass(slots=True)
class _PutOff:
    """What is to be done once a notebook was read or written."""

    works: list[Work] = field(default_factory=list)
    is_over: bool = False
    """Tasks that were begun meanwhile may go on, and nobody comes back to what they put off."""


_put_off: ContextVar[_PutOff | None] = ContextVar("jmcp_put_off", default=None)

_KNOWN = (AsyncFileContentsManager, AsyncLargeFileManager)
_DOES = ("get", "save", "_notebook_model")
_SIGNS = ("mark_trusted_cells", "check_and_sign")


def sign_aside(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Let a contents manager work out the signatures of large notebooks in a thread.

    Parameters
    ----------
    manager : ContentsManager
        One that does anything in its own way, such as jupytext's, is left as it is: it may look at
        what a signature says before this does.
    """
    if not _is_upstreams(manager):
        return

    async def finish(works: list[Work]) -> None:
        for work, notebook, path in works:
            # It is made when it is first asked for.
            notary = manager.notary
            compute = notary.compute_signature
            signed = _as_signed(notebook)
            found = await asyncio.to_thread(in_short_turns, compute, signed)
            notary.compute_signature = _knowing(notebook, found, compute)
            try:
                work(notebook, path)
            finally:
                # Nothing was awaited since: it is that of the class again.
                del notary.compute_signature

    for name in _SIGNS:
        setattr(manager, name, _putting_off(getattr(manager, name)))
    for name in ("get", "save"):
        setattr(manager, name, _finishing(getattr(manager, name), finish))


def _as_signed(notebook: Any) -> Any:  # noqa: ANN401 - a NotebookNode
    """Return a notebook without what nbformat takes out of it as it looks whether to sign it.

    That is the mark of trust of code cells. Where another cell has one it is signed as well, and
    the notebook not trusted when it is read again: see `lent_trust`.
    """
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            metadata = type(cell)(cell["metadata"])
            metadata.pop("trusted", None)
            cells.append(type(cell)(cell, metadata=metadata))
        else:
            cells.append(cell)
    return type(notebook)(notebook, cells=cells)


def _knowing(
    notebook: Any,  # noqa: ANN401 - a NotebookNode
    signature: str,
    compute: Callable[[Any], str],
) -> Callable[[Any], str]:
    return lambda asked: signature if asked is notebook else compute(asked)


def _is_upstreams(manager: Any) -> bool:  # noqa: ANN401
    kind = type(manager)
    does = all(
        getattr(kind, name, None) in [getattr(known, name) for known in _KNOWN] for name in _DOES
    )
    return does and all(
        getattr(kind, name, None) is getattr(ContentsManager, name) for name in _SIGNS
    )


def _putting_off(plain: Callable[..., None]) -> Callable[..., None]:
    @wraps(plain)
    def work(notebook: Any, path: str = "", **options: Any) -> None:  # noqa: ANN401
        waiting = _put_off.get()
        if waiting is None or waiting.is_over or options or not takes_long(notebook):
            plain(notebook, path, **options)
        else:
            waiting.works.append((plain, notebook, path))

    return work


def _finishing(plain: Callable[..., Any], finish: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    async def done(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        waiting = _PutOff()
        token = _put_off.set(waiting)
        try:
            result = await plain(*arguments, **options)
        finally:
            _put_off.reset(token)
            waiting.is_over = True
        await finish(waiting.works)
        return result

    return done
