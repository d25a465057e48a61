"""Lets a person stop, undo and resume calls and agents from the panel."""

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
"""Origin of the changes that a person's undo makes."""

PERSON = "person"
"""Owner of a person's undo, so that it does not count as the latest change of an agent."""


FAILED = "Something went wrong inside jmcp_lab; the server's log has the details."

CARET_SECONDS = 2.0
"""Seconds to wait for a page to report that the caret left a cell.

The caret leaves the cell when the person presses a button, but the page reports it later.
"""


class Supervisor:
    """Carries out what a person does to calls and agents, except answering requests.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def stop_call(self, call_id: str, by: str) -> Call:
        """End one call: deny it while it waits, or interrupt its run.

        Raises
        ------
        NotFoundError
        ConflictError
            The call has already ended.
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
        """Answer a question of running code; None means no answer, which ends its input.

        Raises
        ------
        NotFoundError
        ConflictError
            The question is no longer open.
        """
        call = self._services.ledger.get(call_id)
        run = self._services.runs.get(call.id)
        if run is None:
            raise ConflictError("This question is no longer asked.", code="answered")
        run.answer(question_id, value)
        return call

    async def undo_call(self, call_id: str, by: str) -> Call:
        """Undo what a call changed in its notebook.

        Raises
        ------
        NotFoundError
        ConflictError
            The call was already undone, the same lines were changed since, or somebody types in
            the cell or runs it.
        UnavailableError
            A page has unsaved changes, or the file cannot be written.
        """
        services = self._services
        call = services.ledger.get(call_id)
        made = services.changes.get(call_id)
        if made.undone or call.action is None or call.action.target.path is None:
            raise ConflictError("This was already undone.", code="undone")
        notebook = await services.rooms.open_file(made.file_id, call.action.target.path)
        await services.contents.check_editable(notebook.path)
        try:
            await services.rooms.prepare(notebook, edits=True)
        except UnavailableError:
            # The original message tells an agent to ask the person, but this is the person.
            raise UnavailableError(
                f"'{notebook.path}' has unsaved changes. Save it, then undo this."
            ) from None
        people = await people_in(services, notebook)
        await _until_left(notebook, made)
        merges = Merges()
        await merges.ahead(to_merge(notebook, made))
        with Ahead(notebook) as ahead:
            await look_ahead(notebook, made, merges, ahead)
            ids = taken_out(notebook, made, merges)
            if not notebook.carets().isdisjoint(ids):
                raise ConflictError("Somebody is typing in this cell, so nothing was undone.")
            if any(map(people.runs, ids)):
                raise ConflictError("This cell is running, so nothing was undone.")
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
        """Open the call with which a person undoes another one."""
        ledger = self._services.ledger
        undo = ledger.open(
            call.agent_id,
            call.agent_label,
            "undo_changes",
            call.tool_class,
            {"call": call.id},
            summary=f"Undo: {call.summary}",
        )
        decision = Decision(allowed=True, source=DecisionSource.USER, by=by, at=now())
        ledger.update(undo, state=CallState.RUNNING, decision=decision, action=call.action)
        return undo

    def saved_as(self, old: str, new: str) -> None:
        """Tell the agents in a notebook that the person now works in a copy of it."""
        notebook = self._services.rooms.find(old)
        if notebook is not None:
            self._services.rooms.notices.add(notebook.file_id, saved_as(old, new))

    async def stop_all(self, by: str) -> tuple[int, int]:
        """Pause every agent, deny all waiting requests, interrupt all runs of agents.

        Returns
        -------
        tuple of int
            Number of interrupted runs and number of denied requests.
        """
        services = self._services
        denied = services.gate.deny_waiting(None, by)
        services.agents.hold(True)
        return await self._interrupt(None), denied

    def resume(self, owner: str = "") -> None:
        """Resume the agents that Stop all paused, except those of other owners.

        Agents of other owners stay paused until their owner resumes them.

        Parameters
        ----------
        owner : str
            Name under which the person who resumes owns agents.
        """
        agents = self._services.agents
        for agent in agents.all():
            if agent.owner not in ("", owner) and not agent.paused:
                agents.update(agent.id, paused=True)
        agents.hold(False)

    async def stop_agent(self, agent_id: str, by: str) -> tuple[int, int]:
        """Pause one agent, deny its waiting requests, interrupt its runs; see `stop_all`.

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
        """End an agent's connection, its waiting requests and its runs.

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
        """Interrupt the run of a call, or cancel the call if it has not started its run yet.

        An allowed call may still wait for its kernel to start; then there is no run to interrupt.
        """
        run = self._services.runs.get(call.id)
        if run is not None:
            await self._services.executor.interrupt(run)
        elif call.task is not None:
            call.task.cancel()


async def _until_left(notebook: LiveNotebook, made: ChangeSet) -> None:
    """Wait, but not for long, until no caret is in a cell that the undo deletes or recreates."""
    for _ in range(int(CARET_SECONDS / 0.05)):
        if notebook.carets().isdisjoint(taken_out(notebook, made)):
            return
        await asyncio.sleep(0.05)
