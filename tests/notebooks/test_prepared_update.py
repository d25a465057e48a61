"""What is worked out in a copy of the document comes to the same as in the document itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Text

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks import prepared_update as ahead_module
from jmcp_lab.notebooks.changes import Change, ChangeSet, Deleted, Inserted, Moved
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.merges import Merges
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.notebooks.prepared_update import Ahead
from jmcp_lab.notebooks.undo import look_ahead, revert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

ORIGIN = "jmcp:agent"
NAMES = [f"c{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work out ahead also what is soon done: notebooks are small here."""
    monkeypatch.setattr(ahead_module, "FEW_STEPS", 0)
    monkeypatch.setattr(ahead_module, "SLICE", 3)


def content(number: int) -> dict[str, Any]:
    """Return cells of which the file says more than the document can."""
    printed = {"output_type": "stream", "name": "stdout", "text": f"{number}\n"}
    shown = {"output_type": "display_data", "metadata": {}, "data": {"a/b": [1, 2.0, 2**60]}}
    code = {"outputs": [printed, shown], "execution_count": number}
    kind = ("code", "markdown", "raw")[number % 3]
    return {
        "cell_type": kind,
        "id": NAMES[number],
        "metadata": {"n": 1.0, "deep": {"é": [number, 1e400]}},
        "source": f"é😀 {number}\n",
        **(code if kind == "code" else {}),
    }


def opened() -> LiveNotebook:
    document = NotebookDocument()
    made = [content(number) for number in range(len(NAMES))]
    document.set({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})
    return LiveNotebook(document, lambda: "a.ipynb", "file")


def made(*changes: Change) -> ChangeSet:
    return ChangeSet("c_1", "agent", "file", list(changes))


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def deleted(notebook: LiveNotebook, ids: list[str], ahead: Ahead | None) -> list[Change]:
    if ahead is not None:
        await ahead.read(ids)
        await ahead.arrange(cells.without(notebook, ids), {}, len(ids))
    found = cells.wholes(notebook, ids) if ahead is None else ahead.wholes(ids)
    places = cells.places(notebook, ids)
    changes = [Deleted(i, whole, *at) for i, whole, at in zip(ids, found, places, strict=True)]
    cells.delete(notebook, ids, ORIGIN, ahead)
    return list(changes)


async def moved(
    notebook: LiveNotebook,
    ids: list[str],
    index: int,
    ahead: Ahead | None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Change]:
    if ahead is not None:
        await ahead.read(ids)
        _, wanted = cells.moved(notebook, ids, index)
        await ahead.arrange(wanted, dict(zip(ids, ahead.wholes(ids), strict=True)))
    meanwhile()
    places = cells.places(notebook, ids)
    cells.move(notebook, ids, index, ORIGIN, ahead)
    return [Moved(cell_id, *at) for cell_id, at in zip(ids, places, strict=True)]


async def taken_back(
    notebook: LiveNotebook, changes: list[Change], ahead: Ahead | None
) -> list[Change]:
    if ahead is not None:
        await look_ahead(notebook, made(*changes), Merges(), ahead)
    return revert(notebook, made(*changes), ORIGIN, None, ahead)


def counted(notebook: LiveNotebook) -> list[int]:
    """Return what counts the updates that are put into the document as a whole."""
    found: list[int] = []
    apply = notebook.ydoc.apply_update

    def applied(update: bytes) -> None:
        found.append(len(update))
        apply(update)

    notebook.ydoc.apply_update = applied  # type: ignore[method-assign]
    return found


Step = tuple[str, list[str], int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "move", "undo", "redo"]),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=9, unique=True),
        st.integers(0, len(NAMES)),
    ),
    max_size=6,
)


async def played(notebook: LiveNotebook, steps: list[Step], *, looks: bool) -> list[object]:
    """Play steps; return all that can be told of each."""
    told: list[object] = []
    latest: list[Change] = []
    for kind, named, index in steps:
        ids = [cell_id for cell_id in named if notebook.index(cell_id) is not None]
        with Ahead(notebook) as entered:
            ahead = entered if looks else None
            if kind in ("undo", "redo"):
                latest = await taken_back(notebook, latest, ahead)
            elif ids and kind == "delete":
                latest = await deleted(notebook, ids, ahead)
            elif ids:
                latest = await moved(notebook, ids, min(index, len(notebook.ids)), ahead)
        changes = [(type(change).__name__, asdict(change)) for change in latest]
        told += [list(notebook.ids), changes, notebook.document.get()]
    return told


def written(told: list[object]) -> str:
    """Return what was told as a file has it: the order of keys is by chance in a document."""
    return json.dumps(told, sort_keys=True)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(steps=STEPS)
def test_a_change_has_the_same_result_when_it_was_prepared_ahead(steps: list[Step]) -> None:
    direct, ahead = opened(), opened()
    page: Doc[Any] = Doc()
    page.apply_update(ahead.ydoc.get_update())
    subscription = ahead.ydoc.observe(lambda event: page.apply_update(event.update))

    async def both() -> None:
        said = written(await played(ahead, steps, looks=True))
        assert said == written(await played(direct, steps, looks=False))

    run(both())
    ahead.ydoc.unobserve(subscription)
    shared = page.get("cells", type=Array)
    assert [str(cell["id"]) for cell in shared] == ahead.ids
    assert page.get_state() == ahead.ydoc.get_state()


