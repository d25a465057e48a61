"""Addresses beside ours at which there is nothing: a slip in one of them, and a token in it.

Jupyter would answer them, but Tornado then writes the address as it came into the log.
"""

from __future__ import annotations

from tornado import web

from .base import PanelHandler


class NowhereHandler(PanelHandler):
    """Says that there is nothing, to whoever asks, and logs no address."""

    def check_xsrf_cookie(self) -> None:
        """Check nothing: nothing is done here."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Answer before anybody is logged in by what the address holds."""
        self.current_user = self._jupyter_current_user = None
        raise web.HTTPError(
            404,
            "There is nothing at this address. MCP clients connect at the address that the Agents "
            "panel in JupyterLab shows, without a slash at its end.",
        )

    def _log(self) -> None:
        """Write nothing into the access log: any part of the address may be a secret."""

    def _request_summary(self) -> str:
        """Name the request in the log without its address."""
        return f"{self.request.method} ({self.request.remote_ip})"
