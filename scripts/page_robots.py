"""Provides the other participant of a schedule besides people: an agent, or a page in its place."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from playwright.sync_api import Error as PlaywrightError

from agent import Agent
from lab_page import open_notebook, panel_request

if TYPE_CHECKING:
    from page_world import World
    from playwright.sync_api import Page

MARK = r"(?:start|typed|agent|other)\d+"
"""Pattern of the marks; every participant writes each of its marks once."""

CELLS = """path => {
  const found = [...window.jupyterapp.shell.widgets('main')].find(w => w.context?.path === path);
  return found ? found.model.sharedModel.cells.map(cell => cell.getSource()) : [];
}"""

_INSERT = """([path, index, source]) => {
  const found = [...window.jupyterapp.shell.widgets('main')].find(w => w.context?.path === path);
  found.model.sharedModel.insertCell(index, { cell_type: 'code', source });
}"""

_WRITE = """([path, index, source]) => {
  const found = [...window.jupyterapp.shell.widgets('main')].find(w => w.context?.path === path);
  found.model.sharedModel.cells[index].setSource(source);
}"""

_MOVE = """([path, from, to]) => {
  const found = [...window.jupyterapp.shell.widgets('main')].find(w => w.context?.path === path);
  found.model.sharedModel.moveCell(from, to);
}"""


class Robot(Protocol):
    """A participant besides the people; each action returns whether it was acknowledged."""

    def joins(self, world: World) -> None:
        """Connect, after the server has started."""

    def leaves(self) -> None:
        """Disconnect from the server."""

    def inserts(self, index: int, source: str) -> bool:
        """Insert a cell."""

    def writes(self, index: int, source: str) -> bool:
        """Write into a cell."""

    def moves(self, index: int, to: int) -> bool:
        """Move a cell."""


class McpRobot:
    """An agent with the official MCP client."""

    def __init__(self) -> None:
        self._agent: Agent | None = None
        self._path = ""

    def joins(self, world: World) -> None:
        """Connect with a new token."""
        self._path = world.path
        body = {"label": "Robot", "mode": "edit"}
        page = world.online()
        status, minted = panel_request(page, world.server, "POST", "agents", body)
        assert status == 201, minted
        self._agent = Agent(world.server.mcp_url, minted["token"]).__enter__()

    def leaves(self) -> None:
        """Disconnect, even if the server is already gone."""
        agent, self._agent = self._agent, None
        if agent is not None:
            with suppress(Exception):
                agent.__exit__(None, None, None)

    def _call(self, tool: str, **arguments: Any) -> str | None:
        if self._agent is None:
            return None
        result = self._agent.call(tool, notebook=self._path, **arguments)
        return None if result.is_error else "\n".join(part.text for part in result.content)

    def _ids(self) -> list[str]:
        said = self._call("list_cells") or ""
        return re.findall(r"^\d+ (\S+) (?:code|markdown|raw)", said, re.MULTILINE)

    def inserts(self, index: int, source: str) -> bool:
        """Insert a cell."""
        return self._call("insert_cell", source=source, index=index) is not None

    def writes(self, index: int, source: str) -> bool:
        """Write a mark before the first mark of a cell, or overwrite a cell without one."""
        found = self._ids()
        if not found:
            return False
        cell = found[index % len(found)]
        word = re.search(MARK, self._call("read_cell", cell=cell) or "")
        if word is None:
            return self._call("overwrite_cell_source", cell=cell, source=source) is not None
        edits = [{"old": word[0], "new": f"{source} {word[0]}"}]
        return self._call("edit_cell", cell=cell, edits=edits) is not None

    def moves(self, index: int, to: int) -> bool:
        """Move a cell."""
        found = self._ids()
        cell = found[index % len(found)] if found else ""
        return self._call("move_cell", cells=cell, index=to % max(len(found), 1)) is not None


class PageRobot:
    """A page without a person."""

    def __init__(self) -> None:
        self._page: Page | None = None
        self._path = ""

    def joins(self, world: World) -> None:
        """Open the notebook if this page does not have it open yet."""
        self._path = world.path
        if self._page is None:
            self._page = world.new_page()
            open_notebook(self._page, world.path)

    def leaves(self) -> None:
        """Do nothing: a page stays open."""

    def _cells(self) -> list[str]:
        assert self._page is not None
        found: list[str] = self._page.evaluate(CELLS, self._path)
        return found

    def _do(self, what: str, *arguments: object) -> bool:
        assert self._page is not None
        try:
            self._page.evaluate(what, [self._path, *arguments])
        except PlaywrightError:
            return False
        return True

    def inserts(self, index: int, source: str) -> bool:
        """Insert a cell."""
        return self._do(_INSERT, index, source)

    def writes(self, index: int, source: str) -> bool:
        """Add a line to a cell."""
        found = self._cells()
        at = index % max(len(found), 1)
        return bool(found) and self._do(_WRITE, at, f"{found[at]}\n{source}".strip("\n"))

    def moves(self, index: int, to: int) -> bool:
        """Move a cell."""
        found = max(len(self._cells()), 1)
        return self._do(_MOVE, index % found, to % found)


def marks(texts: list[str]) -> list[str]:
    """Return all marks in some texts, including repetitions."""
    return re.findall(MARK, "\n".join(texts))
