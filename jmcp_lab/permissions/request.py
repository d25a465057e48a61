"""A call that waits for a person, and the answers that it offers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..calls.call import Action, Call, Option, OptionKind, ToolClass
from ..notebooks.names import short_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..errors import ToolError


class Watched(Protocol):
    """A document whose changes may change what a request shows."""

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of changed cells; return what ends that."""

    async def look(self) -> None:
        """Take in what is in the file by now, and return when the document can be written."""


class AlreadyWaitingError(Exception):
    """The agent has asked for exactly this before, and that request still waits.

    Parameters
    ----------
    call : Call
        The first one: attach to it, so that there is one card and the action happens once.
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
