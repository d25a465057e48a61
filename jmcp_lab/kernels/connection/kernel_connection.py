"""The connection to one kernel: send code, route messages, and detect the loss of the kernel."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async

from ...text.surrogates import without_halves
from .channels import Channels, LocalChannels
from .execute_request import Execution
from .gateway import GatewayChannels
from .kernel_death import Lost, how_it_died
from .output_sink import Displays
from .output_widgets import Takers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from logging import Logger

    from jupyter_client.manager import KernelManager
    from jupyter_client.multikernelmanager import MultiKernelManager

    from .decoding import Message
    from .output_sink import OutputSink

LATE_SINKS = 64
"""Maximum number of ended executions that may still receive output of background threads."""

LATE_WEIGHT = 20_000_000
"""Maximum characters that these may hold together."""

INTERRUPTS = ("KeyboardInterrupt", "InterruptException")
"""Names of the error of interrupted code in IPython and IJulia."""

CATCH_UP_SECONDS = 1.0
"""Maximum seconds to wait for messages published before a question to the person."""

NUDGE_SECONDS = 0.1

NUDGES = (0, 3, 10, 30)
"""Steps of `NUDGE_SECONDS` at which the kernel is nudged.

It may be busy or start slowly, and in the end it answers every nudge.
"""

ANSWER_SECONDS = {"idle": 20.0, "busy": float("inf")}
"""Maximum seconds without an answer from a kernel, by its state in the server's record. A busy
kernel may run code that blocks everything.
"""

START_SECONDS = 60.0
"""Maximum seconds without an answer from a kernel that starts, or whose state is unknown."""

_UNKNOWN = "unknown"
"""Placeholder for the code that the kernel was running when we connected."""


class KernelLostError(Exception):
    """The kernel, or everything in it, is gone."""

    def __init__(self, how: Lost) -> None:
        super().__init__(how.value)
        self.how = how


class SilentKernelError(Exception):
    """The kernel's process exists but does not answer."""


