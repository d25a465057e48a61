"""Wait for the end of code in the kernel, and determine its result."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..connection.kernel_connection import KernelLostError
from ..connection.kernel_death import Lost
from . import messages as words
from .run import PieceResult

if TYPE_CHECKING:
    from ..connection.execute_request import Execution
    from ..connection.kernel_connection import KernelBridge
    from ..connection.output_sink import OutputSink
    from .run import Piece, Run

CHECK_SECONDS = 0.5
"""Seconds between two checks of the kernel's process while it runs our code."""

REMOTE_CHECK_SECONDS = 5.0
"""Seconds between two checks of a kernel that must be asked over HTTP."""

LOST_SECONDS = 3.0
"""Maximum seconds to tell an interrupt from a restart, which interrupts the running cell first."""


async def ended(run: Run, execution: Execution, bridge: KernelBridge) -> None:
    """Return when an execution has ended, or find out that it never will.

    Raises
    ------
    KernelLostError
    """
    every = CHECK_SECONDS if bridge.local else REMOTE_CHECK_SECONDS
    told = False
    while not execution.finished.done() and not bridge.lost.done():
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await execution.over.wait()
        if not execution.finished.done():
            await bridge.check()
        if run.ignores_stop and not told:
            told = True
            run.changed()
    ename = (execution.reply or {}).get("ename")
    end = time.monotonic() + LOST_SECONDS
    if not bridge.local and run.stop_requested.is_set():
        end = 0.0
    while not bridge.lost.done() and bridge.may_be_ending(ename) and time.monotonic() < end:
        await asyncio.wait([bridge.lost], timeout=CHECK_SECONDS)
        await bridge.check()
    if bridge.lost.done():
        raise KernelLostError(bridge.lost.result())


async def result_of(run: Run, piece: Piece, sink: OutputSink, execution: Execution) -> PieceResult:
    """Write the end of a piece into its cell, and return its result."""
    reply = execution.reply
    for payload in words.payloads(reply):
        if payload.get("source") == "page":
            sink.show_page(payload.get("data") or {})
        elif payload.get("source") == "set_next_input":
            # JupyterLab would insert a new cell with this text. That would be an edit that nobody
            # allowed.
            sink.note(words.PROPOSED)
            sink.show_page({"text/plain": str(payload.get("text"))})
    status = str((reply or {}).get("status") or "aborted")
    unsaid = sink.error is None and reply is not None and not sink.has_told(reply)
    if status == "error" and reply is not None and unsaid:
        # The error was not published, or its message was dropped. Without this, the cell would look
        # as if all had gone well.
        sink.show_error(reply)
    count = (reply or {}).get("execution_count")
    if execution.dropped:
        sink.note(words.dropped_output(execution.dropped))
    await sink.end(count)
    error = sink.error
    if status == "error" and reply is not None:
        error = (str(reply.get("ename")), str(reply.get("evalue")))
    run.weight += sink.buffer.weight
    return PieceResult(
        piece,
        status if status in ("ok", "error") else "aborted",
        execution_count=count,
        outputs=sink.buffer.outputs(),
        error=error if status == "error" else None,
        seconds=time.time() - (run.piece_started or time.time()),
        note=words.note(reply, error, execution.dropped, refused=execution.refused),
    )


def after_interrupt(how: Lost, run: Run | None) -> Lost:
    """Return how a kernel was lost while it ran `run`, which we may have interrupted."""
    stopped = run is not None and run.execution is not None and run.stop_requested.is_set()
    return Lost.INTERRUPTED if stopped and how in (Lost.DIED, Lost.KILLED, Lost.ENDED) else how
