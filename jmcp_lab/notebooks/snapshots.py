"""What each agent last saw of each cell: the base of every merge and every staleness check."""

from __future__ import annotations

from collections import OrderedDict

MAX_CELLS = 20_000
"""Maximum number of cells remembered for one agent; the least recently seen go first."""

MAX_CHARACTERS = 20_000_000
"""Maximum characters of text remembered for one agent; the least recently seen go first."""


class _Known:
    """What one agent knows of cells, limited in number and in total length."""

    def __init__(self, kept: int, characters: int) -> None:
        self._kept = kept
        self._characters = characters
        self._length = 0
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    def get(self, cell: tuple[str, str]) -> str | None:
        return self._known.get(cell)

    def note(self, cell: tuple[str, str], what: str) -> None:
        self.forget(cell)
        self._known[cell] = what
        self._length += len(what)
        # The cell that was seen just now stays, however long it is.
        while len(self._known) > self._kept or (
            self._length > self._characters and len(self._known) > 1
        ):
            self.forget(next(iter(self._known)))

    def forget(self, cell: tuple[str, str]) -> None:
        self._length -= len(self._known.pop(cell, ""))


class AgentSnapshots:
    """The texts and outputs that agents have been shown, by agent, file and cell."""

    def __init__(self, kept: int = MAX_CELLS, characters: int = MAX_CHARACTERS) -> None:
        self._kept = kept
        self._characters = characters
        self._texts: dict[str, _Known] = {}
        self._outputs: dict[str, _Known] = {}

    def note(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Record that the agent has seen the cell with this text."""
        self._of(self._texts, agent_id).note((file_id, cell_id), text)

    def note_part(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Record a text that the agent saw in part, unless an earlier one is recorded.

        The agent's next write may be based on the earlier text. A merge based on the later one
        would treat parts that the agent never saw as parts that it removed.
        """
        if self.text(agent_id, file_id, cell_id) is None:
            self.note(agent_id, file_id, cell_id, text)

    def note_written(
        self, agent_id: str, file_id: str, cell_id: str, before: str | None, after: str
    ) -> None:
        """Record that the agent changed `before` to `after`, if it knew `before`."""
        if self.text(agent_id, file_id, cell_id) in (None, before):
            self.note(agent_id, file_id, cell_id, after)

    def _of(self, known: dict[str, _Known], agent_id: str) -> _Known:
        if agent_id not in known:
            known[agent_id] = _Known(self._kept, self._characters)
        return known[agent_id]

    def text(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the text that the agent knows, or None if it never saw the cell."""
        known = self._texts.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def note_outputs(
        self, agent_id: str, file_id: str, cell_id: str, fingerprint: str | None
    ) -> None:
        """Record which outputs of a cell the agent was shown; None if it was not all of them."""
        known = self._of(self._outputs, agent_id)
        if fingerprint is None:
            known.forget((file_id, cell_id))
        else:
            known.note((file_id, cell_id), fingerprint)

    def outputs(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the fingerprint of the outputs of a cell that the agent was last shown."""
        known = self._outputs.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def forget_outputs(self, agent_id: str) -> None:
        """Drop the record of shown outputs, because another conversation may have begun."""
        self._outputs.pop(agent_id, None)

    def forget_agent(self, agent_id: str) -> None:
        """Drop everything that a revoked agent knew."""
        self._texts.pop(agent_id, None)
        self._outputs.pop(agent_id, None)
