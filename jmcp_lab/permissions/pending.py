"""A call that waits for a person, and the answers that it offers."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..calls.call import Action, Call, Option, OptionKind, ToolClass
from ..errors import InvalidArgumentError
from ..files.names import short_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..agents.agent import Agent
    from ..errors import ToolError


class Watched(Protocol):
    """A document whose changes may change what a request shows."""

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of changed cells; return a function that ends that."""

    async def look(self) -> None:
        """Merge the file's current content, and return when the document can be written."""


SHARE = 20.0
"""Minimum ratio of waiting to drawing for a card, however fast its cells change."""

MAX_WAIT_SECONDS = 2.0
"""Maximum seconds until a changed card is drawn again."""


class AlreadyWaitingError(Exception):
    """The agent has asked for exactly this before, and that request still waits.

    Parameters
    ----------
    call : Call
        The first call. Attach to it, so that there is one card and the action happens once.
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call.id)
        self.call = call


@dataclass(slots=True, eq=False)
class Request:
    """A call that waits for a person."""

    call: Call
    agent: Agent
    resolve: Callable[[], Action]
    wake: asyncio.Event
    refusal: ToolError | None = None
    _took: float = 0.0
    _due: asyncio.TimerHandle | None = None

    def draw_soon(self, draw: Callable[[Request], None]) -> None:
        """Redraw the card soon; with thousands of cells, not on each key that a person presses.

        Nobody can approve an outdated card, because a decision checks it again.
        """
        if self._due is None:
            wait = min(self._took * SHARE, MAX_WAIT_SECONDS)
            self._due = asyncio.get_running_loop().call_later(wait, draw, self)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure how long the block takes, which draws the card; cancel a scheduled redraw."""
        self.leave()
        began = time.thread_time()
        try:
            yield
        finally:
            self._took = time.thread_time() - began

    def leave(self) -> None:
        """Cancel a scheduled redraw."""
        if self._due is not None:
            self._due.cancel()
            self._due = None


def card(call: Call, action: Action) -> dict[str, Any]:
    """Return what has to change in a call so that it shows what it wants; empty if it does."""
    digest = action.action_hash(call.agent_id)
    if digest == call.action_hash and action == call.action:
        return {}
    changed = call.action_hash is not None and digest != call.action_hash
    return {
        "action": action,
        "action_hash": digest,
        "summary": action.summary,
        "tool_class": action.tool_class,
        "changed": call.changed or changed,
    }


def options(action: Action | None) -> tuple[Option, ...]:
    """Return the answers that a request offers."""
    options = [Option(OptionKind.ALLOW_ONCE, "Allow")]
    if (
        action is not None
        and action.guarded is None
        and action.tool_class is ToolClass.RUN
        and action.target.file_id is not None
    ):
        name = short_path(action.target.path or "")
        options.append(
            Option(OptionKind.ALLOW_ALWAYS, f"Allow runs in {name} for 30 minutes", "30m")
        )
    options.append(Option(OptionKind.REJECT_ONCE, "Deny"))
    return tuple(options)


def offered(call: Call, option: str, until: str | None) -> Option:
    """Return the answer that a person gives to a request.

    Raises
    ------
    InvalidArgumentError
        It was not offered.
    """
    for each in call.options:
        if each.kind == option and until in (None, each.until):
            return each
    raise InvalidArgumentError(f"'{option}' was not offered for this request.")
