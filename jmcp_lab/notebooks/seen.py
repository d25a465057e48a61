"""What each agent last saw of each cell: the base of every merge and of every stale check."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 20_000
"""How many cells are remembered for one agent; the least recently seen go first."""


class Seen:
    """The texts and outputs that agents have been shown, by agent, file and cell."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._texts: dict[str, OrderedDict[tuple[str, str], str]] = {}
        self._outputs: dict[str, OrderedDict[tuple[str, str], str]] = {}

    def note(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Remember that the agent knows the cell as `text`."""
        self._note(self._texts.setdefault(agent_id, OrderedDict()), (file_id, cell_id), text)

    def note_part(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Remember a text that the agent was shown a part of, unless it knows an earlier one.

        What it writes next may be made from that one: a merge from the later text would take what
        the agent never saw in it for something that it left out.
        """
        if self.text(agent_id, file_id, cell_id) is None:
            self.note(agent_id, file_id, cell_id, text)

    def note_written(
        self, agent_id: str, file_id: str, cell_id: str, before: str | None, after: str
    ) -> None:
        """Remember that the agent made `after` of `before`, which it knows if it knew `before`."""
        if self.text(agent_id, file_id, cell_id) in (None, before):
            self.note(agent_id, file_id, cell_id, after)

    def _note(
        self, known: OrderedDict[tuple[str, str], str], cell: tuple[str, str], what: str
    ) -> None:
        known[cell] = what
        known.move_to_end(cell)
        while len(known) > self._kept:
            known.popitem(last=False)

    def text(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the text that the agent knows, or None when it never saw the cell."""
        known = self._texts.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def note_outputs(
        self, agent_id: str, file_id: str, cell_id: str, fingerprint: str | None
    ) -> None:
        """Remember which outputs of a cell the agent was shown; None when it was not all."""
        known = self._outputs.setdefault(agent_id, OrderedDict())
        if fingerprint is None:
            known.pop((file_id, cell_id), None)
        else:
            self._note(known, (file_id, cell_id), fingerprint)

    def outputs(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the fingerprint of the outputs that the agent was last shown of a cell."""
        known = self._outputs.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def forget_outputs(self, agent_id: str) -> None:
        """Drop what outputs an agent was shown: another conversation may have begun."""
        self._outputs.pop(agent_id, None)

    def forget_agent(self, agent_id: str) -> None:
        """Drop what a revoked agent knew."""
        self._texts.pop(agent_id, None)
        self._outputs.pop(agent_id, None)
