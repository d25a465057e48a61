"""The queue of one kernel: run one piece at a time, fairly between owners, always to an end."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async

from ...server.containment import contained
from ..connection.execute_request import Execution
from ..connection.kernel_connection import KernelBridge, KernelLostError, SilentKernelError
from ..connection.kernel_death import Lost, is_restarting, started_again
from ..connection.output_sink import OutputSink
from . import messages as words
from .completion import after_interrupt, ended, result_of
from .input_requests import Asking
from .progress import compare, finish, output_callback, state_after
from .run import Piece, PieceResult, Run, RunState, StoppedError

if TYPE_CHECKING:
    from logging import Logger

    from jupyter_client.multikernelmanager import MultiKernelManager

INTERRUPT_SECONDS = 0.5
"""Seconds between interrupts of code that began after it was asked to stop."""

PATIENCE_SECONDS = 5.0
"""Seconds for which the server's record that a kernel was busy before we connected is trusted
alone. The kernel keeps the order of requests anyway.
"""

MAX_RESENDS = 20
"""Maximum number of times to send code that the kernel aborts because somebody else's cell failed.
"""


class KernelQueue:
    """The runs of all owners on one kernel.

    Parameters
    ----------
    kernel_id : str
    manager : MultiKernelManager
    log : Logger
    output_limit : int or None
        Maximum characters of output to keep for each cell.
    """

    def __init__(
        self, kernel_id: str, manager: MultiKernelManager, log: Logger, output_limit: int | None
    ) -> None:
        self.kernel_id = kernel_id
        self._manager = manager
        self._log = log
        self._output_limit = output_limit
        self._waiting: OrderedDict[str, deque[Run]] = OrderedDict()
        self._bridge: KernelBridge | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._active: Run | None = None
        self._seen: dict[str, Lost | None] = {}

    # -- runs ----------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, running or connected."""
        return self._active is None and not self._runs() and self._bridge is None

    @property
    def free(self) -> bool:
        """Whether a new run would go to the kernel at once."""
        bridge = self._bridge
        at_work = self._active is not None or bool(self._runs()) or self._closing is not None
        return not at_work and bridge is not None and not bridge.foreign_busy

    def add(self, run: Run) -> None:
        """Add a run to the queue."""
        if self._seen.get(run.owner) is not None:
            run.notice = words.since_last_run(cast("Lost", self._seen[run.owner]))
        self._seen[run.owner] = None
        run.for_next_kernel = is_restarting(self.kernel_id, self._manager)
        self._waiting.setdefault(run.owner, deque()).append(run)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"jmcp-lab-{self.kernel_id[:8]}")

    async def stop(self) -> None:
        """End every run and the connection when the server shuts down."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for run in self._runs():
            try:
                with contained():
                    await self._finish(run, RunState.CANCELLED, words.SERVER_STOPPED)
            except Exception:
                # The other runs must end as well.
                self._log.exception("A run could not be cleaned up at its end")
        self._waiting.clear()
        if self._closing is not None:
            await self._closing
        await self._close_bridge()

    async def interrupt(self, run: Run) -> None:
        """Stop a run, and never anything else in the kernel."""
        run.request_stop()
        execution = run.execution
        if execution is None:
            if run is not self._active:
                self._remove(run)
                await self._finish(run, *words.cancelled(run))
        elif not execution.started:
            # A request cannot be withdrawn from the kernel, so the code is interrupted as soon as
            # it begins.
            run.message = words.CANCEL_ON_START
            execution.on_started = lambda: self._interrupt_soon(execution)
        elif self._bridge is not None and self._bridge.working_on(execution):
            await self._interrupt_kernel()

    def _interrupt_soon(self, execution: Execution) -> None:
        task = asyncio.create_task(self._interrupt_until_ended(execution))
        execution.finished.add_done_callback(lambda _: task.cancel())

    async def _interrupt_until_ended(self, execution: Execution) -> None:
        """Interrupt code that has just begun, repeatedly, as an early interrupt has no effect."""
        while self._bridge is not None and self._bridge.working_on(execution):
            await self._interrupt_kernel()
            await asyncio.sleep(INTERRUPT_SECONDS)

    async def _interrupt_kernel(self) -> None:
        await ensure_async(cast("Any", self._manager).interrupt_kernel(self.kernel_id))

    # -- the worker ----------------------------------------------------------------------------

    def _runs(self) -> list[Run]:
        return [run for runs in self._waiting.values() for run in runs]

    def _next(self) -> Run | None:
        """Return the run whose turn it is; its owner goes to the end of the line."""
        for owner in list(self._waiting):
            if self._waiting[owner]:
                self._waiting.move_to_end(owner)
                return self._waiting[owner][0]
            del self._waiting[owner]
        return None

    def _remove(self, run: Run) -> None:
        runs = self._waiting.get(run.owner)
        if runs is not None and run in runs:
            runs.remove(run)

    async def _work(self) -> None:
        while (run := self._next()) is not None:
            self._active = run
            try:
                with contained():
                    await self._turn(run)
            except Exception:
                # Notify those who wait for the run, and continue with the queue.
                self._log.exception("A defect in jmcp_lab ended a run")
                await self._give_up(run)
            finally:
                self._active = None
            if run.done:
                self._remove(run)

    async def _turn(self, run: Run) -> None:
        try:
            with contained():
                await self._step(run)
        except KernelLostError as error:
            await self._end_all(run, error.how)
        except SilentKernelError:
            await self._close_bridge()
            await self._finish(run, RunState.FAILED, words.SILENT)
        except StoppedError:
            await self._finish(run, *words.cancelled(run))
        except asyncio.CancelledError:
            await self._abandon(run, words.SERVER_STOPPED)
            await self._finish(run, RunState.CANCELLED, words.SERVER_STOPPED)
            raise

    async def _step(self, run: Run) -> None:
        """Run the next piece of a run."""
        piece = run.pieces[len(run.results)]
        result = await self._run_piece(run, piece)
        run.execution = None
        run.results.append(result)
        message = words.after_piece(run, result)
        state = state_after(run, result)
        if state is None:
            run.changed()
        else:
            await self._finish(run, state, message)

    async def _run_piece(self, run: Run, piece: Piece) -> PieceResult:
        bridge = await self._connected(run)
        await self._wait_for_turn(run, bridge)
        notebook = run.notebook if piece.cell_id is not None else None
        if notebook is not None:
            await notebook.ready()
        # Do not await from here until the code is sent and the cell shows that. Then a later stop
        # request finds code to interrupt, the source that was compared is the one that runs, and
        # none of its output has arrived yet.
        if run.stop_requested.is_set():
            raise StoppedError
        status = compare(run, piece)
        if status is not None:
            return PieceResult(piece, status)
        sink = OutputSink(
            notebook, piece.cell_id, limit=self._output_limit, on_output=output_callback(run)
        )
        run.sink = sink
        run.current = len(run.results)
        run.piece_started = time.time()
        if run.started is None:
            run.started = time.time()
            run.state = RunState.RUNNING
        return await self._execute(run, piece, sink, bridge)

    async def _execute(
        self, run: Run, piece: Piece, sink: OutputSink, bridge: KernelBridge
    ) -> PieceResult:
        for turn in range(MAX_RESENDS):
            may_ask = run.can_ask()
            execution = run.execution = bridge.execute(piece.source, sink, may_ask=may_ask)
            if turn == 0:
                sink.begin()  # the kernel works meanwhile
                self._take_over(run, piece)
            asking = Asking(run, sink, bridge)
            execution.on_question = asking.start
            run.changed()
            try:
                await ended(run, execution, bridge)
            finally:
                await asking.end()
                bridge.release(execution)
            execution.refused = asking.refused
            aborted = (execution.reply or {}).get("status") == "aborted"
            if not aborted or execution.started or run.stop_requested.is_set():
                break
        return await result_of(run, piece, sink, execution)

    def _take_over(self, run: Run, piece: Piece) -> None:
        """Let this run own a cell's [*], which another run may have set while it was queued."""
        for other in self._runs():
            if other.notebook is run.notebook:
                other.shown_waiting.discard(piece.cell_id or "")

    # -- waiting -------------------------------------------------------------------------------

    async def _connected(self, run: Run) -> KernelBridge:
        """Return the connection to the kernel."""
        if self._closing is not None:
            await self._closing
        if self._bridge is not None:
            if is_restarting(self.kernel_id, self._manager):
                await self._started(run)
            await self._bridge.check()
            if self._bridge.lost.done():
                how = self._bridge.lost.result()
                await self._close_bridge()
                if run.results:
                    raise KernelLostError(how)
                run.notice = run.notice or words.since_last_run(how)
        if self._bridge is None:
            self._bridge = await self._connect(run)
        return self._bridge

    async def _connect(self, run: Run) -> KernelBridge:
        """Return a new connection to the kernel."""
        if self.kernel_id not in self._manager:
            raise KernelLostError(Lost.SHUT_DOWN)
        await self._started(run)
        if self.kernel_id not in self._manager:
            raise KernelLostError(Lost.SHUT_DOWN if run.for_next_kernel else Lost.DEAD)
        bridge = KernelBridge(self.kernel_id, self._manager, self._log, self._note_loss)
        start = asyncio.create_task(bridge.start())
        try:
            await run.first(start)
            if bridge.lost.done():
                raise KernelLostError(bridge.lost.result())
            start.result()
        except BaseException:
            # Messages published before a connection is up are lost, so no later run may use this
            # one.
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)
            await bridge.close()
            raise
        return bridge

    async def _started(self, run: Run) -> None:
        """Wait while Jupyter or a person restarts the kernel."""
        alive = asyncio.create_task(started_again(self.kernel_id, self._manager))
        try:
            await run.first(alive)
        finally:
            alive.cancel()
            await asyncio.gather(alive, return_exceptions=True)

    async def _wait_for_turn(self, run: Run, bridge: KernelBridge) -> None:
        """Wait while the kernel runs others' code.

        Code in the kernel's queue cannot be withdrawn, but code in this queue can.
        """
        patience = time.monotonic() + PATIENCE_SECONDS
        while bridge.foreign_busy:
            turn = asyncio.create_task(bridge.not_busy())
            try:
                await run.first(turn, bridge.lost, timeout=1.0)
            finally:
                turn.cancel()
                await asyncio.gather(turn, return_exceptions=True)
            await bridge.check()
            if bridge.lost.done():
                raise KernelLostError(bridge.lost.result())
            bridge.recheck_busy(patient=time.monotonic() > patience)

    # -- endings -------------------------------------------------------------------------------

    async def _finish(self, run: Run, state: RunState, message: str | None) -> None:
        """End a run, and leave the [*] of its cells to other runs that will run them."""
        for other in self._runs():
            if other is not run and other.notebook is run.notebook:
                left = {piece.cell_id for piece in other.pieces[len(other.results) :]}
                other.shown_waiting |= run.shown_waiting & left
                run.shown_waiting -= left
        await finish(run, state, message)

    def _note_loss(self, how: Lost) -> None:
        """Record the owners for whom the kernel's variables are gone."""
        how = after_interrupt(how, self._active)
        if self._active is None and self._closing is None:
            self._closing = asyncio.create_task(self._close_bridge())
        active = {run.owner for run in self._runs()}
        for owner in self._seen:
            if owner not in active:
                self._seen[owner] = how

    async def _end_all(self, run: Run, how: Lost) -> None:
        """End this run and all queued ones, except those for the next kernel."""
        how = after_interrupt(how, self._active)
        for each in [run, *(waiting for waiting in self._runs() if waiting is not run)]:
            if each.for_next_kernel and each.started is None and self.kernel_id in self._manager:
                each.for_next_kernel = False
                each.notice = each.notice or words.since_last_run(how)
                continue
            if each is run:
                await self._abandon(run, words.lost(how, run))
            state = RunState.DIED if each.started is not None else RunState.CANCELLED
            await self._finish(each, state, words.lost(how, each))
            self._remove(each)
        await self._close_bridge()

    async def _abandon(self, run: Run, note: str) -> None:
        """End the piece in the kernel, with its output so far."""
        if run.execution is None or run.sink is None:
            return
        piece = run.pieces[len(run.results)]
        if run.execution.dropped:
            run.sink.note(words.dropped_output(run.execution.dropped))
        run.execution = None
        try:
            await run.sink.end(None)
        finally:
            run.sink.retire()
            run.results.append(
                PieceResult(
                    piece,
                    "aborted",
                    outputs=run.sink.buffer.outputs(),
                    seconds=time.time() - (run.piece_started or time.time()),
                    note=note,
                )
            )

    async def _give_up(self, run: Run) -> None:
        """End a run after an internal error with whatever still works, as somebody waits for it."""
        try:
            with contained():
                try:
                    await self._abandon(run, words.DEFECT)
                finally:
                    # The cells that show [*] must be reset even if that failed.
                    await self._finish(run, RunState.FAILED, words.DEFECT)
        except Exception:
            # The error may be in the clean-up itself. Then this is all that can be done.
            self._log.exception("A run that a defect ended could not be cleaned up")
            run.finish(RunState.FAILED, words.DEFECT)

    async def _close_bridge(self) -> None:
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            await bridge.close()
        self._closing = None
