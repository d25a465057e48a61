"""Tests that no typed character is lost while a person and an agent edit the same cell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from lab_page import open_notebook
from panel import cell_text

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent

TYPED = "# human is typing a long comment here"


def test_text_typed_while_an_agent_overwrites_the_cell_is_kept(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    agent.say("use_notebook", notebook="typing.ipynb", create=True)
    said = agent.say("insert_cell", source="print('hello')", index=0)
    found = re.search(r"id (\w+)", said)
    assert found
    open_notebook(lab_page, "typing.ipynb")
    editor = lab_page.locator(".jp-Notebook .jp-Cell .cm-content").first
    expect(editor).to_have_text("print('hello')")
    editor.click()
    lab_page.keyboard.press("Control+End")
    lab_page.keyboard.press("Enter")
    half = len(TYPED) // 2
    lab_page.keyboard.type(TYPED[:half], delay=20)
    # What is typed has reached the server, and the agent that writes has not read it.
    observer = connect_agent("Observer", "look")
    seen = (observer.say("read_cell", notebook="typing.ipynb", cell=found[1]) for _ in range(2000))
    assert any(TYPED[:half] in text for text in seen)
    # The agent writes while the person goes on typing.
    writing = agent.start(
        "overwrite_cell_source", cell=found[1], source="print('hello')\nprint('agent added')"
    )
    lab_page.keyboard.type(TYPED[half:], delay=20)
    assert not writing.result(30).is_error
    wanted = f"print('hello')\nprint('agent added')\n{TYPED}"
    expect(lab_page.locator(".jp-Notebook .jp-Cell").first.locator(".cm-line")).to_have_text(
        wanted.split("\n")
    )
    assert cell_text(lab_page, 1) == wanted
    assert wanted in agent.say("read_cell", cell=found[1])
