"""Plays a person at a real keyboard in a notebook, next to agents that arrange its cells."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from agent import text_of
from lab_page import open_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from agent import Agent

CURSOR = "The user's cursor is in cell"
"""What the server says to an agent that would recreate the cell with a person's caret."""

LEAVE_SECONDS = 20.0
"""Seconds within which the server must know that a closed page has left."""

_CONTENT = "window.jupyterapp.shell.currentWidget.content"

WHERE = f"""() => {{
  const content = {_CONTENT};
  const editor = content.activeCell.editor;
  return {{
    active: content.activeCell.model.id,
    mode: content.mode,
    focused: content.node.contains(document.activeElement),
    typing: editor?.hasFocus() ?? false,
    offset: editor ? editor.getOffsetAt(editor.getCursorPosition()) : null,
    selected: content.widgets.filter(cell => content.isSelected(cell)).map(cell => cell.model.id),
  }};
}}"""

IDS = f"() => {_CONTENT}.widgets.map(cell => cell.model.id)"

TOP = f"""id => {{
  const content = {_CONTENT};
  const cell = content.widgets.find(cell => cell.model.id === id);
  const top = content.outerNode.getBoundingClientRect().top;
  return Math.round(cell.node.getBoundingClientRect().top - top);
}}"""

DRAWN = f"() => {_CONTENT}.widgets.every(cell => !cell.isPlaceholder())"
"""Whether JupyterLab has rendered all cells; it does that when it is idle, and may scroll then."""

SCROLL_TO = f"""index => {{
  const content = {_CONTENT};
  const node = content.widgets[index].node;
  const top = content.outerNode.getBoundingClientRect().top;
  content.outerNode.scrollTop += node.getBoundingClientRect().top - top - 40;
}}"""

FRAMES = """count => new Promise(resolve => {
  const step = () => (count-- > 0 ? requestAnimationFrame(step) : resolve());
  step();
})"""
"""Waits for a number of animation frames of the page."""

NEXT_STEP = f"() => {_CONTENT}.activeCell.model.sharedModel.undoManager.stopCapturing()"
"""Ends a step of the undo history, like half a second without typing."""


def write_cells(root: Path, path: str, *sources: str) -> list[str]:
    """Write a notebook, where sources that start with "# " are Markdown; return the cells' ids."""
    cells = [
        (new_markdown_cell if source.startswith("# ") else new_code_cell)(source, id=f"cell-{n}")
        for n, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), root / path)
    return [cell["id"] for cell in cells]


@dataclass
class Person:
    """A person with an open notebook in a page."""

    page: Page
    agent: Agent
    notebook: str
    ids: list[str]

    def open(self) -> None:
        """Open the notebook, and wait until all cells are visible."""
        open_notebook(self.page, self.notebook)
        self.sees(self.ids)

    def sees(self, ids: list[str]) -> None:
        """Wait until the page shows these cells, in this order."""
        self.page.wait_for_function(f"ids => `${{({IDS})()}}` === `${{ids}}`", arg=ids)

    def sees_all(self) -> None:
        """Wait until the page shows the cells as the agent sees them."""
        outline = self.lets("list_cells")
        self.sees(re.findall(r"^\d+ (\S+) (?:code|markdown|raw)", outline, re.MULTILINE))

    def cell(self, cell_id: str) -> Locator:
        """Return a cell."""
        number = self.page.evaluate(IDS).index(cell_id)
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number}")

    def scrolls_to(self, cell_id: str) -> int:
        """Scroll until a cell stays at the top of the page; return its position."""
        for _ in range(20):
            self.page.evaluate(SCROLL_TO, self.page.evaluate(IDS).index(cell_id))
            self.page.evaluate(FRAMES, 10)
            top: int = self.page.evaluate(TOP, cell_id)
            if abs(top - 40) <= 1:
                return top
        raise AssertionError(f"The page does not stay at {cell_id}")

    def clicks_into(self, cell_id: str) -> None:
        """Put the caret at the end of a cell."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+End")
        self.page.wait_for_function(f"() => ({WHERE})().typing")

    def selects(self, first: str, count: int, *, alone: bool = True) -> None:
        """Select cells in command mode with the keyboard; `alone` means that nobody else types."""
        self.clicks_into(first)
        self.page.keyboard.press("Escape")
        for _ in range(count - 1):
            self.page.keyboard.press("Shift+ArrowDown")
        # The server knows that nobody types.
        assert not alone or any(
            "The user is editing now" not in self.agent.say("get_context") for _ in range(500)
        )

    def where(self) -> dict[str, Any]:
        """Return where the person is, as the page shows it."""
        found: dict[str, Any] = self.page.evaluate(WHERE)
        return found

    def text(self, cell_id: str) -> str:
        """Return a cell's text in the page's copy of the document."""
        found: str = self.page.evaluate(
            f"id => {_CONTENT}.widgets.find(cell => cell.model.id === id)"
            "?.model.sharedModel.getSource() ?? ''",
            cell_id,
        )
        return found

    def has(self, cell_id: str, text: str) -> None:
        """Wait until a cell shows a text."""
        self.page.wait_for_function(
            f"([id, text]) => {{ const cell = {_CONTENT}.widgets.find(c => c.model.id === id);"
            " const lines = [...(cell?.node.querySelectorAll('.cm-line') ?? [])];"
            " return lines.map(line => line.textContent).join('\\n') === text"
            " && cell.model.sharedModel.getSource() === text; }",
            arg=[cell_id, text],
        )

    def told(self, cell_id: str, text: str) -> None:
        """Let the agent read a cell until it contains a text."""
        assert any(text in self.lets("read_cell", cell=cell_id) for _ in range(500))

    def refused(self, words: str, tool: str, **arguments: Any) -> None:
        """Let the agent call a tool that must be refused with these words."""
        result = self.agent.call(tool, notebook=self.notebook, **arguments)
        said = "\n".join(part.text for part in result.content if part.type == "text")
        assert result.is_error, said
        assert re.search(words, said), said

    def lets_once_left(self, tool: str, **arguments: Any) -> None:
        """Let the agent call a tool that succeeds once the server knows that a caret has left."""
        last = time.monotonic() + LEAVE_SECONDS
        result = self.agent.call(tool, notebook=self.notebook, **arguments)
        while result.is_error and time.monotonic() < last:
            assert re.search(CURSOR, text_of(result)), text_of(result)
            result = self.agent.call(tool, notebook=self.notebook, **arguments)
        assert not result.is_error, text_of(result)

    def lets(self, tool: str, **arguments: Any) -> str:
        """Let the agent call a tool that must succeed."""
        return self.agent.say(tool, notebook=self.notebook, **arguments)
