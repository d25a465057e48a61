"""Provides a page, a notebook and an agent that may run in it, for tests of outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from notebook_page import (
    drawing_of,
    model_outputs,
    save,
    saved_outputs,
    shared_outputs,
    wait_until_drawn,
)
from panel import DRAWN_MS, outputs, prompt

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mcp.types import CallToolResult
    from playwright.sync_api import Page

    from agent import Agent
    from lab_server import LabServer


PATIENCE = 50
"""Maximum number of checks, every 0.1 s, whether all places have the same outputs."""


@dataclass
class Stage:
    """A page with a notebook in which an agent may run without asking."""

    page: Page
    agent: Agent
    server: LabServer
    notebook: str

    def write(self, source: str) -> str:
        """Let the agent write the first cell of the notebook; return its id."""
        said = self.agent.say("insert_cell", source=source, index=0)
        found = re.search(r"id (\w+)", said)
        assert found, said
        editor = self.page.locator(".jp-NotebookPanel .jp-Cell").first.locator(".cm-line")
        expect(editor).to_have_text(source.split("\n"))
        return found[1]

    def start(self, source: str) -> Future[CallToolResult]:
        """Let the agent write the first cell, and run it in the background."""
        return self.agent.start("execute_cell", cells=self.write(source))

    def run(self, source: str) -> CallToolResult:
        """Let the agent write the first cell, and run it to its end."""
        result = self.start(source).result(60)
        self.wait_until_ended()
        return result

    def wait_until_ended(self) -> None:
        """Wait until the page shows the cell's number, which arrives after all outputs."""
        expect(prompt(self.page, 1)).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=DRAWN_MS)

    def outputs(self, number: int = 1) -> list[dict[str, Any]]:
        """Wait until all places have the same outputs of a cell, and return them."""
        document = shared_outputs(self.page, number)
        wait_until_drawn(self.page, number, drawing_of(self.page, document))
        assert self.held(number) == document
        return document

    def held(self, number: int = 1) -> list[dict[str, Any]]:
        """Wait until all places agree on a cell's outputs and the page shows them; return them.

        This is for outputs that a script renders, because the document does not tell how they look.
        """
        document = self.same_everywhere(number)
        expect(outputs(self.page, number)).to_have_count(len(document))
        return document

    def same_everywhere(self, number: int = 1) -> list[dict[str, Any]]:
        """Wait until document, page's model and file agree on a cell's outputs; return them.

        A renderer may add an image of its rendering at any time.
        """
        for _ in range(PATIENCE):
            save(self.page)
            document, model, file = self._everywhere(number)
            if document == model == file:
                break
            self.page.wait_for_timeout(100)
        assert model == document
        assert file == document
        return document

    def _everywhere(self, number: int) -> tuple[list[dict[str, Any]], ...]:
        return (
            shared_outputs(self.page, number),
            model_outputs(self.page, number),
            saved_outputs(self.server.root / self.notebook, number),
        )
