"""Tests that no agent moves a person's caret, focus, selection or scroll, or undoes their undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from lab_page import open_lab
from panel import outputs, prompt, run_by_hand
from place import CURSOR, DRAWN, FRAMES, NEXT_STEP, TOP, WHERE, Person, write_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_server import LabServer

    Sit = Callable[..., Person]

OTHER = "lab/workspaces/other?reset"
"""A tab of its own: JupyterLab would otherwise go there by itself, some time after it is ready."""


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def sit(lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent) -> Sit:
    """Return what lets a person open a new notebook with these cells."""

    def sit_down(path: str, *sources: str) -> Person:
        ids = write_cells(lab_server.root, path, *sources)
        person = Person(lab_page, connect_agent(), path, ids)
        person.open()
        return person

    return sit_down


def test_the_cell_with_the_caret_stays_in_place(sit: Sit) -> None:
    person = sit("caret.ipynb", "a = 1", "b = 2", "c = 3")
    one, two, three = person.ids
    person.clicks_into(two)
    for tool, arguments in (
        ("delete_cell", {"cells": [one, two]}),
        ("move_cell", {"cells": two, "index": 0}),
        ("overwrite_cell_source", {"cell": two, "source": "b = 2", "type": "markdown"}),
    ):
        person.refused(CURSOR, tool, **arguments)
    assert f"The user is editing now: cell 2 (id {two})" in person.agent.say("get_context")
    person.page.keyboard.type("0")
    person.has(two, "b = 20")
    # In command mode there is no caret.
    person.page.keyboard.press("Escape")
    person.told(two, "b = 20")
    person.lets("move_cell", cells=two, index=0)
    person.sees([two, one, three])


def test_an_undo_does_not_remove_the_cell_with_the_caret(sit: Sit) -> None:
    person = sit("caret-undo.ipynb", "a = 1", "b = 2")
    one, two = person.ids
    person.lets("move_cell", cells=two, index=0)
    person.sees([two, one])
    person.clicks_into(two)
    person.refused(CURSOR, "undo_changes")
    person.clicks_into(one)
    person.lets("undo_changes")
    person.sees([one, two])
    assert person.where()["active"] == one
    person.page.keyboard.type("1")
    person.has(one, "a = 11")


def test_the_caret_in_another_tab_counts_as_well(
    sit: Sit, lab_page: Page, lab_server: LabServer
) -> None:
    person = sit("caret-tabs.ipynb", "a = 1", "b = 2")
    page = lab_page.context.new_page()
    open_lab(page, lab_server, OTHER)
    other = Person(page, person.agent, person.notebook, person.ids)
    other.open()
    other.clicks_into(person.ids[1])
    person.refused(CURSOR, "delete_cell", cells=person.ids[1])
    # Whoever closes the page leaves, once the browser has closed it and the server has heard that.
    page.close(run_before_unload=True)
    person.lets_once_left("delete_cell", cells=person.ids[1])
    person.sees(person.ids[:1])


def test_a_person_keeps_typing_while_cells_around_are_moved(sit: Sit) -> None:
    person = sit("around.ipynb", "a = 1", "# Title", "b = 2", "c = 3", "# End", "d = 4")
    one, title, two, three, end, four = person.ids
    person.clicks_into(two)
    typed = "b = 2"
    for number, (tool, arguments) in enumerate(
        (
            ("insert_cell", {"source": "new", "index": 0}),
            ("move_cell", {"cells": one, "index": -1}),
            ("move_cell", {"cells": end, "before": two}),
            ("delete_cell", {"cells": title}),
            ("delete_cell", {"cells": three}),
            ("move_cell", {"cells": [four, end], "before": two}),
            ("overwrite_cell_source", {"cell": four, "source": "x", "type": "markdown"}),
            ("undo_changes", {}),
        )
    ):
        person.page.keyboard.type(f" + {number}")
        person.lets(tool, **arguments)
        typed += f" + {number}"
        person.page.keyboard.type(" + n")
        typed += " + n"
        person.has(two, typed)
        where = person.where()
        assert (where["active"], where["mode"], where["typing"]) == (two, "edit", True)
        assert where["offset"] == len(typed)


def test_command_mode_keeps_active_cell_selection_and_focus(sit: Sit) -> None:
    person = sit("command.ipynb", *(f"x{n} = {n}" for n in range(6)))
    ids = person.ids
    person.selects(ids[2], 2)
    assert person.where()["selected"] == [ids[2], ids[3]]
    for tool, arguments in (
        ("insert_cell", {"source": "new", "index": 0}),
        ("move_cell", {"cells": ids[0], "index": -1}),
        ("move_cell", {"cells": ids[3], "index": -1}),
        ("move_cell", {"cells": ids[2], "index": 0}),
        ("delete_cell", {"cells": ids[4]}),
        ("undo_changes", {}),
    ):
        person.lets(tool, **arguments)
        person.sees_all()
        person.page.wait_for_function(f"() => ({WHERE})().focused")
        where = person.where()
        assert (where["active"], where["mode"]) == (ids[3], "command"), tool
        assert set(where["selected"]) == {ids[2], ids[3]}, tool
    # The keyboard's commands still come to the notebook.
    person.page.keyboard.press("m")
    person.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.type === 'markdown'"
    )


def test_deleting_the_active_cell_in_command_mode_leaves_the_keyboard_alive(sit: Sit) -> None:
    person = sit("command-delete.ipynb", "a = 1", "b = 2", "c = 3")
    one, two, three = person.ids
    person.selects(two, 1)
    person.lets("delete_cell", cells=two)
    person.sees([one, three])
    where = person.where()
    assert (where["active"], where["mode"], where["focused"]) == (three, "command", True)
    person.page.keyboard.press("ArrowUp")
    assert person.where()["active"] == one


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "scrolled-away"])
@pytest.mark.parametrize("edit", [True, False], ids=["edit", "command"])
def test_what_the_person_looks_at_does_not_scroll(sit: Sit, edit: bool, seen: bool) -> None:
    person = sit(
        f"scroll-{edit}-{seen}.ipynb",
        *("\n".join(f"x{n}_{m} = 1" for m in range(8)) for n in range(40)),
    )
    ids = person.ids
    watched = ids[20]
    person.page.wait_for_function(DRAWN)
    if seen:
        person.scrolls_to(watched)
    person.clicks_into(watched if seen else ids[0])
    if not edit:
        person.page.keyboard.press("Escape")
    before = person.scrolls_to(watched)
    for tool, arguments in (
        ("insert_cell", {"source": "new\n" * 30, "index": 0}),
        ("move_cell", {"cells": ids[2], "index": -1}),
        ("move_cell", {"cells": ids[39], "index": 0}),
        ("delete_cell", {"cells": [ids[5], ids[6], ids[7]]}),
        ("undo_changes", {}),
    ):
        person.lets(tool, **arguments)
        person.sees_all()
        # Nor when all that is drawn later has its height.
        person.page.wait_for_function(DRAWN)
        person.page.evaluate(FRAMES, 5)
        after = person.page.evaluate(TOP, watched)
        assert abs(after - before) <= 1, tool


def test_keys_for_a_cell_deleted_by_another_person_reach_no_other_cell(
    sit: Sit, lab_page: Page, lab_server: LabServer
) -> None:
    person = sit("gone.ipynb", "a = 1", "b = 2", "c = 3")
    one, two, three = person.ids
    page = lab_page.context.new_page()
    open_lab(page, lab_server, OTHER)
    other = Person(page, person.agent, person.notebook, person.ids)
    other.open()
    person.page.bring_to_front()
    person.clicks_into(two)
    person.page.keyboard.type("xx")
    other.has(two, "b = 2xx")
    # A person may delete the cell, as people may with each other.
    other.selects(two, 1, alone=False)
    page.keyboard.press("d")
    page.keyboard.press("d")
    person.sees([one, three])
    person.page.keyboard.type("ddxx")
    assert (person.text(one), person.text(three)) == ("a = 1", "c = 3")
    person.sees([one, three])
    person.clicks_into(three)
    person.page.keyboard.type("1")
    person.has(three, "c = 31")


def test_a_moved_cell_keeps_its_undo_history_in_every_tab(
    sit: Sit, lab_page: Page, lab_server: LabServer
) -> None:
    person = sit("history.ipynb", "a = 1", "b = 2", "c = 3")
    one, two, three = person.ids
    page = lab_page.context.new_page()
    open_lab(page, lab_server, OTHER)
    other = Person(page, person.agent, person.notebook, person.ids)
    other.open()
    other.clicks_into(two)
    page.keyboard.type("9")
    other.has(two, "b = 29")
    page.keyboard.press("Escape")
    person.page.bring_to_front()
    person.has(two, "b = 29")
    person.clicks_into(two)
    person.page.keyboard.type(" + 1")
    person.page.evaluate(NEXT_STEP)
    person.page.keyboard.type(" + 2")
    person.has(two, "b = 29 + 1 + 2")
    person.page.keyboard.press("Escape")
    person.told(two, "b = 29 + 1 + 2")
    person.lets("move_cell", cells=two, index=0)
    person.lets("move_cell", cells=two, index=-1)
    person.lets("overwrite_cell_source", cell=two, source="b = 29 + 1 + 2\nlast", type="raw")
    person.sees([one, three, two])
    person.clicks_into(two)
    for text in ("b = 29 + 1\nlast", "b = 29\nlast", "b = 29\nlast"):
        person.page.keyboard.press("Control+z")
        person.has(two, text)
    for text in ("b = 29 + 1\nlast", "b = 29 + 1 + 2\nlast", "b = 29 + 1 + 2\nlast"):
        person.page.keyboard.press("Control+Shift+z")
        person.has(two, text)
    # The other person takes back their own, and nothing else.
    person.page.keyboard.press("Escape")
    page.bring_to_front()
    other.clicks_into(two)
    page.keyboard.press("Control+z")
    other.has(two, "b = 2 + 1 + 2\nlast")


def test_a_cell_that_the_page_runs_keeps_its_outputs_and_its_star(
    sit: Sit, lab_server: LabServer
) -> None:
    go = lab_server.root / "go-place"
    wait = "from pathlib import Path\nimport time\nprint('begin', flush=True)\n"
    wait += "while not Path('go-place').exists():\n    time.sleep(0.02)\nprint('end')"
    person = sit("runs.ipynb", "a = 1", wait, "c = 3")
    one, two, three = person.ids
    person.lets("read_cells")
    person.lets("move_cell", cells=three, index=0)
    run_by_hand(person.page, 3)
    expect(outputs(person.page, 3)).to_have_text("begin\n")
    for tool, arguments in (
        ("delete_cell", {"cells": two}),
        ("move_cell", {"cells": two, "index": 0}),
        ("overwrite_cell_source", {"cell": two, "source": wait, "type": "markdown"}),
        ("clear_outputs", {"cells": two}),
    ):
        person.refused("The user is running cell 3", tool, **arguments)
    # What others do around it is no problem.
    person.lets("move_cell", cells=one, index=0)
    person.lets("undo_changes")
    expect(prompt(person.page, 3)).to_have_text("[*]:")
    go.touch()
    expect(outputs(person.page, 3)).to_have_text("begin\nend\n")
    expect(prompt(person.page, 3)).to_have_text("[1]:")
    person.lets("move_cell", cells=two, index=0)
    person.sees_all()
    expect(outputs(person.page, 1)).to_have_text("begin\nend\n")
