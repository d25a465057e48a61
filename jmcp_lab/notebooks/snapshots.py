"""What each agent last saw of each cell: the base of every merge and of every stale check."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 20_000
"""How many cells are remembered for one agent; the least recently seen go first."""

KEPT_CHARACTERS = 20_000_000
"""How much text is remembered for one agent; the least recently seen goes first."""


class _Known:
    """What one agent knows of cells: the last seen are kept, in number and in length."""

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
        # The one that was seen just now stays, however long it is.
        while len(self._known) > self._kept or (
            self._length > self._characters and len(self._known) > 1
        ):
            self.forget(next(iter(self._known)))

    def forget(self, cell: tuple[str, str]) -> None:
        self._length -= len(self._known.pop(cell, ""))


class AgentSnapshots:
    """The texts and outputs that agents have been shown, by agent, file and cell."""

    def __init__(self, kept: int = KEPT, characters: int = KEPT_CHARACTERS) -> None:
        self._kept = kept
        self._characters = characters
        self._texts: dict[str, _Known] = {}
        self._outputs: dict[str, _Known] = {}

    def note(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Remember that the agent knows the cell as `text`."""
        self._of(self._texts, agent_id).note((file_id, cell_id), text)

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

    def _of(self, known: dict[str, _Known], agent_id: str) -> _Known:
        if agent_id not in known:
            known[agent_id] = _Known(self._kept, self._characters)
        return known[agent_id]

    def text(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the text that the agent knows, or None when it never saw the cell."""
        known = self._texts.get(agent_id)
        return None if known is None else known.get((file_id, cell_id))

    def note_outputs(
        self, agent_id: str, file_id: str, cell_id: str, fingerprint: str | None
    ) -> None:
        """Remember which outputs of a cell the agent was shown; None when it was not all."""
        known = self._of(self._outputs, agent_id)
        if fingerprint is None:
            known.forget((file_id, cell_id))
        else:
            known.note((file_id, cell_id), fingerprint)

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
