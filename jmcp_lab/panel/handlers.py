"""Implements the panel's REST interface; the end of this file lists every route.

Every login of this server may read, but only a login in the browser may change something; see
`base`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado import web

from ..agents.expiry import format_time
from ..agents.modes import DEFAULT
from ..calls.ledger import KEPT
from ..errors import InvalidArgumentError, NotFoundError
from ..notebooks import changes
from ..rooms.upstream.names import names_off
from ..runtime.open_pages import path_of
from ..text.surrogates import dump_json
from .base import PanelHandler, decides, errors_as_json
from .owners import check_may_decide, check_owner, decidable
from .pairing_handlers import (
    PairingAnswerHandler,
    PairingDecisionHandler,
    PairingHandler,
    pairing_view,
)
from .views import agent_view, call_view, dump_calls, grant_view, offer_view

if TYPE_CHECKING:
    from .services import PanelServices

MAX_CALLS = KEPT + changes.KEPT
"""Maximum number of calls in one answer.

These are all that the server keeps, so that every call that can be undone has its button.
"""


class StateHandler(PanelHandler):
    """Sends what changed since a sequence number."""

    _track_activity = False  # a panel that is left open must not keep an idle server alive

    @web.authenticated
    @authorized
    @errors_as_json
    async def get(self) -> None:
        """Send the agents, the grants, and the calls that changed."""
        since = self._since()
        ledger, registry = self.services.ledger, self.services.agents
        tab = self.get_query_argument("tab", "")
        # Whoever uses a token is no person in front of a panel, so it does not count as approver.
        person = bool(tab) and not self.token_authenticated
        # A page that is new to this server may still show the calls of an earlier server.
        stranger = person and not self.services.pages.seen(tab)
        reset = since > ledger.seq or (since > 0 and stranger)
        calls = ledger.since(0 if reset else since)
        state: dict[str, Any] = {
            "seq": ledger.seq,
            "server": self._server() | {"decides": await decidable(self, self.auth_resource)},
            "agents": [
                agent_view(agent, registry, ledger, self.services.gate.patience, self.owner)
                for agent in registry.all()
            ],
            "grants": [grant_view(grant) for grant in self.services.gate.grants.valid()],
            "pairings": [
                *(pairing_view(pairing) for pairing in self.services.pairings.waiting()),
                *(offer_view(offer, self.owner) for offer in registry.offers()),
            ],
        }
        if reset:
            state["reset"] = True
        # A call that changes meanwhile is newer than `seq`, so the next answer has it again.
        self.finish(f'{dump_json(state)[:-1]}, "calls": [{await dump_calls(calls[-MAX_CALLS:])}]}}')

    def _since(self) -> int:
        try:
            return max(0, int(self.get_query_argument("since", "0")))
        except ValueError:
            raise InvalidArgumentError("'since' must be a whole number.") from None

    def _server(self) -> dict[str, Any]:
        return {
            "version": self.services.version,
            "mcp_path": self.services.mcp_path,
            "mcp_error": self.services.mcp_error(),
            "paused": self.services.gate.stopped,
            "protection": self.services.protection,
            "unattended": None,
            "trust_outputs": self.services.trust_outputs,
            "not_live": self.services.not_live(),
            "missing_names": names_off(self.services.missing()),
            "files": self.services.pages.errands(),
            "documents": asdict(self.services.troubles()),
            "now": format_time(datetime.now(UTC)),
        }


class AgentsHandler(PanelHandler):
    """Adds agents."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self) -> None:
        """Let an agent in; only this answer contains its token."""
        fields = self.body("label", "mode", "notebooks", "until", "expires_in")
        agent, token = self.services.agents.add(
            fields.get("label", ""),
            fields.get("mode") or DEFAULT,
            notebooks=fields.get("notebooks") or (),
            until=fields.get("until"),
            expires_in=fields.get("expires_in"),
            owner=self.owner,
        )
        url = url_path_join(self.page_base(), self.services.mcp_path)
        body = {"id": agent.id, "label": agent.label, "token": token, "url": url}
        self.answer(body, 201)


