"""Tests a person who saves a notebook under another name while an agent works in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from lab_page import open_notebook
from place import write_cells

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_page import Console
    from lab_server import LabServer


def save_as(page: Page, path: str) -> None:
    """Save the notebook in front under another name, by the command of the File menu."""
    page.evaluate("() => void window.jupyterapp.commands.execute('docmanager:save-as')")
    name = page.locator(".jp-Dialog input")
    name.fill(path)
    page.keyboard.press("Enter")


def test_save_as_asks_nothing_and_tells_person_and_agent_where_the_work_goes(
    lab_page: Page, connect_agent: ConnectAgent, lab_server: LabServer, console: Console
) -> None:
    # JupyterLab asks whether the name is taken.
    console.expect(r"404 .*/api/contents/(second|third)\.ipynb")
    write_cells(lab_server.root, "first.ipynb", "x = 1")
    agent = connect_agent("Robot")
    agent.say("use_notebook", notebook="first.ipynb")
    open_notebook(lab_page, "first.ipynb")
    previous = "first.ipynb"
    for path in ("second.ipynb", "third.ipynb"):
        # The agent works on: there is always something that is not saved yet.
        page_of = "window.jupyterapp.shell.currentWidget"
        lab_page.wait_for_function(f"path => {page_of}.context.path === path", arg=previous)
        lab_page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
        agent.say("use_notebook", notebook=previous)
        agent.say("insert_cell", source="y = 2")
        lab_page.wait_for_function(f"() => {page_of}.context.model.dirty")
        save_as(lab_page, path)
        lab_page.wait_for_function(f"path => {page_of}.context?.path === path", arg=path)
        expect(lab_page.locator(".jp-Dialog")).to_have_count(0)
        words = f"You now work in {path}. Robot still works in {previous}, which is unchanged."
        expect(lab_page.get_by_text(words)).to_be_visible()
        said = agent.say("list_cells")
        assert f"The user saved '{previous}' as '{path}' and now works there" in said
        previous = path
    # The old ones are closed, and on the disk with what the agent did.
    agent.say("use_notebook", notebook="first.ipynb")
    assert "y = 2" in agent.say("read_cells")


def test_the_agent_is_told_about_a_rename_in_the_page(
    lab_page: Page, connect_agent: ConnectAgent, lab_server: LabServer
) -> None:
    write_cells(lab_server.root, "old-name.ipynb", "x = 1")
    agent = connect_agent()
    agent.say("use_notebook", notebook="old-name.ipynb")
    open_notebook(lab_page, "old-name.ipynb")
    lab_page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.rename('new-name.ipynb')"
    )
    said = agent.say("insert_cell", source="y = 2")
    assert (
        "'old-name.ipynb' was renamed to 'new-name.ipynb', which is now your current notebook"
    ) in said
    expect(lab_page.locator(".jp-NotebookPanel .jp-Cell")).to_have_count(2)
