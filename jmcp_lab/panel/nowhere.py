"""Answers addresses at which there is nothing: mistyped ones, and those of a sign-in.

Jupyter would answer them as well. But Tornado then logs the address unchanged, with any token in
it, and a client that looks for a sign-in gets a page of HTML, which it prints as the error.
"""

from __future__ import annotations

from tornado import web

from .base import PanelHandler

SIGN_IN_PATHS = (
    r"\.well-known/(?:oauth-protected-resource|oauth-authorization-server|openid-configuration)(?:/.*)?",
    "register",
    "authorize",
    "token",
    "revoke",
)
"""Where MCP clients look for a sign-in, as regular expressions below the base URL.

MCP 2025-11-25, "Authorization": the metadata, and the default endpoints where there is none.
"""


class NowhereHandler(PanelHandler):
    """Answers 404 to everybody, and logs no address."""

    WORDS = (
        "There is nothing at this address. MCP clients connect to the address that the Agents "
        "panel in JupyterLab shows, without a slash at the end."
    )

    def check_xsrf_cookie(self) -> None:
        """Skip the check: this handler changes nothing."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Answer before a token in the address logs anybody in."""
        self.current_user = self._jupyter_current_user = None
        raise web.HTTPError(404, self.WORDS)

    def _log(self) -> None:
        """Keep the request out of the access log: any part of the address may be a secret."""

    def _request_summary(self) -> str:
        """Describe the request without its address."""
        return f"{self.request.method} ({self.request.remote_ip})"


class NoSignInHandler(NowhereHandler):
    """Tells a client that there is no sign-in, and what to do instead."""

    WORDS = (
        "There is no sign-in for MCP clients here. Choose 'Connect an agent' in JupyterLab's "
        "Agents panel, and give the client the configuration that it shows, with its token."
    )
