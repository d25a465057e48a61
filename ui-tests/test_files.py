"""Tests files with other line ends, other suffixes or no cells in a real page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from lab_page import open_notebook
from notebook_page import save, saved_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_server import LabServer

CELLS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell .cm-content"


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def open_by_name(page: Page, path: str) -> None:
    """Open a file as the file browser does: with whatever JupyterLab thinks fits its name."""
    page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', { path }).then(() => null)",
        path,
    )


def test_typing_into_a_file_with_other_line_endings_changes_only_that_text(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    path = lab_server.root / "windows.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\nthree\r\n")
    open_by_name(lab_page, "windows.txt")
    content = lab_page.locator(".jp-FileEditor .cm-content")
    expect(content).to_contain_text("three")
    content.locator(".cm-line").nth(2).click()
    lab_page.keyboard.press("End")
    lab_page.keyboard.type(" typed")
    expect(content.locator(".cm-line").nth(2)).to_have_text("three typed")
    save(lab_page)
    assert path.read_bytes() == b"\xef\xbb\xbfone\r\ntwo\nthree typed\r\n"
    # And an agent reads what the page shows.
    agent = connect_agent()
    assert "one\ntwo\nthree typed\n" in agent.say("read_file", path="windows.txt")


def test_a_notebook_with_an_upper_case_suffix_is_one_for_the_page_and_the_agent(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    nbformat.write(notebook, lab_server.root / "UPPER.IPYNB")
    open_by_name(lab_page, "UPPER.IPYNB")
    expect(lab_page.locator(CELLS).first).to_have_text("x = 1")
    agent = connect_agent()
    agent.say("insert_cell", notebook="UPPER.IPYNB", source="y = 1")
    expect(lab_page.locator(CELLS).nth(1)).to_have_text("y = 1")
    save(lab_page)
    assert len(saved_notebook(lab_server.root / "UPPER.IPYNB").cells) == 2


def test_the_first_cell_of_an_agent_is_the_only_one_that_a_page_shows(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    agent.say("use_notebook", notebook="first.ipynb", create=True)
    open_notebook(lab_page, "first.ipynb")
    expect(lab_page.locator(CELLS)).to_have_count(1)
    agent.say("insert_cell", source="x = 1")
    expect(lab_page.locator(CELLS)).to_have_text(["x = 1"])
    save(lab_page)
    path = lab_server.root / "first.ipynb"
    assert [cell.source for cell in saved_notebook(path).cells] == ["x = 1"]
    agent.say("undo_changes")
    expect(lab_page.locator(CELLS)).to_have_text([""])
    save(lab_page)
    assert saved_notebook(path).cells == []