class AgentHandler(PanelHandler):
    """Changes or revokes one agent."""

    @web.authenticated
    @decides
    @errors_as_json
    async def patch(self, agent_id: str) -> None:
        """Change an agent."""
        fields = self.body("mode", "notebooks", "until", "paused", "label")
        check_owner(self.owner, self.services.agents.get(agent_id))
        agent = self.services.agents.update(agent_id, **fields)
        ledger, patience = self.services.ledger, self.services.gate.patience
        self.answer(agent_view(agent, self.services.agents, ledger, patience, self.owner))

    @web.authenticated
    @decides
    @errors_as_json
    async def delete(self, agent_id: str) -> None:
        """Revoke an agent."""
        check_owner(self.owner, self.services.agents.get(agent_id))
        await self.services.supervisor.revoke_agent(agent_id)
        self.no_content()


class StopAgentHandler(PanelHandler):
    """Stops one agent."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def post(self, agent_id: str) -> None:
        """Pause an agent, deny its waiting requests, interrupt its runs."""
        self.body()
        interrupted, denied = await self.services.supervisor.stop_agent(agent_id, self.person)
        self.answer({"interrupted": interrupted, "denied": denied})


class CallHandler(PanelHandler):
    """Base of the handlers that do something to one call."""

    def conflict_details(self, *args: str) -> dict[str, object]:
        """Return the present state of the call, so that the page can redraw its card."""
        return {"call": call_view(self.services.ledger.get(args[0]))}

    async def check_decider(self, call_id: str) -> None:
        """Refuse people who may not decide about a call.

        Raises
        ------
        NotFoundError
        DeniedError
        """
        call = self.services.ledger.get(call_id)
        # A revoked agent has no waiting requests; the gate reports that.
        with suppress(NotFoundError):
            check_owner(self.owner, self.services.agents.get(call.agent_id))
        await check_may_decide(self, call)


class DecisionHandler(CallHandler):
    """Takes a person's decision about a request."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self, call_id: str) -> None:
        """Allow or deny."""
        fields = self.body("option", "action_hash", "until", "reason")
        option = self.text(fields, "option", longest=40)
        action_hash = self.text(fields, "action_hash", longest=100)
        if option is None or action_hash is None:
            raise InvalidArgumentError("'option' and 'action_hash' are required.")
        await self.check_decider(call_id)
        until = self.text(fields, "until", longest=40)
        reason = self.text(fields, "reason")
        call = self.services.gate.decide(
            call_id, option, action_hash, until=until, reason=reason, by=self.person
        )
        self.answer(call_view(call))


class AskAgainHandler(CallHandler):
    """Revokes a denial, so that the agent may ask the person again."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self, call_id: str) -> None:
        """Let the agent ask the person again for what they denied."""
        self.body()
        await self.check_decider(call_id)
        self.answer(call_view(self.services.gate.patience.ask_again(call_id)))


class InputHandler(CallHandler):
    """Takes a person's answer to a question of running code."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self, call_id: str) -> None:
        """Pass the answer to the code; a missing value means that there is no answer."""
        fields = self.body("question", "value")
        question = self.text(fields, "question", longest=40)
        if question is None:
            raise InvalidArgumentError(
                "'question' is required: the id of the question that this answers."
            )
        await self.check_decider(call_id)
        value = self.text(fields, "value", longest=10_000)
        self.answer(call_view(self.services.supervisor.answer_question(call_id, question, value)))


class StopCallHandler(CallHandler):
    """Stops one call."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def post(self, call_id: str) -> None:
        """Deny a waiting call, or interrupt a running one."""
        self.body()
        self.answer(call_view(await self.services.supervisor.stop_call(call_id, self.person)))


class UndoHandler(CallHandler):
    """Undoes what a call changed."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def post(self, call_id: str) -> None:
        """Undo the edits of a call."""
        self.body()
        self.answer(call_view(await self.services.supervisor.undo_call(call_id, self.person)))


