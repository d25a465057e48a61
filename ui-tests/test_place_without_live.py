"""Tests agents that arrange the cells of a person's notebook while live documents are off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from kept_page import KeptPage
from lab_server import LabServer
from panel import connected, outputs, prompt, run_by_hand
from place import IDS, Person, write_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from profiles import Profiles

WAITING = """import pathlib, time
print("before", flush=True)
for _ in range(3000):
    if pathlib.Path("go").exists():
        break
    time.sleep(0.01)
print("after")"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Yield a server without live documents."""
    arguments = ["--YDocExtension.disable_rtc=True"]
    with LabServer(tmp_path_factory.mktemp("off"), arguments=arguments) as server:
        yield server


@pytest.fixture(scope="module")
def page_of_module(profiles: Profiles, server: LabServer) -> Iterator[KeptPage]:
    """Yield what keeps one page of it."""
    kept = KeptPage(profiles, server)
    yield kept
    kept.close()


@pytest.fixture
def person(kept_page: Page, server: LabServer, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Yield somebody who has a notebook of six cells open; the first one waits for a file."""
    notebook = f"{request.node.name}.ipynb"
    ids = write_cells(server.root, notebook, WAITING, *"bcdef")
    with connected(kept_page, server, "Robot", "edit") as agent:
        agent.say("use_notebook", notebook=notebook)
        person = Person(kept_page, agent, notebook, ids)
        person.open()
        yield person


def test_the_cell_that_a_person_edits_keeps_the_caret(person: Person) -> None:
    cell = person.ids[3]
    person.clicks_into(cell)
    person.page.keyboard.type("1")
    person.refused("The user's cursor is in cell 4", "move_cell", cells=cell, index=0)
    # That the text is new to the agent is a reason as well.
    person.refused("The user", "delete_cell", cells=cell)
    person.refused(
        "The user's cursor is in cell 4",
        "overwrite_cell_source",
        cell=cell,
        source="# x",
        type="markdown",
    )
    person.lets("move_cell", cells=person.ids[4], before=cell)
    person.lets("move_cell", cells=person.ids[1], after=cell)
    person.sees([person.ids[n] for n in (0, 2, 4, 3, 1, 5)])
    person.page.keyboard.type("2")
    person.has(cell, "d12")


def test_a_run_keeps_its_outputs_when_an_agent_arranges_cells(
    person: Person, server: LabServer
) -> None:
    first, second, *_ = person.ids
    page = person.page
    run_by_hand(page, 1)
    expect(outputs(page, 1)).to_have_text("before\n")
    person.refused("The user is running cell 1", "move_cell", cells=first, index=3)
    person.refused("The user is running cell 1", "delete_cell", cells=first)
    person.lets("move_cell", cells=second, index=0)
    person.sees([second, first, *person.ids[2:]])
    (server.root / "go").touch()
    expect(outputs(page, 2)).to_have_text("before\nafter\n")
    expect(prompt(page, 2)).to_have_text("[1]:")
    # Then it may be moved.
    person.lets("move_cell", cells=first, index=0)
    person.sees(person.ids)
    expect(outputs(page, 1)).to_have_text("before\nafter\n")


def test_selection_and_focus_stay_when_an_agent_moves_and_deletes_selected_cells(
    person: Person,
) -> None:
    _, second, third, fourth, *_ = person.ids
    person.selects(second, 3)
    person.lets("move_cell", cells=third, index=0)
    person.sees([third, *(each for each in person.ids if each != third)])
    where = person.where()
    assert where["focused"]
    assert where["active"] == fourth
    assert set(where["selected"]) == {second, third, fourth}
    person.lets("delete_cell", cells=fourth)
    person.page.wait_for_function(f"id => !({IDS})().includes(id)", arg=fourth)
    where = person.where()
    assert where["focused"]
    assert where["mode"] == "command"
    assert set(where["selected"]) == {second, third}
