"""Answers mistyped addresses next to ours, without logging a token that they may contain.

Jupyter would answer them as well, but Tornado then logs the address unchanged.
"""

from __future__ import annotations

from tornado import web

from .base import PanelHandler


class NowhereHandler(PanelHandler):
    """Answers 404 to everybody, and logs no address."""

    def check_xsrf_cookie(self) -> None:
        """Skip the check: this handler changes nothing."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Answer before a token in the address logs anybody in."""
        self.current_user = self._jupyter_current_user = None
        raise web.HTTPError(
            404,
            "There is nothing at this address. MCP clients connect to the address that the Agents "
            "panel in JupyterLab shows, without a slash at the end.",
        )

    def _log(self) -> None:
        """Keep the request out of the access log: any part of the address may be a secret."""

    def _request_summary(self) -> str:
        """Describe the request without its address."""
        return f"{self.request.method} ({self.request.remote_ip})"
