"""Tests that open pages show what agents write, without a dialog, without live documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from kept_page import KeptPage
from lab_page import open_notebook
from lab_server import LabServer
from notebook_page import save, saved_notebook
from panel import allow_and_wait, card, connected, editor, open_panel, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from agent import Agent
    from profiles import Profiles

OFF = {
    "disable_rtc": "--YDocExtension.disable_rtc=True",
    "no extension": "--ServerApp.jpserver_extensions={'jupyter_server_ydoc': False}",
}


@pytest.fixture(scope="module", params=list(OFF))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabServer]:
    """Yield a server without live documents."""
    folder = tmp_path_factory.mktemp("off")
    with LabServer(folder, arguments=[OFF[request.param]]) as server:
        yield server


@pytest.fixture(scope="module")
def page_of_module(profiles: Profiles, server: LabServer) -> Iterator[KeptPage]:
    """Yield what keeps one page of it."""
    kept = KeptPage(profiles, server)
    yield kept
    kept.close()


@pytest.fixture
def page(kept_page: Page) -> Iterator[Page]:
    """Yield that page, which counts the dialogs that come."""
    kept_page.evaluate(
        "() => { window.dialogs = []; new MutationObserver(() => {"
        " for (const each of document.querySelectorAll('.jp-Dialog'))"
        " window.dialogs.push(each.textContent);"
        "}).observe(document.body, {childList: true}); }"
    )
    yield kept_page
    assert kept_page.evaluate("() => window.dialogs") == []


@pytest.fixture
def agent(page: Page, server: LabServer) -> Iterator[Agent]:
    with connected(page, server, "Robot", "edit") as agent:
        yield agent


def write(server: LabServer, name: str, *sources: str) -> list[str]:
    """Write a notebook, and return the ids of its cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.write(notebook, server.root / name)
    return [cell.id for cell in cells]


def switch_autosave(page: Page, on: bool) -> None:
    """Switch JupyterLab's own saving on or off, as its menu does."""
    toggled = "window.jupyterapp.commands.isToggled('docmanager:toggle-autosave')"
    assert page.evaluate(f"() => {toggled}") is not on
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:toggle-autosave').then(() => null)"
    )
    page.wait_for_function(f"on => {toggled} === on", arg=on)


def wait_for_language(page: Page) -> None:
    """Wait until the kernel has told its language: JupyterLab calls that an unsaved change."""
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context.model.getMetadata('language_info')"
    )


def sources(server: LabServer, name: str) -> list[str]:
    return [str(cell.source) for cell in saved_notebook(server.root / name).cells]


def test_an_open_page_shows_what_an_agent_writes(
    page: Page, server: LabServer, agent: Agent
) -> None:
    one, _ = write(server, "shows.ipynb", "one", "two")
    open_notebook(page, "shows.ipynb")
    editor(page, 2).click()
    page.keyboard.press("Control+Home")
    agent.say("use_notebook", notebook="shows.ipynb")
    agent.say("insert_cell", source="zero", index=0)
    agent.say("edit_cell", cell=one, edits=[{"old": "one", "new": "1"}])
    expect(page.locator(".jp-Notebook .jp-Cell .cm-content")).to_have_text(["zero", "1", "two"])
    # Neither caret nor focus moved.
    page.keyboard.type("mine ")
    expect(editor(page, 3)).to_have_text("mine two")
    save(page)
    assert sources(server, "shows.ipynb") == ["zero", "1", "mine two"]
    assert "mine two" in agent.say("read_cells")
    agent.say("undo_changes")
    expect(editor(page, 2)).to_have_text("one")


def test_text_typed_while_an_agent_edits_is_kept(
    page: Page, server: LabServer, agent: Agent
) -> None:
    write(server, "typing.ipynb", "one", "two")
    open_notebook(page, "typing.ipynb")
    agent.say("use_notebook", notebook="typing.ipynb")
    editor(page, 1).click()
    page.keyboard.press("Control+End")
    typed = ""
    for number in range(6):
        piece = f" typed {number}"
        writing = agent.start("insert_cell", source=f"agent {number}")
        page.keyboard.type(piece, delay=20)
        typed += piece
        assert not writing.result(30).is_error
    wanted = [f"one{typed}", "two", *(f"agent {number}" for number in range(6))]
    expect(page.locator(".jp-Notebook .jp-Cell .cm-content")).to_have_text(wanted)
    save(page)
    assert sources(server, "typing.ipynb") == wanted


def test_an_agent_is_told_that_autosave_is_off(page: Page, server: LabServer, agent: Agent) -> None:
    write(server, "manual.ipynb", "one")
    switch_autosave(page, False)
    try:
        open_notebook(page, "manual.ipynb")
        wait_for_language(page)
        agent.say("use_notebook", notebook="manual.ipynb")
        editor(page, 1).click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("typed ")
        expect(editor(page, 1)).to_have_text("typed one")
        refused = agent.call("insert_cell", source="agent")
        assert refused.is_error
        assert "unsaved changes in JupyterLab" in str(refused.content)
        assert sources(server, "manual.ipynb") == ["one"]
        page.keyboard.press("Control+s")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        agent.say("insert_cell", source="agent")
        expect(editor(page, 2)).to_have_text("agent")
        assert sources(server, "manual.ipynb") == ["typed one", "agent"]
    finally:
        switch_autosave(page, True)


