"""The gate: every action passes here; where the policy asks, the call waits for a person.

What was shown is what happens. A decision names the hash of what the card showed, the action is
resolved again at that moment, and a yes is spent once.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..calls.call import Action, Call, CallState, Decision, DecisionSource, OptionKind
from ..calls.ledger import Ledger, now
from ..errors import ConflictError, DeniedError, InvalidArgumentError, ToolError
from .grants import Grants
from .patience import PAUSE_WORDS, Patience
from .pending import AlreadyWaitingError, Request, Watched, options
from .policy import PAUSED, Ruling, Subject, Verdict, decide
from .showable import showable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..agents.registry import AgentRegistry

EXPIRY = timedelta(minutes=15)
"""How long a request waits for an answer."""


class Gate:
    """Lets actions pass, asks people, remembers what they allowed for longer.

    Parameters
    ----------
    ledger : Ledger
    agents : AgentRegistry
    expiry : timedelta, optional
        After which a request that nobody answered is denied.
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
        """Whether all agents are held."""
        return self._agents.stopped

    @property
    def expiry(self) -> timedelta:
        """After which nobody is waited for any more."""
        return self._expiry

    # -- passing -------------------------------------------------------------------------------

    def admit(self, call: Call, agent: Agent) -> None:
        """Refuse every call of an agent that is held: also those that never ask, such as reading.

        Raises
        ------
        DeniedError
        """
        if not agent.token_hash:
            raise self._denial(call, DecisionSource.HARD, "Your connection has ended.")
        if self._subject(agent).paused:
            raise self._denial(call, DecisionSource.PAUSED, self._why_paused(agent))

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
        """Return the action once it may happen; the caller does it before it awaits anything.

        Parameters
        ----------
        call : Call
        agent : Agent
        resolve : Callable
            Works out the action from what is there at that moment. It is called again when a
            watched cell changes, and a last time just before this method returns.
        watched : Watched, optional
            The notebook that `resolve` looks at.

        Raises
        ------
        DeniedError
            The mode, a person, or the lack of an answer says no.
        ToolError
            `resolve` found that the action makes no sense any more.
        """
        action = self._show(call, resolve())
        ruling = self._rule(agent, action)
        while ruling.verdict is Verdict.ASK:
            self._join(call)
            self._refuse_what_is_too_much(call)
            showable(action)
            await self._ask(call, agent, resolve, watched)
            if watched is not None:
                await watched.look()
            # What cannot be drawn any more is woken without an answer: nobody has said yes to it.
            approved = call.action_hash if call.state is CallState.RUNNING else None
            action = self._show(call, resolve())
            # A stop or a pause that came meanwhile wins, and so does a change of the text.
            ruling = self._rule(agent, action)
            if ruling.verdict is Verdict.ASK and call.action_hash == approved:
                return action
        if ruling.verdict is Verdict.DENY:
            raise self._denial(call, ruling.source, ruling.reason)
        if call.state is not CallState.RUNNING:
            decision = Decision(allowed=True, source=ruling.source, at=now())
            self._ledger.update(call, state=CallState.RUNNING, decision=decision)
        return action

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
        digest = action.action_hash(call.agent_id)
        self.grants.follow(action.target)
        if digest != call.action_hash or action != call.action:
            changed = call.action_hash is not None and digest != call.action_hash
            self._ledger.update(
                call,
                action=action,
                action_hash=digest,
                summary=action.summary,
                tool_class=action.tool_class,
                changed=call.changed or changed,
            )
        return action

    def _denial(self, call: Call, source: DecisionSource, reason: str) -> DeniedError:
        if call.decision is None or call.decision.allowed:
            # The reason is for the agent; people are shown their own words only.
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
        """Return when the request was allowed (by a decision or by a grant): the call then runs.

        Or when what it would do cannot be worked out any more: the call then waits still.
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
                f"Nobody answered in {minutes} minutes, so it was denied. Nothing was done.",
            ) from None
        finally:
            self._requests.pop(call.id, None)
            request.leave()
            if unwatch is not None:
                unwatch()
        if request.refusal is not None:
            raise request.refusal

    def _refresh(self, request: Request) -> None:
        """Draw the card anew when what it shows has changed."""
        if request.call.state is not CallState.WAITING:
            return
        with contextlib.suppress(ToolError), request.drawing():
            self._show(request.call, showable(request.resolve()))
            return
        # It cannot be done any more: let the tool say why.
        request.wake.set()

    def _agents_changed(self) -> None:
        for agent in self._agents.all():
            self.grants.end_below(agent)
        self.patience.agents_changed()
        self.review()

    def review(self) -> None:
        """Rule again on everything that waits: a mode, a grant or a pause has changed."""
        for request in list(self._requests.values()):
            action = request.call.action
            if request.wake.is_set() or action is None:
                continue
            ruling = self._rule(request.agent, action)
            if ruling.verdict is Verdict.ALLOW:
                decision = Decision(allowed=True, source=ruling.source, at=now())
                self._ledger.update(request.call, state=CallState.RUNNING, decision=decision)
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
            Of what the person saw.
        until : str, optional
            How far ``allow_always`` reaches in time; must be one that was offered.
        reason : str, optional
            A sentence for the agent.
        by : str
            Who decides.

        Raises
        ------
        NotFoundError
            No such call.
        ConflictError
            Decided already, or what it would do has changed since it was drawn.
        InvalidArgumentError
            An option that was not offered.
        """
        call = self._ledger.get(call_id)
        request = self._requests.get(call_id)
        if request is None or call.state is not CallState.WAITING:
            raise ConflictError("This request was already decided.", code="decided")
        offered = [o for o in call.options if o.kind == option]
        if until is not None:
            offered = [o for o in offered if o.until == until]
        if not offered:
            raise InvalidArgumentError(f"'{option}' was not offered for this request.")
        self._refresh(request)
        if call.action_hash != action_hash:
            raise ConflictError(
                "What would run has changed since you looked. Here is the new version.",
                code="changed",
            )
        kind = offered[0].kind
        if kind is OptionKind.REJECT_ONCE:
            self._deny_by(request, kind, by, (reason or "").strip()[:1000] or None)
            return call
        if kind is OptionKind.ALLOW_ALWAYS:
            self.grants.add(call, offered[0].until or "stop", request.agent.mode)
        self.patience.allowed(call)
        decision = Decision(allowed=True, source=DecisionSource.USER, option=kind, by=by, at=now())
        self._ledger.update(call, state=CallState.RUNNING, decision=decision)
        request.wake.set()
        if kind is OptionKind.ALLOW_ALWAYS:
            self.review()
        return call

    def _deny_by(self, request: Request, kind: OptionKind, by: str, said: str | None) -> None:
        why = f" They said: “{said}”" if said else " They gave no reason."
        # Before it ends: of ended calls less is kept.
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
        """Take a request back: the agent stopped waiting for it."""
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
        """Deny everything that waits, of one agent or of all; return how many."""
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
        # A no like any other: the agent does not ask again at once.
        self.patience.denied(call)
        self._stop(request, by)
        self.patience.end_a_run_of_denials(call.agent_id)
        return True

    def _stop(self, request: Request, by: str) -> None:
        why, option = "The user stopped this. Nothing was done.", OptionKind.REJECT_ONCE
        self._refuse(request, DecisionSource.USER, why, by=by, option=option)
