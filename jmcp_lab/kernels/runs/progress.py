"""Advance a run from piece to piece, and update what its cells show meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...notebooks.live_notebook import OUTPUT_ORIGIN
from ...outputs.cell_writer import CellOutputWriter
from . import messages as words
from .run import Piece, PieceResult, Run, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

CHANGE_SECONDS = 0.5
"""Minimum seconds between two notifications about new output of a run."""


def compare(run: Run, piece: Piece) -> str | None:
    """Return ``changed`` or ``gone`` if the cell is no longer what the run was asked for."""
    if piece.cell_id is None or run.notebook is None:
        return None
    cell = run.notebook.cell(piece.cell_id)
    if cell is None or CellOutputWriter(run.notebook, piece.cell_id).cell is None:
        return "gone"
    return None if str(cell["source"]) == piece.source else "changed"


def state_after(run: Run, result: PieceResult) -> RunState | None:
    """Return the state in which a piece ends its run, or None if the run continues."""
    if words.interrupted(result) or (run.stop_requested.is_set() and result.status != "changed"):
        return RunState.INTERRUPTED
    if result.status in ("changed", "gone", "aborted"):
        return RunState.FAILED
    if result.failed and run.stop_on_error:
        return RunState.FAILED
    if len(run.results) < len(run.pieces):
        return None
    failed = any(each.failed or each.status not in ("ok", "error") for each in run.results)
    return RunState.FAILED if failed else RunState.DONE


async def finish(run: Run, state: RunState, message: str | None) -> None:
    """End a run, after removing the [*] from cells that will not run."""
    if run.done:
        return
    notebook = run.notebook
    try:
        while notebook is not None and run.shown_waiting:
            cell_id = run.shown_waiting.pop()
            await notebook.ready()
            CellOutputWriter(notebook, cell_id).set_state("idle")
    finally:
        # The document may be broken, but somebody waits for the run.
        run.finish(state, message)


def show_waiting(run: Run) -> None:
    """Mark the cells that will run with [*], as JupyterLab does."""
    notebook = run.notebook
    if notebook is None or notebook.busy:
        return
    with notebook.transaction(OUTPUT_ORIGIN):
        for piece in run.pieces:
            # If a cell shows [*] already, somebody else has set it, and will remove it.
            if (
                piece.cell_id is not None
                and CellOutputWriter(notebook, piece.cell_id).show_waiting()
            ):
                run.shown_waiting.add(piece.cell_id)


def output_callback(run: Run) -> Callable[[], None]:
    """Return a callback that notifies a run's followers about new output, at intervals."""
    told = 0.0

    def on_output() -> None:
        nonlocal told
        run.outputs_seen += 1
        now = time.monotonic()
        if now - told >= CHANGE_SECONDS:
            told = now
            run.changed()

    return on_output
