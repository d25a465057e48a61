"""How code that is in the kernel comes to its end, and what became of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..connection.kernel_connection import KernelLostError
from . import messages as words
from .run import PieceResult

if TYPE_CHECKING:
    from ..connection.execute_request import Execution
    from ..connection.kernel_connection import KernelBridge
    from ..connection.output_sink import OutputSink
    from .run import Piece, Run

CHECK_SECONDS = 0.5
"""How often the kernel's process is looked at while code of ours is in it."""

REMOTE_CHECK_SECONDS = 5.0
"""The same for a kernel that has to be asked over HTTP."""

LOST_SECONDS = 3.0
"""A restart interrupts the running cell first: so long is waited to learn what it really was."""


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
    """Write the end of a piece into its cell, and return what became of it."""
    reply = execution.reply
    for payload in words.payloads(reply):
        if payload.get("source") == "page":
            sink.show_page(payload.get("data") or {})
        elif payload.get("source") == "set_next_input":
            # Who runs it by hand gets a cell of it: that would be an edit that nobody allowed.
            sink.note(words.PROPOSED)
            sink.show_page({"text/plain": str(payload.get("text"))})
    status = str((reply or {}).get("status") or "aborted")
    unsaid = sink.error is None and reply is not None and not sink.has_told(reply)
    if status == "error" and reply is not None and unsaid:
        # It was not published, or dropped on its way: the cell must not look as if all went well.
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
