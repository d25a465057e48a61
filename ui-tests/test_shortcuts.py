"""Tests that our shortcuts work wherever the focus is, and override none of JupyterLab's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from panel import card, cell_text, editor, shortcut, sidebar_tab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def test_a_shortcut_reaches_a_request_from_within_a_cell_without_changing_it(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "from-cell.ipynb", "print('kept')")
    run = notebook.ask()
    expect(sidebar_tab(lab_page)).to_have_attribute("data-jmcp-pending", "1")
    editor(lab_page, 1).click()
    lab_page.keyboard.press(shortcut("show-request"))
    expect(card(lab_page, notebook.title)).to_be_focused()
    assert cell_text(lab_page, 1) == "print('kept')"
    run.cancel()


def test_the_shortcut_of_the_panel_moves_the_focus_into_it(lab_page: Page) -> None:
    lab_page.keyboard.press(shortcut("show-panel"))
    panel = lab_page.get_by_role("region", name="Agents", exact=True)
    expect(panel).to_be_visible()
    lab_page.wait_for_function(
        "() => document.querySelector('.jp-jmcp-Panel').contains(document.activeElement)"
    )


def test_no_shortcut_of_ours_conflicts_with_jupyterlab(lab_page: Page) -> None:
    taken = lab_page.evaluate(
        """() => {
          const all = window.jupyterapp.commands.keyBindings.map(each => ({
            command: each.command, keys: each.keys.join(' ')
          }));
          const ours = all.filter(each => each.command.startsWith('jmcp-lab:'));
          const others = all.filter(each => !each.command.startsWith('jmcp-lab:'));
          return {
            ours: ours.length,
            taken: others.filter(each => ours.some(our => our.keys === each.keys))
          };
        }"""
    )
    assert taken == {"ours": 3, "taken": []}
