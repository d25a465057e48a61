"""Leaves out of a reply the outputs that the agent has already seen."""

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

MAX_OUTPUTS = 3
"""Maximum number of outputs of a cell that can count as seen; a reply may omit some of more."""

MAX_NAMED = 20
"""Maximum number of cells in the proposed call that shows their outputs again."""


def left_out(nb: LiveNotebook, cell_ids: Sequence[str]) -> str:
    """Return a sentence that outputs were left out, with the call that shows them."""
    cells = [nb.short_id(cell_id) for cell_id in cell_ids[:MAX_NAMED]]
    shows = proposed("read_cells", cells=cells, notebook=nb.path)
    return (
        f"Outputs that have not changed since you last saw them are left out; {shows} shows them."
    )


def repeated(ctx: CallContext, nb: LiveNotebook, cell_id: str, outputs: Sequence[Any]) -> bool:
    """Return whether these are exactly the outputs of a cell that the agent saw last."""
    found = _fingerprint(outputs)
    last = ctx.services.snapshots.outputs(ctx.agent.id, nb.file_id, cell_id)
    return found is not None and found == last


def note_shown(
    ctx: CallContext,
    nb: LiveNotebook,
    cells: Sequence[tuple[str, Sequence[Any]]],
    parts: Sequence[TextPart | ImagePart],
) -> None:
    """Remember which outputs a reply shows; a long reply may not show all of them."""
    length = sum(len(getattr(part, "text", "")) for part in parts)
    # In a shorter reply, no output had to be cut to make room for another.
    whole = length < ctx.services.limits.text // 2
    for cell_id, outputs in cells:
        shown = _fingerprint(outputs) if whole else None
        ctx.services.snapshots.note_outputs(ctx.agent.id, nb.file_id, cell_id, shown)


def _fingerprint(outputs: Sequence[Any]) -> str | None:
    """Return a fingerprint of outputs, or None for those that are always shown.

    Images are always shown, because one may have been sent smaller than it is.
    """
    if is_heavy(outputs):
        # A fingerprint of so much would block the event loop.
        return None
    kept = []
    # Outputs of a run distinguish 1 from 1.0, and those of the document do not.
    for output in map(file_form, outputs[: MAX_OUTPUTS + 1]):
        data = output.get("data", {})
        if output.get("output_type") == "error" or any(m.startswith("image/") for m in data):
            return None
        kept.append([output.get("output_type"), output.get("name"), output.get("text"), data])
    if not 1 <= len(kept) <= MAX_OUTPUTS:
        return None
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