class GrantsHandler(PanelHandler):
    """Lists the grants."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def get(self) -> None:
        """Send the grants that have not ended."""
        self.answer({"grants": [grant_view(grant) for grant in self.services.gate.grants.valid()]})


class GrantHandler(PanelHandler):
    """Revokes one grant."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def delete(self, grant_id: str) -> None:
        """Revoke a grant."""
        self.services.gate.grants.revoke(grant_id)
        self.services.doorbell.ring("agents")
        self.no_content()


class StopHandler(PanelHandler):
    """Stops all agents."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def post(self) -> None:
        """Pause every agent, deny all waiting requests, interrupt all runs of agents."""
        self.body()
        interrupted, denied = await self.services.supervisor.stop_all(self.person)
        self.answer({"interrupted": interrupted, "denied": denied})


class ResumeHandler(PanelHandler):
    """Resumes the agents after Stop all."""

    @web.authenticated
    @decides
    @errors_as_json
    async def post(self) -> None:
        """Resume all agents except those of other owners."""
        self.body()
        self.services.supervisor.resume(self.owner)
        self.answer({})


class PageHandler(PanelHandler):
    """Takes reports of what the person looks at in one page."""

    _track_activity = False

    @web.authenticated
    @authorized
    @errors_as_json
    async def put(self, tab: str) -> None:
        """Record what the page reports."""
        self.services.pages.tell(tab, self.body("visible", "focused", "active", "open", "files"))
        self.services.pages.address = self.page_base()
        self.no_content()

    @web.authenticated
    @authorized
    @errors_as_json
    async def delete(self, tab: str) -> None:
        """Record that the page was closed."""
        self.services.pages.forget(tab)
        self.no_content()


class SavedAsHandler(PanelHandler):
    """Takes reports that the person saved a notebook under another name and works in that one."""

    @web.authenticated
    @authorized
    @errors_as_json
    async def post(self) -> None:
        """Tell the agents that work in the old notebook."""
        body = self.body("old", "new")
        self.services.supervisor.saved_as(path_of(body.get("old")), path_of(body.get("new")))
        self.no_content()


_ROUTES: list[tuple[str, type[PanelHandler]]] = [
    (r"state", StateHandler),
    (r"agents", AgentsHandler),
    (r"agents/([A-Za-z0-9_]+)", AgentHandler),
    (r"agents/([A-Za-z0-9_]+)/stop", StopAgentHandler),
    (r"calls/([A-Za-z0-9_]+)/decision", DecisionHandler),
    (r"calls/([A-Za-z0-9_]+)/ask-again", AskAgainHandler),
    (r"calls/([A-Za-z0-9_]+)/input", InputHandler),
    (r"calls/([A-Za-z0-9_]+)/stop", StopCallHandler),
    (r"calls/([A-Za-z0-9_]+)/undo", UndoHandler),
    (r"grants", GrantsHandler),
    (r"grants/([A-Za-z0-9_]+)", GrantHandler),
    (r"pairing", PairingHandler),
    # Jupyter would handle a trailing slash and log the address with the secret in it.
    (r"pairing/([A-Za-z0-9_-]+)/*", PairingAnswerHandler),
    (r"pairing/([A-Za-z0-9_]+)/decision", PairingDecisionHandler),
    (r"stop", StopHandler),
    (r"resume", ResumeHandler),
    (r"pages/([^/]+)", PageHandler),
    (r"saved-as", SavedAsHandler),
]


def routes(
    base: str, services: PanelServices
) -> list[tuple[str, type[PanelHandler], dict[str, Any]]]:
    """Return every route, below the interface's address `base`."""
    given = {"services": services}
    return [(url_path_join(base, path), handler, given) for path, handler in _ROUTES]