@pytest.mark.parametrize("name", ["slow.ipynb", "slow.txt"])
def test_text_typed_during_a_save_is_not_shown_as_saved(
    page: Page, server: LabServer, name: str
) -> None:
    if name.endswith("ipynb"):
        write(server, name, "one")
        open_notebook(page, name)
        text = editor(page, 1)
    else:
        (server.root / name).write_text("one")
        text = open_text(page, name)
    held: list[Route] = []
    page.route(
        f"**/api/contents/{name}*",
        lambda route: held.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    context = "window.jupyterapp.shell.currentWidget.context"
    page.evaluate(
        f"() => {{ window.states = []; {context}.saveState.connect((_, state) =>"
        " window.states.push(state)); }"
    )
    text.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" before")
    with page.expect_request(lambda request: request.method == "PUT" and name in request.url):
        page.keyboard.press("Control+s")
    page.keyboard.type(" during")
    expect(text).to_have_text("one before during")
    held.pop().continue_()
    page.wait_for_function("() => window.states.includes('completed')")
    assert page.evaluate(f"() => {context}.model.dirty")
    page.unroute_all()
    save(page)
    assert not page.evaluate(f"() => {context}.model.dirty")
    assert "one before during" in (server.root / name).read_text()


def open_text(page: Page, name: str) -> Locator:
    """Open a text file in an editor, and return its text."""
    page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Editor'})"
        ".then(widget => widget.context.ready)",
        name,
    )
    text = page.locator(".jp-FileEditor:not(.lm-mod-hidden) .cm-content")
    expect(text).to_be_visible()
    return text


def test_an_editor_shows_an_agents_changes_and_keeps_typed_text(
    page: Page, server: LabServer, agent: Agent
) -> None:
    path = server.root / "notes.txt"
    path.write_bytes(b"one\r\ntwo\r\nthree\r\n")
    text = open_text(page, "notes.txt")
    agent.say("read_file", path="notes.txt")
    text.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("typed ")
    open_panel(page)
    edits = [{"old": "three", "new": "agent"}]
    write = agent.start("write_file", path="notes.txt", edits=edits)
    allow_and_wait(card(page, re.compile("Change file notes.txt")), write)
    expect(text.locator(".cm-line")).to_have_text(["typed one", "two", "agent", ""])
    assert path.read_bytes() == b"typed one\r\ntwo\r\nagent\r\n"
    # The person takes back what the person did.
    text.click()
    page.keyboard.press("Control+z")
    expect(text.locator(".cm-line")).to_have_text(["one", "two", "agent", ""])
    save_text(page)
    assert path.read_bytes() == b"one\r\ntwo\r\nagent\r\n"


def save_text(page: Page) -> None:
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")


def test_no_file_is_changed_under_an_editor_without_autosave(
    page: Page, server: LabServer, agent: Agent
) -> None:
    path = server.root / "by hand.txt"
    path.write_text("one\n")
    switch_autosave(page, False)
    try:
        text = open_text(page, "by hand.txt")
        agent.say("read_file", path="by hand.txt")
        text.click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("typed ")
        edits = [{"old": "one", "new": "agent"}]
        page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context.model.dirty")
        refused = agent.call("write_file", path="by hand.txt", edits=edits)
        assert refused.is_error
        assert "unsaved changes in JupyterLab" in str(refused.content)
        assert path.read_text() == "one\n"
        save_text(page)
        assert path.read_text() == "typed one\n"
    finally:
        switch_autosave(page, True)


def test_outputs_of_a_run_reach_the_page_and_its_kernel_is_the_same(
    page: Page, server: LabServer, agent: Agent
) -> None:
    write(server, "runs.ipynb", "x = 6 * 7\nprint(x)")
    open_notebook(page, "runs.ipynb")
    agent.say("use_notebook", notebook="runs.ipynb")
    open_panel(page)
    run = agent.start("execute_cell", all=True, hold=60)
    assert "42" in allow_and_wait(card(page, re.compile("Run cell 1")), run)
    expect(outputs(page, 1)).to_have_text("42\n")
    page.evaluate(
        "() => window.jupyterapp.commands.execute('notebook:insert-cell-below').then(() => null)"
    )
    editor(page, 2).click()
    page.keyboard.type("print('same', x)")
    page.keyboard.press("Control+Enter")
    expect(outputs(page, 2)).to_have_text("same 42\n")
    agent.say("insert_cell", source="last")
    expect(editor(page, 3)).to_have_text("last")
    assert saved_notebook(server.root / "runs.ipynb").cells[1].outputs[0].text == "same 42\n"


def test_the_panel_explains_what_live_documents_off_means(
    page: Page, server: LabServer, agent: Agent
) -> None:
    panel = open_panel(page)
    strip = panel.locator(".jp-jmcp-Strip", has_text="Live documents are off")
    expect(strip).to_contain_text("Agents edit the files")