async def _move(notebook: LiveNotebook, meanwhile: Callable[[], None]) -> list[int]:
    updates = counted(notebook)
    with Ahead(notebook) as ahead:
        await moved(notebook, NAMES[6:], 0, ahead, meanwhile)
    assert notebook.ids == [*NAMES[6:], *NAMES[:6]]
    return updates


def test_many_cells_move_in_one_step_of_the_document() -> None:
    notebook = opened()

    async def work() -> None:
        updates = await _move(notebook, lambda: None)
        assert len(updates) == 1

    run(work())


def test_text_typed_into_a_cell_about_to_move_moves_with_it() -> None:
    notebook = opened()

    def types() -> None:
        text: Text = cells.shared(notebook, NAMES[7])["source"]
        text.insert(0, "typed ")

    async def work() -> None:
        assert await _move(notebook, types) == []

    run(work())
    assert notebook.source(NAMES[7]) == "typed é😀 7\n"


def test_outputs_of_a_cell_about_to_move_move_with_it() -> None:
    notebook = opened()
    more = {"output_type": "stream", "name": "stdout", "text": "more\n"}

    def prints() -> None:
        cells.shared(notebook, NAMES[9])["outputs"].append(cells.shared_output(more))

    async def work() -> None:
        assert await _move(notebook, prints) == []

    run(work())
    assert cells.whole(notebook, NAMES[9])["outputs"][-1] == more


def test_tags_and_attachments_move_with_the_cell() -> None:
    notebook = opened()

    def tags() -> None:
        cells.shared(notebook, NAMES[8])["metadata"]["tags"] = ["mine"]

    run(_check(notebook, tags, [], lambda: cells.whole(notebook, NAMES[8])["metadata"]["tags"]))


async def _check(
    notebook: LiveNotebook, does: Callable[[], None], updates: list[int], look: Callable[[], object]
) -> None:
    assert await _move(notebook, does) == updates
    assert look() == ["mine"]


def test_text_typed_into_another_cell_in_the_meantime_stays() -> None:
    notebook = opened()

    def types() -> None:
        text: Text = cells.shared(notebook, NAMES[1])["source"]
        text.insert(0, "typed ")

    async def work() -> None:
        assert len(await _move(notebook, types)) == 1

    run(work())
    assert notebook.source(NAMES[1]) == "typed é😀 1\n"


def test_cells_inserted_in_the_meantime_stay_in_place() -> None:
    notebook = opened()

    async def work() -> None:
        updates = counted(notebook)
        with Ahead(notebook) as ahead:
            await moved(
                notebook,
                NAMES[6:],
                0,
                ahead,
                lambda: cells.insert(notebook, 1, [cells.NewCell("new", id="new")], "page"),
            )
        assert updates == []

    run(work())
    assert notebook.ids == [*NAMES[6:], NAMES[0], "new", *NAMES[1:6]]


def test_text_typed_while_an_undo_is_computed_is_kept() -> None:
    notebook = opened()

    async def work() -> None:
        with Ahead(notebook) as ahead:
            changes = await moved(notebook, NAMES[6:], 0, ahead)
        with Ahead(notebook) as ahead:
            await look_ahead(notebook, made(*changes), Merges(), ahead)
            text: Text = cells.shared(notebook, NAMES[10])["source"]
            text.insert(0, "typed ")
            revert(notebook, made(*changes), ORIGIN, None, ahead)

    run(work())
    assert notebook.ids == NAMES
    assert notebook.source(NAMES[10]) == "typed é😀 10\n"


def test_a_cell_edited_by_a_person_in_the_meantime_is_not_undone_with_the_others() -> None:
    notebook = opened()
    new = [cells.NewCell(f"new {n}\n", id=f"n{n}") for n in range(8)]

    async def work() -> None:
        cells.insert(notebook, 3, new, ORIGIN)
        changes = [Inserted(cell.id, cells.whole(notebook, cell.id)) for cell in new]
        with Ahead(notebook) as ahead:
            await look_ahead(notebook, made(*changes), Merges(), ahead)
            text: Text = cells.shared(notebook, "n5")["source"]
            text.insert(len(text), "\nmine")
            revert(notebook, made(*changes), ORIGIN, None, ahead)

    run(work())
    assert notebook.ids == [*NAMES[:3], "n5", *NAMES[3:]]
    assert "mine" in str(notebook.source("n5"))


def test_the_event_loop_runs_while_cells_are_arranged(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if reading a cell took that long.
    monkeypatch.setattr("jmcp_lab.server.pace.TURN_SECONDS", 1e-9)
    notebook = opened()

    async def work() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        with Ahead(notebook) as ahead:
            await _turned(lambda: ahead.read(NAMES[:9]))
            await _turned(lambda: ahead.arrange(NAMES[3:], {}, 3))
        task.cancel()
        assert turns > 4

    async def _turned(step: Callable[[], Awaitable[None]]) -> None:
        await step()

    run(work())
