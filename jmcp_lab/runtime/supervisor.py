"""Control: what a person does to calls and agents from the panel, beyond answering a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..calls.call import CallState, Decision, DecisionSource, ToolClass
from ..calls.ledger import now
from ..errors import ConflictError, ToolError, UnavailableError
from ..notebooks.merges import Merges
from ..notebooks.prepared_update import Ahead
from ..notebooks.undo import look_ahead, taken_out, to_merge
from ..rooms.notices import saved_as
from ..server.containment import contained
from .people import people_in
from .undo import undo_change_set

if TYPE_CHECKING:
    from ..calls.call import Call
    from ..notebooks.changes import ChangeSet
    from ..notebooks.live_notebook import LiveNotebook
    from .services import Services


PERSON_ORIGIN = "jmcp:undo"
"""Origin of what a person takes back from the panel."""

PERSON = "person"
"""Whose change that is: no agent's, whose own last change it would else be."""


FAILED = "Something went wrong inside jmcp_lab; the server's log has the details."

LEAVES_WITHIN = 2.0
"""Seconds within which a page has said that the caret left a cell: who presses a button leaves."""


class Supervisor:
    """Stopping and going on.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def stop_call(self, call_id: str, by: str) -> Call:
        """End one call: deny it while it waits, interrupt what it runs.

        Raises
        ------
        NotFoundError
        ConflictError
            It has ended already.
        """
        services = self._services
        call = services.ledger.get(call_id)
        if call.state.ended:
            raise ConflictError("This call has already ended.", code="ended")
        if services.gate.stop_request(call, by):
            return call
        await self._end(call)
        return call

    def answer_question(self, call_id: str, question_id: str, value: str | None) -> Call:
        """Answer what the code of a run asks; None gives no answer, which ends its input.

        Raises
        ------
        NotFoundError
        ConflictError
            It is no longer asked.
        """
        call = self._services.ledger.get(call_id)
        run = self._services.runs.get(call.id)
        if run is None:
            raise ConflictError("This question is no longer asked.", code="answered")
        run.answer(question_id, value)
        return call

    async def undo_call(self, call_id: str, by: str) -> Call:
        """Take back what a call changed in its notebook.

        Raises
        ------
        NotFoundError
        ConflictError
            It was taken back already, the same lines were changed since, or somebody types in the
            cell or runs it.
        UnavailableError
            A page has unsaved changes, or the file cannot be written.
        """
        services = self._services
        call = services.ledger.get(call_id)
        made = services.changes.get(call_id)
        if made.undone or call.action is None or call.action.target.path is None:
            raise ConflictError("This was taken back already.", code="undone")
        notebook = await services.rooms.open_file(made.file_id, call.action.target.path)
        await services.contents.check_editable(notebook.path)
        try:
            await services.rooms.prepare(notebook, edits=True)
        except UnavailableError:
            # An agent is told to ask the person; this is the person.
            raise UnavailableError(
                f"'{notebook.path}' has unsaved changes. Save it, then take this back."
            ) from None
        people = await people_in(services, notebook)
        await _until_left(notebook, made)
        merges = Merges()
        await merges.ahead(to_merge(notebook, made))
        with Ahead(notebook) as ahead:
            await look_ahead(notebook, made, merges, ahead)
            ids = taken_out(notebook, made, merges)
            if not notebook.carets().isdisjoint(ids):
                raise ConflictError("Somebody is typing in this cell, so nothing was taken back.")
            if any(map(people.runs, ids)):
                raise ConflictError("This cell is running, so nothing was taken back.")
            undo = self._open_undo(call, by)
            try:
                with contained(), services.rooms.lease(notebook):
                    await undo_change_set(
                        services,
                        notebook,
                        made,
                        undo,
                        PERSON_ORIGIN,
                        by=PERSON,
                        merges=merges,
                        ahead=ahead,
                    )
            except Exception as error:
                words = error.message if isinstance(error, ToolError) else FAILED
                services.ledger.update(undo, state=CallState.FAILED, error=words)
                raise
        if (failure := await services.rooms.written(notebook)) is not None:
            services.ledger.update(undo, state=CallState.FAILED, error=failure)
            raise UnavailableError(failure)
        services.ledger.update(undo, state=CallState.DONE)
        return undo

    def _open_undo(self, call: Call, by: str) -> Call:
        """Begin the call in which a person takes another one back."""
        ledger = self._services.ledger
        undo = ledger.open(
            call.agent_id,
            call.agent_label,
            "undo_changes",
            call.tool_class,
            {"call": call.id},
            summary=f"Take back: {call.summary}",
        )
        decision = Decision(allowed=True, source=DecisionSource.USER, by=by, at=now())
        ledger.update(undo, state=CallState.RUNNING, decision=decision, action=call.action)
        return undo

    def saved_as(self, old: str, new: str) -> None:
        """Tell the agents in a notebook that the person went on in a copy of it."""
        notebook = self._services.rooms.find(old)
        if notebook is not None:
            self._services.rooms.news.add(notebook.file_id, saved_as(old, new))

    async def stop_all(self, by: str) -> tuple[int, int]:
        """Hold every agent, deny what waits, interrupt what agents run.

        Returns
        -------
        tuple of int
            How many runs were interrupted, how many requests denied.
        """
        services = self._services
        denied = services.gate.deny_waiting(None, by)
        services.agents.hold(True)
        return await self._interrupt(None), denied

    def resume(self, owner: str = "") -> None:
        """Let the agents go on that Stop all held; those of others each owner resumes.

        Parameters
        ----------
        owner : str
            By which name the person who resumes owns agents.
        """
        agents = self._services.agents
        for agent in agents.all():
            if agent.owner not in ("", owner) and not agent.paused:
                agents.update(agent.id, paused=True)
        agents.hold(False)

    async def stop_agent(self, agent_id: str, by: str) -> tuple[int, int]:
        """Hold one agent, deny what it waits for, interrupt what it runs; see `stop_all`.

        Raises
        ------
        NotFoundError
        """
        services = self._services
        services.agents.get(agent_id)
        denied = services.gate.deny_waiting(agent_id, by)
        services.agents.update(agent_id, paused=True)
        return await self._interrupt(agent_id), denied

    async def revoke_agent(self, agent_id: str) -> None:
        """End an agent's connection, what it waits for and what it runs.

        Raises
        ------
        NotFoundError
        """
        try:
            self._services.agents.revoke(agent_id)
        finally:
            await self._interrupt(agent_id)

    async def _interrupt(self, agent_id: str | None) -> int:
        count = 0
        for call in self._services.ledger.active(agent_id):
            if call.state is CallState.RUNNING and call.tool_class is ToolClass.RUN:
                await self._end(call)
                count += 1
        return count

    async def _end(self, call: Call) -> None:
        """Interrupt what a call runs, or end it before it has come to running anything.

        A run that was allowed may wait for its kernel to start; nothing is to be interrupted then.
        """
        run = self._services.runs.get(call.id)
        if run is not None:
            await self._services.executor.interrupt(run)
        elif call.task is not None:
            call.task.cancel()


async def _until_left(notebook: LiveNotebook, made: ChangeSet) -> None:
    """Return when no caret is in what is to be taken back, or it seems to stay."""
    for _ in range(int(LEAVES_WITHIN / 0.05)):
        if notebook.carets().isdisjoint(taken_out(notebook, made)):
            return
        await asyncio.sleep(0.05)
