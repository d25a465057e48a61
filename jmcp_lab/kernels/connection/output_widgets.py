"""Track which widgets capture the outputs of which requests.

An ``Output`` of ipywidgets tells the page which request's outputs it captures, by its attribute
``msg_id``. Pages do the capturing only for their own requests, so this code does it for ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CAN_BE_TAKEN = ("stream", "display_data", "execute_result", "error", "clear_output")
"""Message types that a capturing widget receives."""


class Takers:
    """The widgets of one kernel that currently capture outputs."""

    def __init__(self) -> None:
        self._takes: dict[str, str] = {}

    def follow(self, content: Mapping[str, Any]) -> None:
        """Process a message from a widget to the page."""
        data = content.get("data")
        state = data.get("state") if isinstance(data, dict) else None
        if not isinstance(state, dict) or "msg_id" not in state:
            return
        widget = str(content.get("comm_id"))
        self._takes.pop(widget, None)
        if state["msg_id"]:
            self._takes[widget] = str(state["msg_id"])

    def of(self, msg_id: str | None) -> str | None:
        """Return the widget that captures a request's outputs; of several, the latest."""
        if not self._takes or msg_id is None:
            return None
        return next((w for w, taken in reversed(self._takes.items()) if taken == msg_id), None)
