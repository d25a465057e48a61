"""Which widgets take the outputs of which requests.

An ``Output`` of ipywidgets tells the page the request whose outputs it takes from now on, in its
attribute ``msg_id``. Pages obey for requests of their own only, so for ours it is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CAN_BE_TAKEN = ("stream", "display_data", "execute_result", "error", "clear_output")
"""Kinds of messages that go into a widget which takes outputs."""


class Takers:
    """The widgets of one kernel that take outputs now."""

    def __init__(self) -> None:
        self._takes: dict[str, str] = {}

    def follow(self, content: Mapping[str, Any]) -> None:
        """Follow a message from a widget to the page."""
        data = content.get("data")
        state = data.get("state") if isinstance(data, dict) else None
        if not isinstance(state, dict) or "msg_id" not in state:
            return
        widget = str(content.get("comm_id"))
        self._takes.pop(widget, None)
        if state["msg_id"]:
            self._takes[widget] = str(state["msg_id"])

    def of(self, msg_id: str | None) -> str | None:
        """Return the widget that takes the outputs of a request: of several the last."""
        if not self._takes or msg_id is None:
            return None
        return next((w for w, taken in reversed(self._takes.items()) if taken == msg_id), None)
