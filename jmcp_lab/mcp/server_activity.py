"""Reports agents' work as server activity, so that an idle-culler does not stop the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..calls.call import CallState

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from ..calls.call import Call

KEY = "jmcp_lab_last_activity"
"""Key of the setting; Jupyter Server reads every setting whose name ends in ``last_activity``."""


class Activity:
    """Records when an agent last did something.

    Agents do not use Jupyter Server's REST API, and an edit needs no kernel. Without this, a server
    that stops after some minutes without activity would stop while an agent writes.

    Parameters
    ----------
    settings : mutable mapping
        Settings of Jupyter's web application.
    """

    def __init__(self, settings: MutableMapping[str, object]) -> None:
        self._settings = settings

    def note(self, call: Call) -> None:
        """Record a call that is done; a refused or failed call does not count as work."""
        if call.state is CallState.DONE:
            self._settings[KEY] = datetime.now(UTC)
