"""Gives tools the services of this server and the context of one call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..calls.call import Reply, TextPart, ToolClass
from ..errors import ConflictError, InvalidArgumentError
from ..files.names import shown
from ..files.on_disk import led_elsewhere
from ..notebooks.changes import ChangeSet
from ..render.huge_reads import HugeReads
from ..render.limits import Limits
from ..render.sharing import fair_shares
from ..render.text import clip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..agents.agent import Agent
    from ..agents.registry import AgentRegistry
    from ..calls.call import Action, Call
    from ..calls.ledger import Ledger
    from ..files.contents import Contents
    from ..files.importable import KnownModules
    from ..kernels.runs.executor import Executor
    from ..kernels.runs.run import Run
    from ..kernels.sessions import KernelSessions
    from ..notebooks.changes import Change, Changes
    from ..notebooks.live_notebook import LiveNotebook
    from ..notebooks.snapshots import AgentSnapshots
    from ..permissions.gate import Gate
    from ..rooms.backend import Backend


MAX_KNOWN = 1000
"""Maximum number of paths for which to remember the file that an agent knows by it."""

EXTRA_CHARACTERS = 2000
"""Number of characters that a reply may have beyond its limit, such as notes about changes."""


class Pages(Protocol):
    """The JupyterLab pages that people have open."""

    def anyone(self) -> bool:
        """Return whether a page with the panel is open, so that somebody can approve."""

    def recently(self) -> bool:
        """Return whether such a page was open a few seconds ago, so that it may be reloading."""

    def looking_at(self) -> dict[str, Any] | None:
        """Return what the person looks at, as a page last reported it, or None."""


@dataclass(slots=True)
class Services:
    """The services of this server."""

    rooms: Backend
    sessions: KernelSessions
    executor: Executor
    ledger: Ledger
    gate: Gate
    agents: AgentRegistry
    snapshots: AgentSnapshots
    changes: Changes
    pages: Pages
    contents: Contents
    limits: Limits
    lab_url: Callable[[], str]
    modules: KnownModules
    trust_outputs: bool = True
    """Whether pages may run scripts and the like in the outputs of an allowed run."""
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    """The id of the file that each agent knows by a path."""
    runs: dict[str, Run] = field(default_factory=dict)
    """The run of each call that has one, by call id."""
    huge: HugeReads = field(default_factory=HugeReads)

    def record(self, call: Call, notebook: LiveNotebook, changes: list[Change], *, by: str) -> None:
        """Remember what a call changed, so that it can be undone.

        `by` is the agent that may undo it with its own tool. A person may undo the changes of all.
        The panel learns that a call can be undone when the call ends, because nobody undoes a call
        before that.
        """
        if changes:
            forgotten = self.changes.add(ChangeSet(call.id, by, notebook.file_id, changes))
            self.ledger.prepare(call, undoable=True)
            for call_id in forgotten:
                if (old := self.ledger.find(call_id)) is not None:
                    self.ledger.update(old, undoable=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Another call whose reply a call returns.

    Parameters
    ----------
    call : Call
    seconds : float
        Seconds to wait for its reply before returning its state.
    until_output : bool
        Whether to return as soon as it has printed something that the agent does not know.
    """

    call: Call
    seconds: float
    until_output: bool


