"""The gate that every action passes; if the policy asks, the call waits for a person.

What was shown is what happens. A decision names the hash of what the card showed, the action is
resolved again at that moment, and an approval is used only once.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..agents.modes import Verdict
from ..calls.call import Action, Call, CallState, Decision, DecisionSource, OptionKind
from ..calls.ledger import Ledger, now
from ..errors import ConflictError, DeniedError, ToolError
from .grants import Grants
from .patience import PAUSE_WORDS, Patience
from .pending import AlreadyWaitingError, Request, Watched, card, offered, options
from .policy import PAUSED, Ruling, Subject, decide, unknown_mode
from .showable import showable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..agents.registry import AgentRegistry
    from ..calls.call import Option

EXPIRY = timedelta(minutes=15)
"""Time that a request waits for an answer."""


class Gate:
    """Applies the policy to actions, asks people, and stores their grants.

    Parameters
    ----------
    ledger : Ledger
    agents : AgentRegistry
    expiry : timedelta, optional
        Time after which an unanswered request is denied.
    """

    def __init__(
        self, ledger: Ledger, agents: AgentRegistry, *, expiry: timedelta = EXPIRY
    ) -> None:
        self._ledger = ledger
        self._agents = agents
        self._expiry = expiry
        self._requests: dict[str, Request] = {}
        self.grants = Grants()
        self.patience = Patience(ledger, agents)
        agents.subscribe(self._agents_changed)

    @property
    def stopped(self) -> bool:
        """Whether all agents are paused."""
        return self._agents.stopped

    @property
    def expiry(self) -> timedelta:
        """Time after which an unanswered request is denied."""
        return self._expiry

    # -- passing -------------------------------------------------------------------------------

    def admit(self, call: Call, agent: Agent) -> None:
        """Reject every call of a paused agent, including reads, which never ask.

        Raises
        ------
        DeniedError
        """
        if not agent.token_hash:
            raise self._denial(call, DecisionSource.HARD, "Your connection has ended.")
        if self._subject(agent).paused:
            raise self._denial(call, DecisionSource.PAUSED, self._why_paused(agent))
        if not agent.mode.known:
            raise self._denial(call, DecisionSource.MODE, unknown_mode(agent.mode))

    def _why_paused(self, agent: Agent) -> str:
        why = self.patience.why_paused(agent.id)
        return PAUSED if why is None or self.stopped else PAUSE_WORDS[why]

    async def permit(
        self,
        call: Call,
        agent: Agent,
        resolve: Callable[[], Action],
        watched: Watched | None = None,
    ) -> Action:
        """Return the action once it is allowed; the caller performs it before awaiting anything.

        Parameters
        ----------
        call : Call
        agent : Agent
        resolve : Callable
            Computes the action from the present state. It is called again when a watched cell
            changes, and for the last time just before this method returns.
        watched : Watched, optional
            The notebook that `resolve` reads.

        Raises
        ------
        DeniedError
            The mode or a person denies it, or nobody answered.
        ToolError
            `resolve` found that the action no longer makes sense.
        """
        action = resolve()
        self.grants.follow(action.target)
        ruling = self._rule(agent, action)
        if ruling.verdict is Verdict.ALLOW:
            # One step tells what the call wants and that it runs: nobody looks at it in between.
            self._run(call, ruling, card(call, action))
            return action
        self._show(call, action)
        while ruling.verdict is Verdict.ASK:
            self._join(call)
            self._refuse_what_is_too_much(call)
            showable(action)
            await self._ask(call, agent, resolve, watched)
            if watched is not None:
                await watched.look()
            # If the card can no longer be drawn, the request wakes without an answer, so nobody has
            # approved it.
            approved = call.action_hash if call.state is CallState.RUNNING else None
            action = self._show(call, resolve())
            # A stop or a pause that came meanwhile wins, and so does a change of the text.
            ruling = self._rule(agent, action)
            if ruling.verdict is Verdict.ASK and call.action_hash == approved:
                return action
        if ruling.verdict is Verdict.DENY:
            raise self._denial(call, ruling.source, ruling.reason)
        self._run(call, ruling, {})
        return action

    def _run(self, call: Call, ruling: Ruling, changes: dict[str, Any]) -> None:
        """Let a call run that a ruling allows, and make other changes with that."""
        if call.state is not CallState.RUNNING:
            decision = Decision(allowed=True, source=ruling.source, at=now())
            changes = {**changes, "state": CallState.RUNNING, "decision": decision}
        if changes:
            self._ledger.update(call, **changes)

    def _subject(self, agent: Agent) -> Subject:
        return Subject(
            id=agent.id,
            mode=agent.mode,
            paused=agent.paused or self.stopped or not agent.token_hash,
            notebooks=tuple(agent.notebooks),
            until=agent.until,
        )

    def _rule(self, agent: Agent, action: Action) -> Ruling:
        ruling = decide(self._subject(agent), action, self.grants.valid(), now())
        if ruling.source is DecisionSource.PAUSED:
            return replace(ruling, reason=self._why_paused(agent))
        return ruling

    def _show(self, call: Call, action: Action) -> Action:
        """Record what the call wants, so that the panel shows it."""
        self.grants.follow(action.target)
        if changes := card(call, action):
            self._ledger.update(call, **changes)
        return action

    def _denial(self, call: Call, source: DecisionSource, reason: str) -> DeniedError:
        if call.decision is None or call.decision.allowed:
            # The reason is for the agent; people see only their own reasons.
            decision = Decision(allowed=False, source=source, at=now())
            self._ledger.update(call, decision=decision)
        return DeniedError(reason)

    def _join(self, call: Call) -> None:
        for request in self._requests.values():
            if request.call is not call and request.call.action_hash == call.action_hash:
                raise AlreadyWaitingError(request.call)

    def _refuse_what_is_too_much(self, call: Call) -> None:
        waiting = sum(1 for r in self._requests.values() if r.call.agent_id == call.agent_id)
        refusal = self.patience.refusal(call, waiting)
        if refusal is not None:
            raise self._denial(call, *refusal)

    # -- asking --------------------------------------------------------------------------------

    async def _ask(
        self,
        call: Call,
        agent: Agent,
        resolve: Callable[[], Action],
        watched: Watched | None,
    ) -> None:
        """Return when the request was allowed, by a decision or a grant; the call is then running.

        Also return if the action can no longer be computed; the call is then still waiting.
        """
        request = Request(call, agent, resolve, asyncio.Event())
        self._requests[call.id] = request
        self._ledger.update(
            call,
            state=CallState.WAITING,
            decision=None,
            options=options(call.action),
            expires=now() + self._expiry,
        )

        def changed(cell_ids: set[str]) -> None:
            action = call.action
            if action is not None and cell_ids & set(action.target.cell_ids):
                request.draw_soon(self._refresh)

        unwatch = watched.on_change(changed) if watched is not None else None
        try:
            async with asyncio.timeout(self._expiry.total_seconds()):
                await request.wake.wait()
        except TimeoutError:
            minutes = round(self._expiry.total_seconds() / 60)
            raise self._denial(
                call,
                DecisionSource.EXPIRED,
                f"Nobody answered within {minutes} minutes, so the request was denied. Nothing was "
                "done.",
            ) from None
        finally:
            self._requests.pop(call.id, None)
            request.leave()
            if unwatch is not None:
                unwatch()
        if request.refusal is not None:
            raise request.refusal

    def _refresh(self, request: Request) -> None:
        """Redraw the card if its content has changed."""
        if request.call.state is not CallState.WAITING:
            return
        with contextlib.suppress(ToolError), request.drawing():
            self._show(request.call, showable(request.resolve()))
            return
        # The action is no longer possible. Let the tool report why.
        request.wake.set()

    def _agents_changed(self) -> None:
        for agent in self._agents.all():
            self.grants.end_below(agent)
        self.patience.agents_changed()
        self.review()

    def review(self) -> None:
        """Apply the policy to all requests again: a mode, a grant or a pause has changed."""
        for request in list(self._requests.values()):
            action = request.call.action
            if request.wake.is_set() or action is None:
                continue
            ruling = self._rule(request.agent, action)
            if ruling.verdict is Verdict.ALLOW:
                self._run(request.call, ruling, {})
                request.wake.set()
            elif ruling.verdict is Verdict.DENY:
                self._refuse(request, ruling.source, ruling.reason)

    def _refuse(
        self,
        request: Request,
        source: DecisionSource,
        reason: str,
        *,
        by: str | None = None,
        option: OptionKind | None = None,
        said: str | None = None,
    ) -> None:
        decision = Decision(
            allowed=False, source=source, option=option, by=by, reason=said, at=now()
        )
        self._ledger.update(request.call, state=CallState.DENIED, decision=decision)
        request.refusal = DeniedError(reason)
        request.wake.set()

    # -- what people do ------------------------------------------------------------------------

    def decide(
        self,
        call_id: str,
        option: str,
        action_hash: str,
        *,
        until: str | None = None,
        reason: str | None = None,
        by: str,
    ) -> Call:
        """Answer a request.

        Parameters
        ----------
        call_id : str
        option : str
            One of the options that the request offers.
        action_hash : str
            The hash of what the person saw.
        until : str, optional
            The end of an ``allow_always``; it must be one that was offered.
        reason : str, optional
            A sentence for the agent.
        by : str
            The person who decides.

        Raises
        ------
        NotFoundError
            There is no such call.
        ConflictError
            It was decided already, or its action has changed since the card was drawn.
        InvalidArgumentError
            The option was not offered.
        """
        call = self._ledger.get(call_id)
        request = self._requests.get(call_id)
        if request is None or call.state is not CallState.WAITING:
            raise ConflictError("This request was already decided.", code="decided")
        chosen = offered(call, option, until)
        self._refresh(request)
        if call.action_hash != action_hash:
            raise ConflictError(
                "What would run has changed since you looked. Here is the new version.",
                code="changed",
            )
        if chosen.kind is OptionKind.REJECT_ONCE:
            self._deny_by(request, chosen.kind, by, (reason or "").strip()[:1000] or None)
        else:
            self._allow_by(request, chosen, by)
        return call

    def _allow_by(self, request: Request, chosen: Option, by: str) -> None:
        call, always = request.call, chosen.kind is OptionKind.ALLOW_ALWAYS
        if always:
            self.grants.add(call, chosen.until or "stop", request.agent.mode)
        self.patience.allowed(call)
        decision = Decision(
            allowed=True, source=DecisionSource.USER, option=chosen.kind, by=by, at=now()
        )
        self._ledger.update(call, state=CallState.RUNNING, decision=decision)
        request.wake.set()
        if always:
            self.review()

    def _deny_by(self, request: Request, kind: OptionKind, by: str, said: str | None) -> None:
        why = f" They said: “{said}”" if said else " They gave no reason."
        # Record it before the call ends, because less is kept of ended calls.
        self.patience.denied(request.call)
        self._refuse(
            request,
            DecisionSource.USER,
            f"The user denied this, and nothing was done.{why} Do not repeat the same request.",
            by=by,
            option=kind,
            said=said,
        )
        self.patience.end_a_run_of_denials(request.call.agent_id)

    def withdraw(self, call: Call) -> None:
        """Withdraw a request, because the agent stopped waiting for it."""
        request = self._requests.get(call.id)
        if request is None or call.state is not CallState.WAITING:
            return
        decision = Decision(allowed=False, source=DecisionSource.WITHDRAWN, at=now())
        self._ledger.update(
            call,
            state=CallState.CANCELLED,
            decision=decision,
            error="The agent stopped waiting. Nothing was done.",
        )
        request.refusal = DeniedError("You stopped waiting, so the request was withdrawn.")
        request.wake.set()

    def deny_waiting(self, agent_id: str | None, by: str) -> int:
        """Deny all waiting requests of one agent or of all; return their number."""
        waiting = [each for each in self._requests.values() if not each.wake.is_set()]
        waiting = [each for each in waiting if agent_id in (None, each.call.agent_id)]
        for request in waiting:
            self._stop(request, by)
        return len(waiting)

    def stop_request(self, call: Call, by: str) -> bool:
        """Deny one waiting call because it was stopped; return whether it was waiting."""
        request = self._requests.get(call.id)
        if request is None or request.wake.is_set():
            return False
        # This counts as a denial, so the agent cannot ask again at once.
        self.patience.denied(call)
        self._stop(request, by)
        self.patience.end_a_run_of_denials(call.agent_id)
        return True

    def _stop(self, request: Request, by: str) -> None:
        why, option = "The user stopped this. Nothing was done.", OptionKind.REJECT_ONCE
        self._refuse(request, DecisionSource.USER, why, by=by, option=option)
