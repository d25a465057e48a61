"""Convert everything that is raised to an `Exception`, so that the code that ends a call gets it.

``except Exception`` does not catch everything. Panics of Rust extensions (pycrdt is one),
``SystemExit`` and ``KeyboardInterrupt`` escape it. A panic kills the task silently and leaves
callers waiting for ever, and the others end the whole server.
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
    """Something was raised that is not an `Exception`, or a cancellation that nobody requested."""


class _Contained:
    """See `contained`; it has no state, so a single instance is enough."""

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
    """Raise a `StrayError` for everything raised in the block that is not an `Exception`.

    A cancellation of the current task passes through. A cancellation of something that the task
    waited for does not: code that takes it for its own end leaves everybody behind it waiting.
    """
    return _CONTAINED


def _is_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return True  # No event loop runs here, so the code that raised it knows its meaning.
    return task is None or task.cancelling() > 0


def error_name(error: BaseException) -> str:
    """Return the class name of an error, or of the one that `contained` has replaced."""
    stray = isinstance(error, StrayError) and error.__cause__ is not None
    return type(error.__cause__ if stray else error).__name__


def tell_all(listeners: Iterable[Callable[P, object]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call every listener; a failing one affects neither the others nor the caller."""
    for listener in list(listeners):
        try:
            with contained():
                listener(*args, **kwargs)
        except Exception:
            # The caller's own work is done, and others listen too.
            _log.exception("A listener failed")