@dataclass(frozen=True, slots=True)
class CallContext:
    """The context of one call, which the function of its tool gets."""

    services: Services
    agent: Agent
    call: Call
    call_news: list[str] = field(default_factory=list)
    notebooks: dict[str, LiveNotebook] = field(default_factory=dict)
    """Notebooks that this call has opened, by file id."""
    attachments: list[Attachment] = field(default_factory=list)
    """Calls that this one attaches to; its exchange returns the reply to the last one."""

    def attach(self, call: Call, seconds: float, *, until_output: bool = False) -> Reply:
        """Attach to another call: the agent gets that call's reply, or its state after a while.

        The tool ends at once with the reply that this method returns. Its exchange then waits for
        the other call.
        """
        self.attachments.append(Attachment(call, seconds, until_output))
        return Reply.of(f"call: {call.id}")

    async def open(self, notebook: str | None) -> LiveNotebook:
        """Open the notebook that the call names, or the agent's current one.

        Raises
        ------
        InvalidArgumentError
            No notebook is named and the agent has no current one.
        """
        path = notebook or self.agent.current
        if not path:
            raise InvalidArgumentError(
                "Which notebook? Give notebook=<path>, or call use_notebook first; list_notebooks "
                "shows the notebooks that exist."
            )
        rooms, known = self.services.rooms, self.services.known
        before = known.get((self.agent.id, path))
        if notebook is None and before is not None:
            # Another notebook may have this path by now.
            found = await rooms.open_file(before, path)
        else:
            found = await rooms.open(path)
        if path == self.agent.current != found.path:
            self.services.agents.set_current(self.agent.id, found.path)
            self.call_news.append(
                f"'{path}' was renamed to '{found.path}', which is now your current notebook."
            )
        elif before not in (None, found.file_id):
            self.call_news.append(other_file(path, rooms.place_of(str(before))))
        self.knows(found)
        self.notebooks[found.file_id] = found
        self.call_news.extend(rooms.notices.take(self.agent.id, found.file_id))
        for words in rooms.standing(found):
            self.call_news.extend(rooms.notices.once(self.agent.id, found.file_id, words))
        return found

    def knows(self, notebook: LiveNotebook) -> None:
        """Remember which file the agent knows by the notebook's path."""
        known = self.services.known
        known[self.agent.id, notebook.path] = notebook.file_id
        if len(known) > MAX_KNOWN:
            del known[next(iter(known))]

    async def written(self, reply: Reply) -> Reply:
        """Return the reply once this call's changes are saved, or with the reason if not."""
        rooms = self.services.rooms
        why = [await rooms.written(notebook) for notebook in self.notebooks.values()]
        words = "\n".join(filter(None, why))
        if not words:
            return reply
        edits = self.call.tool_class is ToolClass.EDIT
        return Reply((*reply.parts, TextPart(f"Not saved: {words}")), reply.is_error or edits)

    def told(self, reply: Reply) -> Reply:
        """Return the reply after notes about what happened since the agent's last call."""
        most = self.services.limits.text + EXTRA_CHARACTERS
        if not self.call_news:
            return bounded(reply, most)
        # `shown` keeps each note on one line, whatever characters a file's name contains.
        news = TextPart("\n".join(f"Note: {shown(text)}" for text in self.call_news))
        return bounded(Reply((news, *reply.parts), reply.is_error), most)

    async def permit(
        self,
        resolve: Callable[[], Action],
        notebook: LiveNotebook | None = None,
        ahead: Callable[[], Awaitable[None]] | None = None,
    ) -> Action:
        """Pass the gate, see `Gate.permit`, while the notebook's room stays open.

        `ahead` does slow work before `resolve` is first called. If somebody is asked in between,
        it does so again before `resolve` is last called.
        """
        gate = self.services.gate
        if notebook is None:
            return await gate.permit(self.call, self.agent, resolve)
        # Both finding thousands of cells, which the tool just did, and what follows take long.
        await asyncio.sleep(0)
        led = self.services.contents.is_led(notebook.path)

        def checked() -> Action:
            action = resolve()
            self.services.rooms.check(notebook)
            if self.services.contents.is_led(notebook.path) != led:
                raise ConflictError(led_elsewhere(notebook.path))
            return action

        if ToolClass.EDIT in self.call.classes and not notebook.saving():
            # Before anybody is asked, and at the last point where this method can wait.
            await self.services.contents.check_editable(notebook.path)
        rooms = self.services.rooms
        if self.call.tool_class in (ToolClass.EDIT, ToolClass.RUN):
            await rooms.prepare(notebook, edits=self.call.tool_class is ToolClass.EDIT)
        with rooms.lease(notebook):
            if ahead is None:
                return await gate.permit(self.call, self.agent, checked, notebook)
            await ahead()
            return await gate.permit(self.call, self.agent, checked, _LooksAhead(notebook, ahead))

    def saw(self, notebook: LiveNotebook, cell_id: str, text: str) -> None:
        """Remember that this call shows the agent a cell's text, or that the agent wrote it."""
        self.services.snapshots.note(self.agent.id, notebook.file_id, cell_id, text)

    def saw_part(self, notebook: LiveNotebook, cell_id: str, text: str) -> None:
        """Remember that this call shows the agent a part of a cell's text."""
        self.services.snapshots.note_part(self.agent.id, notebook.file_id, cell_id, text)

    def wrote(self, notebook: LiveNotebook, cell_id: str, before: str | None, after: str) -> None:
        """Remember that this call changed a cell's text without showing it to the agent."""
        self.services.snapshots.note_written(
            self.agent.id, notebook.file_id, cell_id, before, after
        )

    def record(self, notebook: LiveNotebook, *changes: Change) -> None:
        """Remember what this call changed; see `Services.record`."""
        self.services.record(self.call, notebook, list(changes), by=self.agent.id)

    def known(self, notebook: LiveNotebook, cell_id: str) -> str | None:
        """Return the text of a cell that the agent last saw."""
        return self.services.snapshots.text(self.agent.id, notebook.file_id, cell_id)


@dataclass(frozen=True, slots=True)
class _LooksAhead:
    """Wraps a notebook so that slow work precedes each look of the gate at it."""

    notebook: LiveNotebook
    ahead: Callable[[], Awaitable[None]]

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        return self.notebook.on_change(listener)

    async def look(self) -> None:
        await self.notebook.look()
        await self.ahead()
        # Somebody may have started to write meanwhile.
        await self.notebook.ready()


def bounded(reply: Reply, most: int) -> Reply:
    """Return a reply with at most `most` characters, however many cells a tool reports on.

    Tools that know better what to leave out keep to the limit themselves.
    """
    texts = [part.text if isinstance(part, TextPart) else "" for part in reply.parts]
    lengths = [len(text) for text in texts]
    if sum(lengths) <= most:
        return reply
    shares = fair_shares(lengths, most)
    parts = tuple(
        TextPart(clip(part.text, share)) if isinstance(part, TextPart) else part
        for part, share in zip(reply.parts, shares, strict=True)
    )
    return Reply(parts, reply.is_error)


def other_file(path: str, elsewhere: str | None) -> str:
    """Return a sentence that a path now names another file than the agent knew by it."""
    where = f"that one is now '{elsewhere}'" if elsewhere else "that one was deleted"
    return f"'{path}' is not the notebook that you used under this name: {where}."
