"""Agents' work as activity of the server, so that it is not ended for idleness under them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..calls.call import CallState

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ..calls.call import Call

KEY = "jmcp_lab_last_activity"
"""Jupyter Server counts every setting whose name ends like this."""


class Activity:
    """Notes when an agent last did something.

    Requests of agents are none to Jupyter Server's REST API, and an edit needs no kernel: where a
    server ends after some minutes without activity, it would while an agent writes.

    Parameters
    ----------
    settings : mutable mapping
        Of Jupyter's web application.
    """

    def __init__(self, settings: MutableMapping[str, object]) -> None:
        self._settings = settings

    def note(self, call: Call) -> None:
        """Take note of a call that has changed: one that was refused or failed is no work."""
        if call.state is CallState.DONE:
            self._settings[KEY] = datetime.now(UTC)
