"""Tests that an agent's cell cannot send the login cookie to another port of this computer."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from lab_page import open_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from conftest import ConnectAgent


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def thief() -> Iterator[tuple[int, list[str]]]:
    """Listen on another port; yield it, and what was asked for there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    # Chromium opens connections ahead of requests. With one thread, the server would wait for such
    # a connection's first request before it answers the next one.
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


def test_no_image_in_a_cell_loads_from_another_port(
    lab_page: Page, connect_agent: ConnectAgent, thief: tuple[int, list[str]]
) -> None:
    port, asked = thief
    agent = connect_agent()
    agent.say("use_notebook", notebook="ports.ipynb", create=True)
    open_notebook(lab_page, "ports.ipynb")
    places = [f"http://127.0.0.1:{port}", f"//localhost:{port}", f"http://127.1:{port}"]
    sources = [f"![chart]({place}/markdown.png)" for place in places]
    sources += [f'<img src="{place}/html.png">' for place in places]
    sources += [f"<div style=\"background-image: url('{places[0]}/css.png')\">css</div>"]
    sources += [f'<video poster="{places[0]}/poster.png"></video>']
    for source in sources:
        agent.say("insert_cell", type="markdown", source=source)
    agent.say("insert_cell", type="markdown", source="The last cell.")
    # JupyterLab itself takes the address out of the style.
    expect(lab_page.locator(".jp-jmcp-NotLoaded")).to_have_count(len(sources) - 1)
    expect(lab_page.get_by_text("The last cell.").last).to_be_visible()
    expect(lab_page.locator(".jp-jmcp-NotLoaded").first).to_contain_text(
        "is another port of this computer"
    )
    # What the page fetched before this request is done has reached the server as well.
    lab_page.evaluate(f"fetch('http://127.0.0.1:{port}/end', {{mode: 'no-cors'}})")
    assert asked == ["/end"]


def test_a_link_in_a_cell_to_another_port_asks_first(
    lab_page: Page, connect_agent: ConnectAgent, thief: tuple[int, list[str]]
) -> None:
    port, asked = thief
    agent = connect_agent()
    agent.say("use_notebook", notebook="links.ipynb", create=True)
    open_notebook(lab_page, "links.ipynb")
    agent.say("insert_cell", type="markdown", source="The first cell.")
    agent.say("insert_cell", type="markdown", source=f"[The chart](http://127.0.0.1:{port}/link)")
    link = lab_page.locator(".jp-MarkdownOutput a", has_text="The chart")
    link.click()
    dialog = lab_page.get_by_role("dialog")
    expect(dialog).to_contain_text("gets your login to Jupyter")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    lab_page.evaluate(f"fetch('http://127.0.0.1:{port}/end', {{mode: 'no-cors'}})")
    assert asked == ["/end"]
    link.click(button="middle")
    dialog.get_by_role("button", name="Open").click()
    until_asked(lab_page, asked, ["/end", "/link"])
    # A person who says yes is not asked again for that port.
    link.click()
    until_asked(lab_page, asked, ["/end", "/link", "/link"])


def until_asked(page: Page, asked: list[str], expected: list[str]) -> None:
    """Return when this was asked for, besides what browsers ask for by themselves."""
    deadline = time.monotonic() + 30
    while [path for path in asked if path != "/favicon.ico"] != expected:
        assert time.monotonic() < deadline, asked
        page.wait_for_timeout(50)
