"""Tests that saving a notebook by hand shows no dialog while others change it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from lab_page import open_notebook
from notebook_page import save, saved_notebook
from panel import cell_text

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_server import LabServer

SAVES = 25


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def rewrite(path: Path, number: int, source: str) -> None:
    """Change a cell's text as git does: a new file in the place of the old one."""
    content = json.loads(path.read_text())
    content["cells"][number]["source"] = source
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    os.replace(new, path)


def test_a_file_that_git_has_changed_is_merged_although_the_person_saves_at_once(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    agent.say("use_notebook", notebook="saving.ipynb", create=True)
    agent.say("insert_cell", source="one", index=0)
    agent.say("insert_cell", source="two", index=1)
    open_notebook(lab_page, "saving.ipynb")
    expect(lab_page.locator(".jp-Notebook .jp-Cell .cm-content").nth(1)).to_have_text("two")
    save(lab_page)
    lab_page.locator(".jp-Notebook .jp-Cell .cm-content").first.click()
    lab_page.keyboard.press("Control+Home")
    lab_page.keyboard.type("mine ")
    expect(lab_page.locator(".jp-Notebook .jp-Cell .cm-content").first).to_have_text("mine one")
    path = lab_server.root / "saving.ipynb"
    rewrite(path, 1, "from git")
    lab_page.keyboard.press("Control+s")
    expect(lab_page.locator(".jp-Notebook .jp-Cell .cm-content").nth(1)).to_have_text("from git")
    save(lab_page)
    expect(lab_page.locator(".jp-Dialog")).to_have_count(0)
    assert [cell_text(lab_page, number) for number in (1, 2)] == ["mine one", "from git"]
    assert [cell.source for cell in saved_notebook(path).cells][:2] == ["mine one", "from git"]


def test_a_person_saves_again_and_again_while_an_agent_writes(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    agent.say("use_notebook", notebook="saves.ipynb", create=True)
    found = re.search(r"id (\w+)", agent.say("insert_cell", source="0", index=0))
    assert found
    open_notebook(lab_page, "saves.ipynb")
    expect(lab_page.locator(".jp-Notebook .jp-Cell .cm-content").first).to_have_text("0")
    lab_page.evaluate(
        "() => { window.dialogs = 0; new MutationObserver(() => {"
        " window.dialogs += document.querySelectorAll('.jp-Dialog').length;"
        "}).observe(document.body, {childList: true}); }"
    )
    for number in range(1, SAVES + 1):
        writing = agent.start("overwrite_cell_source", cell=found[1], source=f"{number}")
        save(lab_page)
        assert not writing.result(30).is_error
    save(lab_page)
    assert lab_page.evaluate("() => window.dialogs") == 0
    assert saved_notebook(lab_server.root / "saves.ipynb").cells[0].source == f"{SAVES}"
