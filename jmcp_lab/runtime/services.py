"""What tools work with: the services of this server, and the context of one call."""

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


INSERTS_AND_RUNS = "insert_execute_code_cell"
"""Asks as a run does, and edits as well."""

MOST_KNOWN = 1000

AROUND = 2000
"""Characters of a reply beside what it may hold by itself, such as what happened meanwhile."""


class Pages(Protocol):
    """The JupyterLab pages that people have open."""

    def anyone(self) -> bool:
        """Return whether a page with the panel is open, so that somebody can approve."""

    def recently(self) -> bool:
        """Return whether such a page was open a few seconds ago: it may be reloading."""

    def looking_at(self) -> dict[str, Any] | None:
        """Return what the person looks at, as the page last told, or None."""


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
    """Whether pages may run what is in the outputs of an allowed run, such as scripts."""
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    """The id of the file that each agent knows by a path."""
    runs: dict[str, Run] = field(default_factory=dict)
    """The run of each call that has one, by call id."""
    huge: HugeReads = field(default_factory=HugeReads)

    def record(self, call: Call, notebook: LiveNotebook, changes: list[Change], *, by: str) -> None:
        """Remember what a call changed, so that it can be undone.

        `by` is the agent that may undo it with its own tool. A person may undo the changes of all.
        Nobody undoes a call before it has ended, so its end tells the panel that it can be undone.
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
        How long to wait for its reply before saying where it stands.
    until_output : bool
        Return as soon as it has printed something that the agent does not know.
    """

    call: Call
    seconds: float
    until_output: bool


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call at work."""

    services: Services
    agent: Agent
    call: Call
    call_news: list[str] = field(default_factory=list)
    notebooks: dict[str, LiveNotebook] = field(default_factory=dict)
    """What this call has opened, by file id."""
    attachments: list[Attachment] = field(default_factory=list)
    """The calls that this one attaches to; its request returns the reply to the last."""

    def attach(self, call: Call, seconds: float, *, until_output: bool = False) -> Reply:
        """Return another call's reply to the agent, or where that call stands after some seconds.

        The tool that asks for this ends at once, with the reply that this method returns. Its
        request then waits for the other call.
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
                "Which notebook? Give notebook=<path>, or call use_notebook first; "
                "list_notebooks shows what is there."
            )
        rooms, known = self.services.rooms, self.services.known
        before = known.get((self.agent.id, path))
        if notebook is None and before is not None:
            # Another notebook may have its name by now.
            found = await rooms.open_file(before, path)
        else:
            found = await rooms.open(path)
        if path == self.agent.current != found.path:
            self.services.agents.set_current(self.agent.id, found.path)
            self.call_news.append(f"'{path}' is '{found.path}' by now, and you go on in that.")
        elif before not in (None, found.file_id):
            self.call_news.append(other_file(path, rooms.place_of(str(before))))
        self.knows(found)
        self.notebooks[found.file_id] = found
        self.call_news.extend(rooms.news.take(self.agent.id, found.file_id))
        for words in rooms.standing(found):
            self.call_news.extend(rooms.news.once(self.agent.id, found.file_id, words))
        return found

    def knows(self, notebook: LiveNotebook) -> None:
        """Remember which file the agent means by a name."""
        known = self.services.known
        known[self.agent.id, notebook.path] = notebook.file_id
        if len(known) > MOST_KNOWN:
            del known[next(iter(known))]

    async def written(self, reply: Reply) -> Reply:
        """Return the reply once what this call changed is written, or with why it is not yet."""
        rooms = self.services.rooms
        why = [await rooms.written(notebook) for notebook in self.notebooks.values()]
        words = "\n".join(filter(None, why))
        if not words:
            return reply
        edits = self.call.tool_class is ToolClass.EDIT
        return Reply((*reply.parts, TextPart(f"Not saved: {words}")), reply.is_error or edits)

    def told(self, reply: Reply) -> Reply:
        """Return the reply with what happened to the notebook since the agent's last call."""
        most = self.services.limits.text + AROUND
        if not self.call_news:
            return bounded(reply, most)
        # One line each, whatever a file is called.
        news = TextPart("\n".join(f"Note: {shown(text)}" for text in self.call_news))
        return bounded(Reply((news, *reply.parts), reply.is_error), most)

    async def permit(
        self,
        resolve: Callable[[], Action],
        notebook: LiveNotebook | None = None,
        ahead: Callable[[], Awaitable[None]] | None = None,
    ) -> Action:
        """Pass the gate; see `Gate.permit`. The notebook's room stays open meanwhile.

        What takes long is worked out `ahead`: before the first look at what there is, and again
        before the last one, where somebody was asked in between.
        """
        gate = self.services.gate
        if notebook is None:
            return await gate.permit(self.call, self.agent, resolve)
        # To find out which cells are meant takes long where they are thousands, and so does what
        # comes now.
        await asyncio.sleep(0)
        led = self.services.contents.is_led(notebook.path)

        def checked() -> Action:
            action = resolve()
            self.services.rooms.check(notebook)
            if self.services.contents.is_led(notebook.path) != led:
                raise ConflictError(led_elsewhere(notebook.path))
            return action

        edits = self.call.tool_class is ToolClass.EDIT or self.call.tool == INSERTS_AND_RUNS
        if edits and not notebook.saving():
            # Before anybody is asked, and as late as something can be waited for.
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
        """Remember what this call made of a cell's text without showing either."""
        self.services.snapshots.note_written(
            self.agent.id, notebook.file_id, cell_id, before, after
        )

    def record(self, notebook: LiveNotebook, *changes: Change) -> None:
        """Remember what this call changed; see `Services.record`."""
        self.services.record(self.call, notebook, list(changes), by=self.agent.id)

    def known(self, notebook: LiveNotebook, cell_id: str) -> str | None:
        """Return what the agent last saw of a cell."""
        return self.services.snapshots.text(self.agent.id, notebook.file_id, cell_id)


@dataclass(frozen=True, slots=True)
class _LooksAhead:
    """A notebook that is ready once something was worked out."""

    notebook: LiveNotebook
    ahead: Callable[[], Awaitable[None]]

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        return self.notebook.on_change(listener)

    async def look(self) -> None:
        await self.notebook.look()
        await self.ahead()
        # Meanwhile somebody may have begun to write.
        await self.notebook.ready()


def bounded(reply: Reply, most: int) -> Reply:
    """Return a reply with at most so much text, whatever a tool has to say of thousands of cells.

    Tools keep to the limit by themselves where they know better what to leave out.
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
    """Return that a path names another file than the agent knew by it."""
    where = f"that one is '{elsewhere}' now" if elsewhere else "that one was deleted"
    return f"'{path}' is another notebook than the one that you knew by this name: {where}."
