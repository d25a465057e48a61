"""Undoes what a call changed, for the agent's tool and for the person's button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..notebooks import output_slices as slices

if TYPE_CHECKING:
    from ..calls.call import Call
    from ..notebooks.changes import Change, ChangeSet
    from ..notebooks.live_notebook import LiveNotebook
    from ..notebooks.merges import Merges
    from ..notebooks.prepared_update import Ahead
    from .services import Services


async def undo_change_set(
    services: Services,
    notebook: LiveNotebook,
    made: ChangeSet,
    call: Call,
    origin: str,
    *,
    by: str,
    merges: Merges | None = None,
    ahead: Ahead | None = None,
) -> list[Change]:
    """Undo a change set within `call`; only `by` can undo that in turn.

    Returns
    -------
    list of Change
        Changes that were made. Empty when nothing was left to undo, because others had undone it
        or deleted the cell.

    Raises
    ------
    ConflictError
        The same lines were changed since; nothing was undone.
    """
    redo: list[Change] = []
    # Marked now, so that nobody else starts to undo it in the meantime.
    made.undone = True
    try:
        await slices.take_back(notebook, made, origin, redo, merges, ahead)
    except BaseException:
        # Another call can redo the part that was undone.
        made.undone = bool(redo)
        raise
    finally:
        if made.undone:
            first = services.ledger.find(made.call_id)
            if first is not None:
                services.ledger.update(first, undoable=False)
            services.record(call, notebook, redo, by=by)
    return redo