class KernelBridge:
    """The connection to one running kernel; it ends with the kernel.

    Parameters
    ----------
    kernel_id : str
    manager : MultiKernelManager
        The server's.
    log : Logger
    on_lost : Callable
        Called once, when the kernel was restarted, shut down or died.
    """

    def __init__(
        self,
        kernel_id: str,
        manager: MultiKernelManager,
        log: Logger,
        on_lost: Callable[[Lost], None],
    ) -> None:
        self.kernel_id = kernel_id
        self.lost: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()
        self._on_lost = on_lost
        self._manager = manager
        self._kernel: KernelManager = manager.get_kernel(kernel_id)
        self._process = self._process_id()
        self._log = log
        self._displays = Displays()
        self._takers = Takers()
        self._executions: dict[str, Execution] = {}
        self._late: OrderedDict[str, OutputSink] = OrderedDict()
        self._touched: set[OutputSink] = set()
        self._up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._alive_seen = False
        self._busy: set[str] = set()
        self._marks: dict[str, asyncio.Event] = {}
        self._not_busy = asyncio.Event()
        local = bool(self._kernel.get_connection_info().get("iopub_port"))
        self.local = local
        self._channels: Channels = (
            LocalChannels(self._kernel, self, log)
            if local
            else GatewayChannels(kernel_id, self, log)
        )

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect; return when published messages arrive, or the kernel is lost.

        Raises
        ------
        SilentKernelError
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._follow_restarts(add=True)
        self._mark(_UNKNOWN, busy=self._state() == "busy")
        await self._channels.start()
        nudges = 0
        while not self._up.done() and not self.lost.done():
            # Messages that the kernel publishes before it knows our socket are lost. It answers on
            # the control channel even while it runs a cell, and publishes its status when it does.
            if nudges in NUDGES or nudges % NUDGES[-1] == 0:
                self._channels.nudge()
                # IRkernel and deno do not answer there. Do not pile up requests behind a running
                # cell.
                if nudges in NUDGES or self._state() != "busy":
                    self._channels.nudge("shell")
            nudges += 1
            until: list[asyncio.Future[Any]] = [self._up, self.lost]
            await asyncio.wait(until, timeout=NUDGE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await self.check()
            if loop.time() - began > ANSWER_SECONDS.get(self._state() or "", START_SECONDS):
                raise SilentKernelError
        if not self.lost.done():
            await self._channels.can_be_asked()

    async def close(self) -> None:
        """Close the connection, without waiting for running code."""
        self._follow_restarts(add=False)
        await self._channels.close()
        for execution in self._executions.values():
            execution.drop()
        for sink in self._late.values():
            sink.retire()
        self._late.clear()

    # -- running -------------------------------------------------------------------------------

    @property
    def foreign_busy(self) -> bool:
        """Whether the kernel runs code that is not ours."""
        return bool(self._busy.difference(self._executions))

    def working_on(self, execution: Execution) -> bool:
        """Whether the kernel is running this execution now."""
        return execution.started and execution.msg_id in self._busy

    async def not_busy(self) -> None:
        """Return when the kernel runs nobody's code."""
        await self._not_busy.wait()

    def recheck_busy(self, *, patient: bool) -> None:
        """Apply the server's record of the state; after some autorestarts, only it is right."""
        over = {"idle": set(self._busy), None: set(self._busy), "starting": {_UNKNOWN}}
        for msg_id in over.get(self._state(), {_UNKNOWN} if patient else set()):
            self._mark(msg_id, busy=False)

    def execute(self, source: str, sink: OutputSink, *, may_ask: bool = False) -> Execution:
        """Send code to the kernel."""
        for late in self._late.values():
            if sink.cell_id is not None and late.cell_id == sink.cell_id:
                late.retire()
        execution = Execution(self._channels.execute(source, may_ask=may_ask), sink)
        self._executions[execution.msg_id] = execution
        return execution

    async def caught_up(self) -> None:
        """Return when everything that the kernel has published so far has arrived.

        Published messages keep their order, so the status for a request sent now comes after them.
        Not every kernel answers on the control channel; then this returns after `CATCH_UP_SECONDS`.
        """
        mark = asyncio.Event()
        msg_id = self._channels.nudge()
        self._marks[msg_id] = mark
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await mark.wait()
        except TimeoutError:
            pass
        finally:
            self._marks.pop(msg_id, None)

    def answer(self, value: str) -> None:
        """Answer the question that the kernel's code waits for."""
        self._channels.answer(value)

    def release(self, execution: Execution) -> None:
        """Expect nothing more from an execution than output of its background threads."""
        execution.drop()
        self._executions.pop(execution.msg_id, None)
        self._mark(execution.msg_id, busy=False)
        for sink in self._late.values():
            # The ended execution may have updated a display in another cell.
            sink.write_now()
        self._late[execution.msg_id] = execution.sink
        weight = sum(sink.buffer.weight for sink in self._late.values())
        while len(self._late) > LATE_SINKS or (weight > LATE_WEIGHT and len(self._late) > 1):
            _, gone = self._late.popitem(last=False)
            weight -= gone.buffer.weight
            gone.retire()
            self._displays.forget(gone)

    async def check(self) -> None:
        """Check the kernel's process, in case no message has reported its end."""
        if self.lost.done():
            return
        if self.kernel_id not in self._manager:
            self._lose(Lost.SHUT_DOWN)
        elif self._process_id() != self._process:
            self._lose(Lost.RESTARTED)
        elif not self._kernel.shutting_down and not await _alive(self._kernel):
            self._died()

    def may_be_ending(self, ename: str | None) -> bool:
        """Return whether an error may be the beginning of a restart or a shutdown.

        Both interrupt the kernel first. A gateway does not tell what it does next.
        """
        if not self.local:
            return ename in INTERRUPTS
        return bool(self._kernel.shutting_down) or self.kernel_id not in self._manager

    # -- messages ------------------------------------------------------------------------------

    def on_iopub(self, message: Message) -> None:
        """Route a published message."""
        kind = str(message["msg_type"])
        parent = message.get("parent_header") or {}
        parent_id = parent.get("msg_id")
        for execution in self._executions.values():
            execution.count(str(message["header"]["msg_id"]), own=execution.msg_id == parent_id)
        if kind == "status":
            status = self._channels.content(message)
            for execution in self._executions.values():
                if status.get("execution_state") == "idle" and execution.msg_id != parent_id:
                    execution.count_unpublished()
            if (mark := self._marks.get(str(parent_id))) is not None:
                mark.set()
            self._on_status(status, parent)
        elif kind == "shutdown_reply":
            restart = self._channels.content(message).get("restart")
            self._lose(Lost.RESTARTED if restart else Lost.SHUT_DOWN)
        elif kind == "execute_input" and parent_id in self._executions:
            self._executions[parent_id].start()
        elif kind == "update_display_data":
            self._touched |= self._displays.update(self._channels.content(message))
        elif kind == "comm_msg":
            self._takers.follow(self._channels.content(message))
        elif sink := self._sink_of(parent_id):
            widget = self._takers.of(parent_id)
            if sink.message(kind, self._channels.content(message), self._displays, widget):
                self._touched.add(sink)
        elif widget := self._takers.of(parent_id):
            self._on_page_takes(widget, kind, self._channels.content(message))
        if not self._up.done():
            self._up.set_result(None)

    def _on_page_takes(self, widget: str, kind: str, content: dict[str, Any]) -> None:
        """Follow output that somebody else's request puts into a widget: a person used it."""
        for sink in [*self._late.values(), *(each.sink for each in self._executions.values())]:
            if not sink.retired and sink.page_takes(widget, kind, content):
                self._touched.add(sink)

    def _sink_of(self, msg_id: str | None) -> OutputSink | None:
        if msg_id is None:
            return None
        execution = self._executions.get(msg_id)
        sink = execution.sink if execution is not None else self._late.get(msg_id)
        return None if sink is None or sink.retired else sink

    def _on_status(self, status: dict[str, Any], parent: dict[str, Any]) -> None:
        state = status.get("execution_state")
        if state == "starting" and self._is_another_kernel():
            self._lose(Lost.RESTARTED)
            return
        if parent.get("msg_type") != "execute_request" or parent.get("subshell_id"):
            # Code in a subshell runs concurrently with ours.
            return
        self._alive_seen = True
        msg_id = str(parent.get("msg_id"))
        execution = self._executions.get(msg_id)
        if state == "busy":
            self._mark(msg_id, busy=True)
        elif state == "idle":
            self._mark(_UNKNOWN, busy=False)
            self._mark(msg_id, busy=False)
            if execution is not None:
                execution.idle = True
                if execution.reply is None:
                    # Kernels send the reply before the idle status.
                    self._channels.take_replies()
                execution.settle()

    def _mark(self, msg_id: str, *, busy: bool) -> None:
        if busy:
            self._busy.add(msg_id)
            self._not_busy.clear()
        else:
            self._busy.discard(msg_id)
            if not self._busy:
                self._not_busy.set()

    def on_batch(self) -> None:
        """Update the cells that a batch of messages has changed."""
        touched, self._touched = self._touched, set()
        for sink in touched:
            sink.batch_done()

    def on_shell(self, message: Message) -> None:
        """Route a reply."""
        if message["msg_type"] != "execute_reply":
            return
        execution = self._executions.get((message.get("parent_header") or {}).get("msg_id") or "")
        if execution is not None:
            execution.reply = without_halves(message["content"])
            execution.settle()

    def on_stdin(self, message: Message) -> None:
        """Route a question from our code."""
        if message["msg_type"] != "input_request":
            return
        execution = self._executions.get((message.get("parent_header") or {}).get("msg_id") or "")
        if execution is not None and execution.on_question is not None:
            execution.count_unpublished()
            execution.on_question(without_halves(message["content"]))

    def on_unreachable(self) -> None:
        """Give up, because the gateway no longer answers."""
        self._lose(Lost.UNREACHABLE)

    # -- losing the kernel ---------------------------------------------------------------------

    def _lose(self, how: Lost) -> None:
        if not self.lost.done():
            self.lost.set_result(how)
            for execution in self._executions.values():
                execution.over.set()
            self._on_lost(how)

    def _follow_restarts(self, *, add: bool) -> None:
        change = self._kernel.add_restart_callback if add else self._kernel.remove_restart_callback
        change(self._died, "restart")
        change(self._dead, "dead")

    def _died(self) -> None:
        self._lose(how_it_died(self._kernel))

    def _dead(self) -> None:
        self._lose(Lost.DEAD)

    def _state(self) -> str | None:
        return getattr(self._kernel, "execution_state", None)

    def _is_another_kernel(self) -> bool:
        """Whether a starting kernel is a different one than we connected to.

        A fresh kernel may answer on the control channel before it reports that it starts.
        """
        if self._process is None:
            return self._alive_seen
        return self._process_id() != self._process

    def _process_id(self) -> object:
        return getattr(self._kernel.provisioner, "pid", None)


async def _alive(kernel: KernelManager) -> bool:
    return bool(await ensure_async(cast("Awaitable[bool] | bool", kernel.is_alive())))
