"""Outputs that an agent has been shown already: a run of several cells does not say them again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ..calls.proposed import proposed
from ..codec.values import file_form
from ..render.reply import is_heavy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls.call import ImagePart, TextPart
    from ..notebooks.live_notebook import LiveNotebook
    from .services import CallContext

MOST_OUTPUTS = 3
"""Of more outputs a reply may leave out some."""

MOST_NAMED = 20
"""Cells that the call names which shows their outputs again."""


def left_out(nb: LiveNotebook, cell_ids: Sequence[str]) -> str:
    """Return that outputs of cells are left out, and what shows them."""
    cells = [nb.short_id(cell_id) for cell_id in cell_ids[:MOST_NAMED]]
    shows = proposed("read_cells", cells=cells, notebook=nb.path)
    return f"Outputs that are as you were last shown them are left out; {shows} shows them."


def repeated(ctx: CallContext, nb: LiveNotebook, cell_id: str, outputs: Sequence[Any]) -> bool:
    """Return whether the agent was last shown exactly these outputs of a cell."""
    found = _fingerprint(outputs)
    last = ctx.services.snapshots.outputs(ctx.agent.id, nb.file_id, cell_id)
    return found is not None and found == last


def note_shown(
    ctx: CallContext,
    nb: LiveNotebook,
    cells: Sequence[tuple[str, Sequence[Any]]],
    parts: Sequence[TextPart | ImagePart],
) -> None:
    """Remember what a reply shows of cells, by their ids; of a long one it may be not all."""
    length = sum(len(getattr(part, "text", "")) for part in parts)
    # Below that no output had to be cut for another.
    whole = length < ctx.services.limits.text // 2
    for cell_id, outputs in cells:
        shown = _fingerprint(outputs) if whole else None
        ctx.services.snapshots.note_outputs(ctx.agent.id, nb.file_id, cell_id, shown)


def _fingerprint(outputs: Sequence[Any]) -> str | None:
    """Return what tells outputs from others; None for those that are always worth showing.

    An image is to be looked at, and may have been sent smaller than it is.
    """
    if is_heavy(outputs):
        # Telling it from others would hold the event loop.
        return None
    kept = []
    # Those of a run tell 1 from 1.0, those of the document do not.
    for output in map(file_form, outputs[: MOST_OUTPUTS + 1]):
        data = output.get("data", {})
        if output.get("output_type") == "error" or any(m.startswith("image/") for m in data):
            return None
        kept.append([output.get("output_type"), output.get("name"), output.get("text"), data])
    if not 1 <= len(kept) <= MOST_OUTPUTS:
        return None
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
