"""What each agent last saw of each cell: the base of every merge and every staleness check."""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from typing import NamedTuple

MAX_CELLS = 20_000
"""Maximum number of cells remembered for one agent; the least recently seen go first."""

MAX_CELLS_OF_ALL = 100_000
"""Maximum number of cells remembered for all agents together.

A single agent cannot reach it, so no agent makes the server forget what the others have seen.
"""

MAX_BYTES = 32_000_000
"""Maximum size of the texts kept for all agents together; the least recently seen go first."""


class _Cell(NamedTuple):
    """One cell of one file, as one agent knows it."""

    agent_id: str
    file_id: str
    cell_id: str


class _Texts:
    """The texts of cells, limited in total size.

    Agents that know the same text share it. The text that was added last always stays.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._texts: OrderedDict[_Cell, str] = OrderedDict()
        # The size is noted, because that of an object grows when its UTF-8 form is cached.
        self._same: dict[str, tuple[str, int]] = {}
        self._uses: Counter[str] = Counter()

    def get(self, cell: _Cell) -> str | None:
        return self._texts.get(cell)

    def add(self, cell: _Cell, text: str) -> None:
        self.drop(cell)
        if text not in self._same:
            size = sys.getsizeof(text)
            self._same[text] = text, size
            self._size += size
        text, _ = self._same[text]
        self._uses[text] += 1
        self._texts[cell] = text
        while self._size > self._limit and len(self._same) > 1:
            self.drop(next(iter(self._texts)))

    def drop(self, cell: _Cell) -> None:
        text = self._texts.pop(cell, None)
        if text is None:
            return
        self._uses[text] -= 1
        if not self._uses[text]:
            del self._uses[text]
            self._size -= self._same.pop(text)[1]


class _Known:
    """A value for each cell that an agent knows, limited in number."""

    def __init__(self, most: int, most_of_all: int) -> None:
        self._most = most
        self._most_of_all = most_of_all
        self._known: dict[str, OrderedDict[_Cell, int]] = {}
        self._number = 0

    def get(self, cell: _Cell) -> int | None:
        known = self._known.get(cell.agent_id)
        return None if known is None else known.get(cell)

    def note(self, cell: _Cell, what: int) -> list[_Cell]:
        """Record a value; return the cells that are forgotten to make room."""
        self.drop(cell)
        # The agent that was active last comes last, so the first one has been idle for longest.
        known = self._known.pop(cell.agent_id, OrderedDict())
        self._known[cell.agent_id] = known
        known[cell] = what
        self._number += 1
        forgotten = []
        if len(known) > self._most:
            forgotten.append(next(iter(known)))
        elif self._number > self._most_of_all:
            forgotten.append(next(iter(next(iter(self._known.values())))))
        for old in forgotten:
            self.drop(old)
        return forgotten

    def drop(self, cell: _Cell) -> None:
        known = self._known.get(cell.agent_id, OrderedDict())
        if known.pop(cell, None) is not None:
            self._number -= 1
            if not known:
                del self._known[cell.agent_id]

    def drop_agent(self, agent_id: str) -> list[_Cell]:
        """Forget all cells of an agent, and return them."""
        known = list(self._known.pop(agent_id, ()))
        self._number -= len(known)
        return known


class AgentSnapshots:
    """The texts and outputs that agents have been shown, by agent, file and cell.

    Parameters
    ----------
    most : int, optional
        Maximum number of cells of one agent.
    most_of_all : int, optional
        Maximum number of cells of all agents.
    max_bytes : int, optional
        Maximum size of the texts of all agents. Of a text that was dropped, a hash remains, so that
        a later change is still noticed.
    """

    def __init__(
        self,
        most: int = MAX_CELLS,
        most_of_all: int = MAX_CELLS_OF_ALL,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._texts = _Texts(max_bytes)
        self._hashes = _Known(most, most_of_all)
        self._outputs = _Known(most, most_of_all)

    def note(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Record that the agent has seen the cell with this text."""
        cell = _Cell(agent_id, file_id, cell_id)
        for forgotten in self._hashes.note(cell, hash(text)):
            self._texts.drop(forgotten)
        self._texts.add(cell, text)

    def note_part(self, agent_id: str, file_id: str, cell_id: str, text: str) -> None:
        """Record a text that the agent saw in part, unless an earlier one is kept.

        The agent's next write may be based on the earlier text. A merge based on the later one
        would treat parts that the agent never saw as parts that it removed. Where the earlier text
        was dropped, a write was refused, and this is what the agent has read since.
        """
        if self._texts.get(_Cell(agent_id, file_id, cell_id)) is None:
            self.note(agent_id, file_id, cell_id, text)

    def note_written(
        self, agent_id: str, file_id: str, cell_id: str, before: str | None, after: str
    ) -> None:
        """Record that the agent changed `before` to `after`, if it knew `before`."""
        known = self._hashes.get(_Cell(agent_id, file_id, cell_id))
        if known is None or (before is not None and known == hash(before)):
            self.note(agent_id, file_id, cell_id, after)

    def text(self, agent_id: str, file_id: str, cell_id: str) -> str | None:
        """Return the text that the agent knows; None if it never saw the cell, or long ago."""
        return self._texts.get(_Cell(agent_id, file_id, cell_id))

    def is_outdated(self, agent_id: str, file_id: str, cell_id: str, present: str) -> bool:
        """Return whether the agent has seen the cell with a text other than the present one."""
        known = self._hashes.get(_Cell(agent_id, file_id, cell_id))
        return known is not None and known != hash(present)

    def note_outputs(
        self, agent_id: str, file_id: str, cell_id: str, fingerprint: str | None
    ) -> None:
        """Record which outputs of a cell the agent was shown; None if it was not all of them."""
        cell = _Cell(agent_id, file_id, cell_id)
        if fingerprint is None:
            self._outputs.drop(cell)
        else:
            self._outputs.note(cell, hash(fingerprint))

    def saw_outputs(self, agent_id: str, file_id: str, cell_id: str, fingerprint: str) -> bool:
        """Return whether these are the outputs of a cell that the agent was last shown."""
        return self._outputs.get(_Cell(agent_id, file_id, cell_id)) == hash(fingerprint)

    def forget_outputs(self, agent_id: str) -> None:
        """Drop the record of shown outputs, because another conversation may have begun."""
        self._outputs.drop_agent(agent_id)

    def forget_agent(self, agent_id: str) -> None:
        """Drop everything that a revoked agent knew."""
        self._outputs.drop_agent(agent_id)
        for cell in self._hashes.drop_agent(agent_id):
            self._texts.drop(cell)
