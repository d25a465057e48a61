"""Compute the signatures of large notebooks off the event loop.

jupyter-server signs the outputs of a notebook when it writes it, and checks the signature when it
reads it, on its event loop. A figure of a million numbers takes a second. Here only the slow part
runs in a thread, just after the notebook was read or written and before any other code has it. The
signature store belongs to the event loop's thread, and is accessed there.
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
from .ready_nodes import convert_aside

if TYPE_CHECKING:
    from collections.abc import Callable

Work = tuple["Callable[..., None]", Any, str]
"""A signing function of jupyter-server, with the notebook and its path."""


@dataclass(slots=True)
class _PutOff:
    """The work to do once a notebook was read or written."""

    works: list[Work] = field(default_factory=list)
    is_over: bool = False
    """Whether the read or write has ended; work that tasks started in it add later would be lost.
    """


_put_off: ContextVar[_PutOff | None] = ContextVar("jmcp_put_off", default=None)

_KNOWN = (AsyncFileContentsManager, AsyncLargeFileManager)
_DOES = ("get", "save", "_notebook_model")
_SIGNS = ("mark_trusted_cells", "check_and_sign")


def sign_aside(manager: Any) -> None:  # noqa: ANN401 - of any kind
    """Make a contents manager convert and sign large notebooks in a thread.

    Parameters
    ----------
    manager : ContentsManager
        A customized one, such as jupytext's, is left alone, because it may need the result of a
        signature check before this computes it.
    """
    if not _is_upstreams(manager):
        return

    async def finish(works: list[Work]) -> None:
        for work, notebook, path in works:
            # The notary is created on first access.
            notary = manager.notary
            compute = notary.compute_signature
            signed = _as_signed(notebook)
            found = await asyncio.to_thread(in_short_turns, compute, signed)
            notary.compute_signature = _knowing(notebook, found, compute)
            try:
                work(notebook, path)
            finally:
                # Nothing was awaited since, so this restores the method of the class.
                del notary.compute_signature

    for name in _SIGNS:
        setattr(manager, name, _putting_off(getattr(manager, name)))
    for name in ("get", "save"):
        setattr(manager, name, _finishing(getattr(manager, name), finish))
    convert_aside(manager)


def _as_signed(notebook: Any) -> Any:  # noqa: ANN401 - a NotebookNode
    """Return a notebook without what nbformat removes before it computes a signature.

    That is the trust flag of code cells. On other cells, the flag is signed as well, and the
    notebook is not trusted when it is read again: see `lent_trust`.
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
