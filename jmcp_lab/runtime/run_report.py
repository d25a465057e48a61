"""Turns a finished run into a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..calls.call import Reply
from ..kernels.runs.run import RunState
from ..render.outputs import CellSection
from ..render.reply import of_cell, of_run, render
from .repeated_outputs import left_out, note_shown, repeated
from .wording import cell_name, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..kernels.runs.run import PieceResult, Run
    from ..notebooks.live_notebook import LiveNotebook
    from ..render.limits import Limits
    from .services import CallContext

MAX_NAMED = 10
"""Maximum number of cells that did not run and are named."""


async def report(ctx: CallContext, nb: LiveNotebook | None, run: Run, limits: Limits) -> Reply:
    """Return the reply to a call that ran something."""
    shown = []
    new: list[tuple[str, Sequence[Any]]] = []
    again: list[str] = []
    ran = [result for result in run.results if result.status != "skipped"]
    for number, result in enumerate(run.results):
        if result.status == "skipped":
            continue
        cell_id, line = result.piece.cell_id, _result_line(nb, result)
        if nb is None or cell_id is None or nb.index(cell_id) is None:
            shown.append(of_run(run, number, line, result.outputs))
        elif len(ran) > 1 and repeated(ctx, nb, cell_id, result.outputs):
            again.append(cell_id)
            shown.append(of_cell(nb, cell_id, f"{line} · same output", []))
        else:
            new.append((cell_id, result.outputs))
            shown.append(of_cell(nb, cell_id, line, result.outputs))
    # A piece that was lost carries the message of the whole run.
    told = any(result.note == run.message for result in ran)
    said = (
        run.notice,
        None if told else run.message,
        left_out(nb, again) if nb is not None and again else "",
        _not_run(nb, run, len(ran)),
    )
    closing = " ".join(words for words in said if words)
    if closing:
        shown.append(CellSection(closing, []))
    parts = await render(shown, limits)
    if nb is not None:
        note_shown(ctx, nb, new, parts)
    return Reply(tuple(parts), is_error=run.state is not RunState.DONE)


def _not_run(nb: LiveNotebook | None, run: Run, ran: int) -> str:
    """Return a sentence that names the cells that did not run, up to a maximum."""
    left = len(run.pieces) - ran
    if left <= 0:
        return ""
    done = {id(result.piece) for result in run.results if result.status != "skipped"}
    ids = [piece.cell_id for piece in run.pieces if id(piece) not in done]
    names = [cell_name(nb, cell_id) for cell_id in ids[:MAX_NAMED] if nb is not None and cell_id]
    if not names:
        return f"{count(left, 'piece')} of the code did not run."
    rest = f" and {count(left - len(names), 'more cell')}" if left > len(names) else ""
    return f"Not run: {', '.join(names)}{rest}."


def _result_line(nb: LiveNotebook | None, result: PieceResult) -> str:
    cell_id = result.piece.cell_id
    name = cell_name(nb, cell_id) if nb is not None and cell_id is not None else "code"
    words = f"{name} · {result.status} · {result.seconds:.2f} s"
    if result.note:
        words += f"\n{result.note}"
    elif result.status == "ok" and not result.outputs:
        words += " · no output"
    return words
