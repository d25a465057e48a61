"""Whatever is raised becomes an `Exception`, so that nothing slips past the code that ends a call.

``except Exception`` is not everything. The panics of Rust extensions (pycrdt's among them),
``SystemExit`` and ``KeyboardInterrupt`` pass it by: the first kills the task in silence and leaves
somebody waiting for ever, the others end the whole server.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

P = ParamSpec("P")

_log = logging.getLogger("jmcp_lab")


class StrayError(Exception):
    """Something was raised that is no `Exception`, or a cancellation that nobody asked for."""


class _Contained:
    """See `contained`; it keeps nothing, so that one serves all."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, (Exception, GeneratorExit)):
            return
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            return
        raise StrayError(type(error).__name__) from error


_CONTAINED = _Contained()


def contained() -> _Contained:
    """Raise a `StrayError` in place of what is raised in the block and is no `Exception`.

    A cancellation of the task that is at work passes. One of something that it waited for does
    not: code that takes that for its own end leaves everybody behind it waiting.
    """
    return _CONTAINED


def _is_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return True  # No loop runs here: whoever raised it knows what it means.
    return task is None or task.cancelling() > 0


def error_name(error: BaseException) -> str:
    """Return the name of what was raised, also of what `contained` has replaced."""
    stray = isinstance(error, StrayError) and error.__cause__ is not None
    return type(error.__cause__ if stray else error).__name__


def tell_all(listeners: Iterable[Callable[P, object]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call every listener; one that fails keeps neither the others nor the caller from going on."""
    for listener in list(listeners):
        try:
            with contained():
                listener(*args, **kwargs)
        except Exception:
            # Whoever calls it has done its own work, and others listen too.
            _log.exception("A listener failed")
