"""What each agent last saw of each cell: the base of every merge and of every stale check."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 20_000
"""How many cells are remembered for one agent; the least recently seen go first."""


class Seen:
    """The texts that agents have been shown, by agent, file and cell."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._texts: dict[str, OrderedDict[tuple[str, str], str]] = {}

    def note(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Remember that the agent knows the cell as `text`."""
        texts = self._texts.setdefault(agent_id, OrderedDict())
        texts[file_id, cell_id] = text
        texts.move_to_end((file_id, cell_id))
        while len(texts) > self._kept:
            texts.popitem(last=False)

    def text(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the text that the agent knows, or None when it never saw the cell."""
        known = self._texts.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def forget_agent(self, agent_id: str) -> None:
        """Drop what a revoked agent knew."""
        self._texts.pop(agent_id, None)
