"""Implements the routes of pairing: a program asks to be let in, and a person answers.

A program on this computer has no login and no secret yet. It can only make a card appear in the
panel, and fetch the person's answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from ..agents.expiry import format_time
from ..agents.offers import OFFER
from ..errors import InvalidArgumentError, UnavailableError
from ..server.http import is_loopback
from .base import PanelHandler, decides, errors_as_json
from .owners import check_owner
from .peers import is_here, is_own_user, uid_of_peer

if TYPE_CHECKING:
    from ..agents.pairing import Pairing

HOLD_SECONDS = 20.0
"""Seconds that an exchange waits for the person's answer; proxies time out later than that."""

_PLAIN = {
    *("host", "connection", "user-agent", "authorization", "content-type", "content-length"),
    *("accept", "accept-encoding", "accept-language", "cache-control", "pragma", "sec-fetch-mode"),
}
"""Names of the headers that HTTP clients send by default.

Any other header is the sign of a browser, or of a proxy on this computer that passes on an exchange
from elsewhere. Each proxy adds headers with names of its own.
"""


def pairing_view(pairing: Pairing) -> dict[str, Any]:
    """Return the view of a program that asks, without its secret."""
    return {
        "id": pairing.id,
        "client": pairing.client,
        "created": format_time(pairing.created),
        "expires": format_time(pairing.expires),
    }


class ProgramHandler(PanelHandler):
    """Base of the handlers for programs that are not let in yet."""

    _track_activity = False

    async def prepare(self) -> None:  # type: ignore[override]
        """Accept holders of the server's token and programs on this computer, but no web page."""
        await super().prepare()
        if not (self.token_authenticated or self._is_program_here()):
            raise web.HTTPError(
                403,
                "Only programs of the server's own user, on the server's own computer, can ask to "
                "connect. In JupyterLab, choose 'Connect an agent' in the Agents panel and give "
                "the program the token.",
            )

    def _is_program_here(self) -> bool:
        if any(name.lower() not in _PLAIN for name in self.request.headers):
            return False
        return (
            is_here(self.request)
            and is_loopback(urlsplit(f"//{self.request.host}").hostname)
            and is_own_user(uid_of_peer(self.request))
        )

    def _check_change(self) -> None:
        """Accept the server's token as well, because these routes only ask the person."""

    def check_xsrf_cookie(self) -> None:
        """Skip the XSRF check where no cookie identifies anybody."""
        # Tornado also calls this before anybody is authenticated, when Jupyter's check does
        # nothing. A program sends no cookie, but a server without a login treats it as a user.
        known = getattr(self, "_jupyter_current_user", None) is not None
        if known and not self._is_program_here():
            super().check_xsrf_cookie()

    def _log(self) -> None:
        """Keep the exchange out of the access log: the address holds the program's secret."""

    def _request_summary(self) -> str:
        """Describe the exchange in the log without its address."""
        return f"{self.request.method} of a program"


class PairingHandler(ProgramHandler):
    """Lets a program ask to be let in."""

    @allow_unauthenticated
    @errors_as_json
    async def post(self) -> None:
        """Show a card in the panel."""
        if (error := self.services.mcp_error()) is not None:
            raise UnavailableError(error)
        # Each source has its own limit, so other programs cannot crowd out those with a token.
        source = "token" if self.token_authenticated else "computer"
        pairing = self.services.pairings.ask(self.body("client").get("client"), source)
        self.answer({"id": pairing.secret}, 202)

    @allow_unauthenticated
    @errors_as_json
    async def get(self) -> None:
        """Tell where agents connect, and where the person answers."""
        self.answer({"mcp_path": self.services.mcp_path, "open": self.services.where_to_open()})


class PairingAnswerHandler(ProgramHandler):
    """Sends the person's answer to a program."""

    _gone = False

    @allow_unauthenticated
    @errors_as_json
    async def get(self, secret: str) -> None:
        """Send the person's answer, after waiting for it for a while."""
        await self.services.pairings.answered(secret, HOLD_SECONDS)
        if self._gone:
            # The program has ended, so the token stays here for its next start.
            return
        found = self.services.pairings.take(secret)
        if isinstance(found, str):
            self.answer({"state": "allowed", "token": found})
        else:
            self.answer({"state": "pending" if found else "denied"})

    def on_connection_close(self) -> None:
        """Record that the program has disconnected."""
        self._gone = True


class PairingDecisionHandler(PanelHandler):
    """Takes the person's answer to a program, or to an offer in the list of agents."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self, pairing_id: str) -> None:
        """Let the program in or accept the offer, or refuse it."""
        fields = self.body("option", "label", "mode", "notebooks", "until")
        option = fields.pop("option", None)
        if option not in ("allow_once", "reject_once"):
            raise InvalidArgumentError("'option' must be allow_once or reject_once.")
        if pairing_id.startswith(OFFER):
            for offer in self.services.agents.offers():
                if offer.id == pairing_id and offer.present is not None:
                    check_owner(self.owner, offer.present)
            accept = option == "allow_once"
            self.services.agents.answer_offer(pairing_id, accept=accept, owner=self.owner)
        elif option == "allow_once":
            self.services.pairings.allow(pairing_id, owner=self.owner, **fields)
        else:
            self.services.pairings.turn_away(pairing_id)
        self.no_content()
