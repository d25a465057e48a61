"""Tests that nothing hidden can be allowed, and that long requests do not slow the page down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from long_tasks import long_tasks, watch_long_tasks
from panel import decide, open_panel, press, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from conftest import ConnectAgent
    from panel import Notebook

TITLE = "Run code in the kernel of long.ipynb"
END = "print('the end of it')"
HANGS_MS = 3000
"""Far above what is measured, far below what a person would call frozen."""


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def notebook(lab_page: Page, connect_agent: ConnectAgent) -> Notebook:
    """Return a notebook in which an agent may ask for runs."""
    opened = write_notebook(lab_page, connect_agent(), "long.ipynb", "1")
    open_panel(lab_page)
    return opened


def in_sight(request: Locator, words: str) -> bool:
    """Whether words of a card lie within every box around them, as far as the card goes."""
    found: bool = request.evaluate(
        """(card, words) => {
          const range = document.createRange();
          const walk = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
          for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            const at = node.data.indexOf(words);
            if (at < 0) continue;
            range.setStart(node, at);
            range.setEnd(node, at + words.length);
            const text = range.getBoundingClientRect();
            for (let box = node.parentElement; box !== card; box = box.parentElement) {
              const clips = getComputedStyle(box).overflowY !== 'visible';
              const rect = box.getBoundingClientRect();
              if (clips && (text.bottom > rect.bottom + 1 || text.top < rect.top - 1)) return false;
            }
            return text.height > 0;
          }
          return false;
        }""",
        words,
    )
    return found


LONG = {
    "45 lines of comments": "# nothing\n" * 45 + END,
    "39 lines, more than the box shows": "# nothing\n" * 38 + END,
    "one long line": "x = '" + "a" * 9000 + "'; " + END,
    "blank lines with a dot between": ("\n" * 4 + "#") * 30 + "\n" + END,
}


@pytest.mark.parametrize("code", LONG.values(), ids=LONG.keys())
def test_what_was_not_shown_cannot_be_allowed(notebook: Notebook, code: str) -> None:
    run = notebook.agent.start("execute_ipython", code=code)
    request = notebook.page.get_by_role("article")
    opener = request.get_by_role("button", name="Show all ").last
    expect(opener).to_be_visible()
    for name in ("Allow", "Allow for 30 minutes"):
        expect(request.get_by_role("button", name=name, exact=True)).to_have_count(0)
    assert not in_sight(request, "the end of it")
    # The second click of a double click, or a second Enter, is no answer.
    opener.focus()
    notebook.page.keyboard.press("Enter")
    notebook.page.keyboard.press("Enter")
    allow = request.get_by_role("button", name="Allow", exact=True)
    expect(allow).not_to_have_attribute("aria-disabled", "true")
    assert not run.done()
    assert in_sight(request, "the end of it")
    decide(request, "Allow")
    assert "the end of it" in text_of(run.result(60))


FOLDED = {
    "500 blank lines": "\n" * 500 + END,
    "500 lines of blanks": "x = 1\n" + " \t \u3000\n" * 500 + END,
    "far right": "x = 1;" + " " * 3000 + END,
}


@pytest.mark.parametrize("code", FOLDED.values(), ids=FOLDED.keys())
def test_text_after_blank_space_is_visible_at_once(notebook: Notebook, code: str) -> None:
    run = notebook.agent.start("execute_ipython", code=code)
    request = notebook.page.get_by_role("article")
    expect(request.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    assert in_sight(request, "the end of it")
    decide(request, "Deny")
    assert run.result(60).is_error


HEAVY = {
    "one line": "x = '" + "a" * 390_000 + "'",
    "many lines": "x = 1\n" * 9_900,
    "many words in few lines": ("f(a, 'b') + [c] * " * 700 + "1\n") * 30,
    "unseen characters": "# " + "\u202e\u200b" * 190_000,
    "marks upon marks": "# e" + "\u0301" * 390_000,
    "right to left": "# " + "\u05d0\u05d1 1 " * 60_000,
}


@pytest.mark.parametrize("code", HEAVY.values(), ids=HEAVY.keys())
def test_the_page_answers_while_the_longest_request_is_shown(notebook: Notebook, code: str) -> None:
    page = notebook.page
    watch_long_tasks(page)
    run = notebook.agent.start("execute_ipython", code=code)
    request = page.get_by_role("article")
    opener = request.get_by_role("button", name="Show all ").last
    expect(opener).to_be_visible()
    first = long_tasks(page)
    opener.click()
    expect(request.get_by_role("button", name="Allow", exact=True)).not_to_have_attribute(
        "aria-disabled", "true"
    )
    whole = long_tasks(page)
    request.evaluate("card => { card.closest('.jp-jmcp-Body').scrollTop = 1e9; }")
    scrolled = long_tasks(page)
    print(f"\nlong tasks in ms: card {first}, all of it {whole}, to its end {scrolled}")
    assert max([0, *first, *whole, *scrolled]) < HANGS_MS
    decide(request, "Deny")
    assert run.result(60).is_error


def test_a_request_too_long_for_a_card_is_refused_before_a_card_appears(notebook: Notebook) -> None:
    said = notebook.agent.call("execute_ipython", code=" " * 3_500_000 + END)
    assert said.is_error
    assert "too long for the user to check" in text_of(said)
    expect(notebook.page.get_by_role("article")).to_have_count(0)


CHANGES = {
    "one long line": ("x = '" + "a" * 150_000 + "'", "x = '" + "a" * 150_001 + "'"),
    "all lines": ("a = 1\n" * 4_000, "b = 2\n" * 4_000),
    "lines in another order": (
        "\n".join(f"x{n} = {n}" for n in range(3_000)),
        "\n".join(f"x{n} = {n}" for n in reversed(range(3_000))),
    ),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES.keys())
def test_the_page_answers_while_the_longest_change_is_shown(
    lab_page: Page, connect_agent: ConnectAgent, old: str, new: str
) -> None:
    agent = connect_agent("Writer", "ask")
    free = connect_agent("Other")
    free.say("use_notebook", notebook="change.ipynb", create=True)
    said = free.say("insert_cell", source=old, index=0)
    cell = said.split("id ")[1].split()[0].strip("().,")
    open_panel(lab_page)
    watch_long_tasks(lab_page)
    agent.say("use_notebook", notebook="change.ipynb")
    agent.call("read_cell", cell=cell)
    change = agent.start("overwrite_cell_source", cell=cell, source=new)
    request = lab_page.get_by_role("article")
    opener = request.get_by_role("button", name="Show all ").last
    expect(opener).to_be_visible()
    first = long_tasks(lab_page)
    opener.click()
    expect(request.get_by_role("button", name="Allow", exact=True)).not_to_have_attribute(
        "aria-disabled", "true"
    )
    whole = long_tasks(lab_page)
    print(f"\nlong tasks in ms: card {first}, all of it {whole}")
    assert max([0, *first, *whole]) < HANGS_MS
    press(request, "Deny")
    assert change.result(60).is_error
