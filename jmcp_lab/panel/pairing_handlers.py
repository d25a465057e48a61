"""The routes of pairing: programs ask, the person answers.

A program on this computer has no login and holds no secret yet. It can only make a card appear in
the panel, and fetch what the person gave it.
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
"""How long the question for the person's answer is held: shorter than proxies' patience."""

_PLAIN = {
    *("host", "connection", "user-agent", "authorization", "content-type", "content-length"),
    *("accept", "accept-encoding", "accept-language", "cache-control", "pragma", "sec-fetch-mode"),
}
"""Headers that HTTP clients send of themselves. Any other tells of a browser, or of a request that
came from elsewhere by a proxy on this computer: each proxy has names of its own for that."""


def pairing_view(pairing: Pairing) -> dict[str, Any]:
    """Return a program that asks, without the secret that it asks with."""
    return {
        "id": pairing.id,
        "client": pairing.client,
        "created": format_time(pairing.created),
        "expires": format_time(pairing.expires),
    }


class ProgramHandler(PanelHandler):
    """Base of what programs may do before they are let in."""

    _track_activity = False

    async def prepare(self) -> None:  # type: ignore[override]
        """Let in who holds the server's token, and programs on this computer; no web page."""
        await super().prepare()
        if not (self.token_authenticated or self._is_program_here()):
            raise web.HTTPError(
                403,
                "Only programs of the server's own user, on the server's own computer, can ask to "
                "be let in. In JupyterLab choose 'Connect an agent' in the Agents panel, and give "
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
        """Accept the server's token as well: what is made here is a question to the person."""

    def check_xsrf_cookie(self) -> None:
        """Accept requests without the XSRF cookie where no cookie counts."""
        # Tornado asks before anybody is known as well, where Jupyter's own check does nothing. A
        # program sends no cookie; on a server without a login it is somebody all the same.
        known = getattr(self, "_jupyter_current_user", None) is not None
        if known and not self._is_program_here():
            super().check_xsrf_cookie()

    def _log(self) -> None:
        """Write nothing into the access log: the address holds the program's secret."""

    def _request_summary(self) -> str:
        """Name the request in the log without its address."""
        return f"{self.request.method} of a program"


class PairingHandler(ProgramHandler):
    """A program's question to be let in."""

    @allow_unauthenticated
    @errors_as_json
    async def post(self) -> None:
        """Show a card in the panel."""
        if (error := self.services.mcp_error()) is not None:
            raise UnavailableError(error)
        # Of its own kind only: programs that show the server's token are not kept out by others.
        source = "token" if self.token_authenticated else "computer"
        pairing = self.services.pairings.ask(self.body("client").get("client"), source)
        self.answer({"id": pairing.secret}, 202)

    @allow_unauthenticated
    @errors_as_json
    async def get(self) -> None:
        """Say where agents connect, and where the person is to answer."""
        self.answer({"mcp_path": self.services.mcp_path, "open": self.services.where_to_open()})


class PairingAnswerHandler(ProgramHandler):
    """What became of a program's question."""

    _gone = False

    @allow_unauthenticated
    @errors_as_json
    async def get(self, secret: str) -> None:
        """Send the person's answer, when it is there."""
        await self.services.pairings.answered(secret, HOLD_SECONDS)
        if self._gone:
            # The token is for the program's next start.
            return
        found = self.services.pairings.take(secret)
        if isinstance(found, str):
            self.answer({"state": "allowed", "token": found})
        else:
            self.answer({"state": "pending" if found else "denied"})

    def on_connection_close(self) -> None:
        """Note that the program was ended."""
        self._gone = True


class PairingDecisionHandler(PanelHandler):
    """The person's answer to a program, or to what somebody wrote into the list of agents."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self, pairing_id: str) -> None:
        """Let it in, or turn it away."""
        fields = self.body("option", "label", "mode", "notebooks", "until")
        option = fields.pop("option", None)
        if option not in ("allow_once", "reject_once"):
            raise InvalidArgumentError("'option' is allow_once or reject_once.")
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
