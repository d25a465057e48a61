"""Dispatches calls: the work of a call is a task of the server, and an exchange attaches to it.

An exchange waits for a while and then returns the state of the call. So clients with short time
limits lose nothing, because the tool `wait` attaches to the call again. This applies to every
call, because a read may have to ask a person too. The dispatcher knows no tool by its name; the
`Tool` describes everything that the dispatcher needs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..calls.call import CallState, Reply, ToolClass
from ..calls.proposed import proposed
from ..errors import DeniedError, NotFoundError, ToolError
from ..permissions.pending import AlreadyWaitingError
from ..server.containment import contained, error_name
from .services import CallContext, Services
from .time_limit import ANSWER_SECONDS, answering

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from ..agents.agent import Agent
    from ..calls.call import Call
    from .tool import Tool

HOLD_SECONDS = 40.0
"""Seconds that an exchange waits for a call by default; some clients give up after 60 s."""

BEAT_SECONDS = 2.0
"""Seconds between two progress messages to a client that wants them, even if nothing happens."""

FAST_CLASSES = frozenset({ToolClass.INFO, ToolClass.READ})
"""Classes of calls that usually end before there is any progress to report."""

GRACE_SECONDS = 5.0
"""Seconds that a reloading page may be gone before the agent learns that nobody is there."""

OVER = (
    "Your connection has expired, so nothing was done. Calls that you started go on, and wait "
    "still gets their replies for some minutes. Ask the user to connect you again in JupyterLab's "
    "Agents panel."
)

STOPPED = "This call was stopped before it finished."

_log = logging.getLogger("jmcp_lab")


class UnknownToolError(NotFoundError):
    """There is no such tool."""

    default_code = "unknown_tool"


class Dispatcher:
    """Runs tools for agents.

    Parameters
    ----------
    tools : mapping of str to Tool
    services : Services

    Attributes
    ----------
    beat_seconds : float
        Seconds between two progress messages.
    """

    def __init__(self, tools: Mapping[str, Tool], services: Services) -> None:
        self.tools = tools
        self.beat_seconds = BEAT_SECONDS
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()
        self._outputs_reported: dict[str, int] = {}
        self._attached: Counter[str] = Counter()

    async def call(
        self,
        agent: Agent,
        name: str,
        arguments: dict[str, Any],
        *,
        progress: Callable[[float, str], Awaitable[None]] | None = None,
    ) -> Reply:
        """Run a tool and return its reply, or the state of the call after the hold time.

        Cancelling this coroutine means that the client cancelled or went away. A request that
        waits for a person is then withdrawn and work that nobody has allowed yet ends, but work
        that is already allowed continues.

        Raises
        ------
        UnknownToolError
        InvalidArgumentError
        """
        tool = self.tools.get(name)
        if tool is None:
            raise UnknownToolError(f"There is no tool '{name[:60]}'.")
        parsed = tool.parse(arguments)
        reason = parsed.pop("reason")
        call = self._services.ledger.open(
            agent.id,
            agent.label,
            name,
            tool.tool_class,
            arguments,
            reason=reason[:500] if reason else None,
            summary=tool.title,
            attaches=tool.attaches,
            also=tool.also,
        )
        context = CallContext(self._services, agent, call)
        work = self._work(tool, context, parsed)
        call.task = asyncio.create_task(work, name=f"jmcp call {name}")
        self._tasks.add(call.task)
        call.task.add_done_callback(lambda task: self._done(task, call))
        hold = parsed.get("hold")
        reply = await self.attach(call, HOLD_SECONDS if hold is None else hold, progress)
        if context.attachments and call.state is CallState.DONE:
            other = context.attachments[-1]
            return await self.attach(
                other.call, other.seconds, progress, until_output=other.until_output
            )
        return reply

    async def stop(self) -> None:
        """Cancel all calls that are still at work."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    # -- work ----------------------------------------------------------------------------------

    async def _work(self, tool: Tool, context: CallContext, arguments: dict[str, Any]) -> None:
        """Do the work of a call, and end the call whatever exception is raised."""
        try:
            with contained():
                await self._try(tool, context, arguments)
        except Exception as error:
            _log.exception("The tool %s failed", tool.name)
            reply = Reply.of(
                f"Something went wrong inside jmcp_lab ({error_name(error)}). This is not your "
                "fault; the server's log has the details.",
                is_error=True,
            )
            self._end(context.call, CallState.FAILED, context.told(reply))

    async def _try(self, tool: Tool, context: CallContext, arguments: dict[str, Any]) -> None:
        call, ledger = context.call, self._services.ledger
        try:
            self._services.gate.admit(call, context.agent)
            if not tool.attaches and self._services.agents.over(context.agent):
                raise DeniedError(OVER)
            with contained():
                async with answering(call):
                    reply = await context.written(await tool.function(context, **arguments))
            state = CallState.FAILED if reply.is_error else CallState.DONE
        except AlreadyWaitingError as waiting:
            ledger.update(
                call,
                state=CallState.CANCELLED,
                error="The same request is already waiting.",
                follows=waiting.call.id,
                reply=Reply.of(_line(waiting.call)),
            )
            return
        except DeniedError as error:
            reply = Reply.of(error.message, is_error=True)
            state = CallState.DENIED
        except ToolError as error:
            reply = Reply.of(error.message, is_error=True)
            state = CallState.FAILED
        except asyncio.CancelledError:
            self._end(call, CallState.CANCELLED, Reply.of(STOPPED, is_error=True))
            raise
        self._end(call, state, context.told(reply))

    def _done(self, task: asyncio.Task[None], call: Call) -> None:
        self._tasks.discard(task)
        if not call.state.ended:
            # The task was cancelled before its first step, so none of the work has run.
            self._end(call, CallState.CANCELLED, Reply.of(STOPPED, is_error=True))

    def _end(self, call: Call, state: CallState, reply: Reply) -> None:
        ledger = self._services.ledger
        self._outputs_reported.pop(call.id, None)
        if call.state.ended:
            ledger.update(call, reply=reply)
            return
        if call.state is CallState.RECEIVED and state is CallState.DONE:
            ledger.update(call, state=CallState.RUNNING)
        if call.state is CallState.WAITING and state is CallState.DONE:
            raise AssertionError("a call that waits for approval cannot be done")
        error = call.error
        if reply.is_error and error is None:
            error = reply.text.strip().split("\n", 1)[0][:300]
        ledger.update(call, state=state, reply=reply, error=error, progress=None)

    # -- attaching -----------------------------------------------------------------------------

    async def attach(
        self,
        call: Call,
        hold: float,
        progress: Callable[[float, str], Awaitable[None]] | None = None,
        *,
        until_output: bool = False,
    ) -> Reply:
        """Wait for a call, and return its reply or its state.

        Parameters
        ----------
        call : Call
        hold : float
            Seconds to wait.
        progress : Callable, optional
            Receives the seconds so far and a description of the state, at once and then every
            `beat_seconds`. For the classes in `FAST_CLASSES` it starts after `beat_seconds`.
        until_output : bool, optional
            Return as soon as the run has printed something that the agent has not been told about.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        with self._attaching(call):
            reply = await self._hold(call, hold, progress, until_output=until_output)
        if call.follows is not None:
            rest = max(hold - (loop.time() - start), 0)
            return await self.attach(self._services.ledger.get(call.follows), rest, progress)
        return reply

    @contextmanager
    def _attaching(self, call: Call) -> Iterator[None]:
        """Count the exchanges that wait for a call, which is withdrawn when the last one leaves."""
        self._attached[call.id] += 1
        try:
            yield
        except asyncio.CancelledError:
            if self._attached[call.id] == 1:
                self._withdraw(call)
            raise
        finally:
            self._attached[call.id] -= 1
            if not self._attached[call.id]:
                del self._attached[call.id]

    def _withdraw(self, call: Call) -> None:
        """End a call that has not been allowed yet; an allowed call continues."""
        if call.state is CallState.RECEIVED and call.task is not None:
            call.task.cancel()
        else:
            self._services.gate.withdraw(call)

    async def _hold(
        self,
        call: Call,
        hold: float,
        progress: Callable[[float, str], Awaitable[None]] | None,
        *,
        until_output: bool,
    ) -> Reply:
        loop = asyncio.get_running_loop()
        start = loop.time()
        alone_since: float | None = None
        beats = ProgressTicker(self.beat_seconds)
        told = self._outputs_reported.get(call.id, 0)
        if call.tool_class in FAST_CLASSES:
            # The first step of the work is often its last; then there is nothing to wait for.
            await asyncio.sleep(0)
            if call.state is CallState.RECEIVED:
                await self._changed(call, self.beat_seconds)
        while call.reply is None:
            elapsed = loop.time() - start
            if beats.due(elapsed) and progress is not None:
                await progress(elapsed, self._words(call))
                continue
            if _needs_person(call) and not self._services.pages.anyone():
                alone_since = elapsed if alone_since is None else alone_since
                if elapsed - alone_since >= self._grace():
                    return self._no_approver_reply(call)
            else:
                alone_since = None
            printed_more = until_output and self._printed(call) != told
            # However short the hold, the reply tells whether the call has to wait for a person.
            undecided = (
                call.state is CallState.RECEIVED and elapsed < ANSWER_SECONDS + GRACE_SECONDS
            )
            if not undecided and (elapsed >= hold or printed_more):
                return self._pending(call)
            await self._changed(call, min(max(hold - elapsed, 0.05), beats.left(elapsed)))
        return call.reply

    async def _changed(self, call: Call, seconds: float) -> None:
        await self._services.ledger.changed(call, call.seq, max(seconds, 0.001))

    def _grace(self) -> float:
        return GRACE_SECONDS if self._services.pages.recently() else 0.0

    def _printed(self, call: Call) -> int:
        run = self._services.runs.get(call.id)
        return run.outputs_seen if run is not None else 0

    def _words(self, call: Call) -> str:
        if call.state is CallState.WAITING:
            return "Waiting for approval in JupyterLab"
        run = self._services.runs.get(call.id)
        if run is not None and call.state is CallState.RUNNING:
            return run.progress()
        return call.summary

    def _pending(self, call: Call) -> Reply:
        self._outputs_reported[call.id] = self._printed(call)
        if call.state is CallState.WAITING:
            text = (
                "Waiting for the user in JupyterLab. Do not repeat the call: use "
                f"wait(call='{call.id}'), or do other work."
            )
        else:
            text = (
                f"{self._words(call)}. It is still running; use wait(call='{call.id}') for the "
                f"rest{_ends_it(call)}."
            )
        return Reply.of(f"{text}\n{_line(call)}")

    def _no_approver_reply(self, call: Call) -> Reply:
        what = "approve this" if call.question is None else "answer the code's question"
        return Reply.of(
            f"No JupyterLab window is open, so nobody can {what}. Ask the user to open "
            f"{self._services.lab_url()} and to look at the Agents panel, then use "
            f"wait(call='{call.id}'). The request stays in the panel.\n"
            f"{_line(call)}"
        )


class ProgressTicker:
    """Decides when to report progress: at once, and then at a fixed interval.

    Parameters
    ----------
    every : float
        Seconds between two reports.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = 0.0

    def due(self, now: float) -> bool:
        """Return whether a report is due; if so, the next interval begins."""
        if now < self._next:
            return False
        self._next = now + self._every
        return True

    def left(self, now: float) -> float:
        """Return the seconds until the next report is due."""
        return max(self._next - now, 0.0)


def _needs_person(call: Call) -> bool:
    return call.state is CallState.WAITING or call.question is not None


def _ends_it(call: Call) -> str:
    """Return the end of a sentence about how to stop a run; empty for other calls."""
    path = call.action.target.path if call.action is not None else None
    if call.tool_class is not ToolClass.RUN or path is None:
        return ""
    return f", or {proposed('interrupt_notebook', notebook=path)} to stop it"


def _line(call: Call) -> str:
    return f"call: {call.id} · state: {call.state.value}"
