"""What many cells cost grows with their number, and is what it would be one by one."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks import output_slices as slices
from jmcp_lab.notebooks.cell_ids import CellIds
from jmcp_lab.notebooks.cell_order import CellOrder
from jmcp_lab.notebooks.changes import Change, ChangeSet, Cleared, Deleted, Inserted, Moved
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.notebooks.ordered_names import Order
from jmcp_lab.notebooks.undo import revert

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "jmcp:agent"
FEW, MANY = 500, 2000
MOST_RATIO = 8.0
"""Four times as many cells take four times as long; where it grows with the square, 16 times."""


def content(name: str, outputs: int = 1) -> dict[str, Any]:
    printed = {"output_type": "stream", "name": "stdout", "text": f"{name}\n"}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "execution_count": 3,
        "source": f"print({name!r})",
        "outputs": [printed] * outputs,
    }


def opened(names: list[str]) -> LiveNotebook:
    document = NotebookDocument()
    notebook = LiveNotebook(document, lambda: "a.ipynb", "file")
    made = [content(name) for name in names]
    document.set({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})
    return notebook


def of_size(size: int) -> LiveNotebook:
    # Ids as JupyterLab makes them are as long, and their starts differ.
    return opened([f"c{number:07x}-4b1c-4f0e-9a55-2f1d0f3f7b1e" for number in range(size)])


def made(*changes: Change) -> ChangeSet:
    return ChangeSet("c_1", "agent", "file", list(changes))


async def cleared(notebook: LiveNotebook) -> list[Change]:
    found: list[Change] = []
    async for part in slices.clear(notebook, list(notebook.ids), ORIGIN, lambda _: False):
        found += part
    return found


def clear_and_take_back(notebook: LiveNotebook) -> None:
    async def work() -> None:
        changes = await cleared(notebook)
        await slices.take_back(notebook, made(*changes), ORIGIN, [])

    asyncio.run(work())


def delete_and_take_back(notebook: LiveNotebook) -> None:
    ids = notebook.ids[::5]
    found = zip(ids, cells.wholes(notebook, ids), cells.places(notebook, ids), strict=True)
    changes = [Deleted(cell_id, whole, *place) for cell_id, whole, place in found]
    cells.delete(notebook, ids, ORIGIN)
    revert(notebook, made(*changes), ORIGIN)


def move_and_take_back(notebook: LiveNotebook) -> None:
    ids = notebook.ids[::5]
    changes = [Moved(i, *place) for i, place in zip(ids, cells.places(notebook, ids), strict=True)]
    cells.move(notebook, ids, 0, ORIGIN)
    revert(notebook, made(*changes), ORIGIN)


def look_at_each(notebook: LiveNotebook) -> None:
    for cell_id in notebook.ids:
        cells.view_by_id(notebook, cells.find(notebook, cell_id[:8]))
        cells.may_fail(notebook, cell_id)


def save(notebook: LiveNotebook) -> None:
    notebook.document.get()


OPERATIONS = [clear_and_take_back, delete_and_take_back, move_and_take_back, look_at_each, save]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_four_times_as_many_cells_take_about_four_times_as_long(
    operation: Callable[[LiveNotebook], None],
) -> None:
    def seconds(size: int) -> float:
        notebook = of_size(size)
        start = time.thread_time()
        operation(notebook)
        return time.thread_time() - start

    seconds(50)
    # Where something else took the time once, it does not do so three times.
    assert min(seconds(MANY) / min(seconds(FEW), seconds(FEW)) for _ in range(3)) < MOST_RATIO


@pytest.mark.parametrize("operation", [clear_and_take_back, look_at_each, save])
def test_no_cell_lookup_scans_the_whole_notebook(
    operation: Callable[[LiveNotebook], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = of_size(300)
    walks = 0
    get = Array.__getitem__

    def counted(self: Array[Any], key: Any) -> Any:  # noqa: ANN401
        nonlocal walks
        walks += len(self) == 300
        return get(self, key)

    monkeypatch.setattr(Array, "__getitem__", counted)
    operation(notebook)
    assert walks == 0


def test_the_outputs_of_all_cells_are_cleared_and_restored() -> None:
    notebook = of_size(450)
    before = notebook.document.get()

    async def work() -> None:
        changes = await cleared(notebook)
        assert len(changes) == 450
        assert not any(cell["outputs"] for cell in notebook.document.get()["cells"])
        redo: list[Change] = []
        await slices.take_back(notebook, made(*changes), ORIGIN, redo)
        assert notebook.document.get() == before
        again: list[Change] = []
        await slices.take_back(notebook, made(*redo), ORIGIN, again)
        assert {type(change) for change in again} == {Cleared}
        assert not any(cell["outputs"] for cell in notebook.document.get()["cells"])

    asyncio.run(work())


def test_changes_by_others_between_two_slices_stay() -> None:
    notebook = of_size(450)
    ids = list(notebook.ids)
    printed = {"output_type": "stream", "name": "stdout", "text": "of a person\n"}

    async def work() -> None:
        changes: list[Change] = []
        ran: set[str] = set()
        async for part in slices.clear(notebook, ids, ORIGIN, ran.__contains__):
            changes += part
            if not ran:
                cells.delete(notebook, [ids[201]], "page")
                cells.move(notebook, [ids[202]], 0, "page")
                ran.add(ids[203])
        assert {change.cell_id for change in changes} == {*ids} - {ids[201], ids[203]}
        assert cells.whole(notebook, ids[203])["outputs"]
        cells.set_outputs(notebook, ids[300], [printed], 9, "page")
        await slices.take_back(notebook, made(*changes), ORIGIN, [])

    asyncio.run(work())
    assert notebook.ids[0] == ids[202]
    assert cells.whole(notebook, ids[300])["outputs"] == [printed]
    assert ids[201] not in notebook.ids
    rest = [i for i in ids if i not in (ids[201], ids[300])]
    assert all(cells.whole(notebook, i)["outputs"][0]["text"] == f"{i}\n" for i in rest)


def test_an_undo_cancelled_halfway_is_still_completed() -> None:
    notebook = of_size(450)

    async def work() -> None:
        changes, redo = await cleared(notebook), []
        task = asyncio.create_task(slices.take_back(notebook, made(*changes), ORIGIN, redo))
        while not redo:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(redo) == 450

    asyncio.run(work())
    assert all(cell["outputs"] for cell in notebook.document.get()["cells"])


def test_listeners_hear_of_many_cells_cleared_at_once() -> None:
    notebook = of_size(200)
    page: Doc[Any] = Doc()
    page.apply_update(notebook.ydoc.get_update())
    notebook.ydoc.observe(lambda event: page.apply_update(event.update))
    heard: list[str] = []
    touched: set[str] = set()
    notebook.document.observe(lambda what, _events: heard.append(what))
    notebook.on_change(touched.update)
    changes = notebook.changes
    cells.clear_outputs(notebook, notebook.ids[:150], ORIGIN)
    assert touched == {*notebook.ids[:150]}
    assert "cells" in heard
    assert notebook.changes > changes
    cells.edit(notebook, notebook.ids[7], [], ORIGIN)
    heard.clear()
    touched.clear()
    with notebook.transaction("page"):
        notebook.ycells[199]["source"].insert(0, "x")
    assert touched == {notebook.ids[199]}
    assert heard == ["cells"]
    assert NotebookDocument(page).get()["cells"] == notebook.document.get()["cells"]


# -- the same as one by one ------------------------------------------------------------------------

NAMES = st.sampled_from("abcdefgh")
PLACES = st.integers(0, 9)
ACTS = st.sampled_from(["insert", "remove"])


@settings(deadline=None)
@given(st.lists(NAMES, max_size=8), st.lists(st.tuples(ACTS, NAMES, PLACES), max_size=30))
def test_an_order_behaves_like_a_list(names: list[str], acts: list[tuple[str, str, int]]) -> None:
    order, plain = Order(names), list(names)
    for act, name, at in acts:
        if act == "insert" and name not in plain:
            at = min(at, len(plain))
            order.insert(at, name)
            plain.insert(at, name)
        elif act == "remove" and name in plain:
            order.remove(name)
            plain.remove(name)
        assert order.names() == plain
        assert len(order) == len(plain)
        for each in "abcdefgh":
            assert order.index(each) == (plain.index(each) if each in plain else None)
        assert [order.at(index) for index in range(-1, len(plain) + 1)] == [None, *plain, None]


def test_a_large_order_behaves_like_a_list() -> None:
    plain = [f"n{number}" for number in range(1000)]
    order = Order(plain)
    for number in range(600):
        at = number * 7919 % (len(plain) + 1)
        order.insert(at, f"new{number}")
        plain.insert(at, f"new{number}")
        gone = plain[number * 104729 % len(plain)]
        order.remove(gone)
        plain.remove(gone)
    assert order.names() == plain
    assert [order.index(name) for name in plain] == list(range(len(plain)))


ANY_ACTS = st.sampled_from(["insert", "delete", "move", "name", "page", "meet"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(ANY_ACTS, PLACES, PLACES),
        max_size=25,
    )
)
def test_the_cached_cells_and_ids_match_the_document(
    acts: list[tuple[str, int, int]],
) -> None:
    notebook = opened(["a", "b", "c", "a0"])
    page: Doc[Any] = Doc()
    page.apply_update(notebook.ydoc.get_update())
    theirs: Array[Any] = page.get("cells", type=Array)
    for number, (act, one, other) in enumerate(acts):
        array = theirs if act == "page" else notebook.ycells
        doc = page if act == "page" else notebook.ydoc
        size = len(array)
        with doc.transaction(origin="x"):
            if size and act in ("delete", "move", "page"):
                del array[one % size]
            if act in ("insert", "move", "page"):
                new = notebook.document.create_ycell(content(f"new{number % 5}"))
                array.insert(other % (len(array) + 1), new)
            if act == "name" and size:
                array[one % size]["id"] = f"new{other}"
        if act == "meet":
            notebook.ydoc.apply_update(page.get_update())
            page.apply_update(notebook.ydoc.get_update())
        ids = [cell["id"] for cell in notebook.ycells]
        assert notebook.ids == ids
        assert [cell["id"] for cell in notebook.shared_cells()] == ids
        for each in {*ids, "new0", "none"}:
            assert notebook.index(each) == (ids.index(each) if each in ids else None)
        assert notebook.doubles().keys() == {i for i in ids if ids.count(i) > 1}


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=10), max_size=12), st.text("ab", max_size=10))
def test_a_prefix_finds_the_ids_that_start_with_it(ids: list[str], start: str) -> None:
    found = CellIds(ids)
    for _ in range(20):
        assert found.starting(start) == [i for i in ids if i.startswith(start)]


def test_an_array_with_other_values_than_cells_is_followed() -> None:
    doc: Doc[Any] = Doc()
    array: Array[Any] = doc.get("cells", type=Array)
    order = CellOrder(array)
    array.extend([Map({"id": "a"}), 1.0, "text"])
    assert [order[index] if index else order[0]["id"] for index in range(3)] == ["a", 1.0, "text"]
    del array[0:2]
    assert list(order) == ["text"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["delete", "insert", "move"]), PLACES, PLACES), max_size=8
)


@settings(max_examples=300, deadline=None)
@given(STEPS, STEPS)
def test_undoing_moves_at_once_equals_undoing_them_step_by_step(
    agents: list[tuple[str, int, int]], persons: list[tuple[str, int, int]]
) -> None:
    notebook, plain = opened(list("abcdef")), opened(list("abcdef"))
    changes: list[Change] = []
    for number, (act, one, other) in enumerate(agents):
        changes += _act(notebook, f"agent{number}", act, one, other)
        _act(plain, f"agent{number}", act, one, other)
    for number, (act, one, other) in enumerate(persons):
        for each in (notebook, plain):
            _act(each, f"person{number}", act, one, other)
    redo = revert(notebook, made(*changes), ORIGIN)
    expected = _one_by_one(plain, changes)
    assert notebook.document.get() == plain.document.get()
    assert [_shown(change) for change in redo] == [_shown(change) for change in expected]
    again = revert(notebook, made(*redo), ORIGIN)
    _one_by_one(plain, expected)
    assert notebook.document.get() == plain.document.get()
    assert len(again) <= len(redo)


def _act(notebook: LiveNotebook, name: str, act: str, one: int, other: int) -> list[Change]:
    ids = notebook.ids
    if act == "insert":
        cells.insert_whole(notebook, other % (len(ids) + 1), content(name), ORIGIN)
        return [Inserted(name, content(name))]
    if not ids:
        return []
    cell_id = ids[one % len(ids)]
    place = cells.neighbours(notebook, cell_id)
    if act == "delete":
        gone = Deleted(cell_id, cells.whole(notebook, cell_id), *place)
        cells.delete(notebook, [cell_id], ORIGIN)
        return [gone]
    cells.move(notebook, [cell_id], other % (len(ids) + 1), ORIGIN)
    return [Moved(cell_id, *place)]


def _one_by_one(notebook: LiveNotebook, changes: list[Change]) -> list[Change]:
    # What is not there as this begins was not put there by what is taken back.
    there = {*notebook.ids}
    steps = [c for c in reversed(changes) if not isinstance(c, Inserted) or c.cell_id in there]
    return [done for change in steps if (done := _step_back(notebook, change)) is not None]


def _step_back(notebook: LiveNotebook, change: Change) -> Change | None:
    """Take one change back by itself, as plainly as it can be said."""
    there = notebook.index(change.cell_id)
    if isinstance(change, Deleted):
        if there is not None:
            return None
        at = cells.beside(notebook, change.previous, change.following, change.index)
        cells.insert_whole(notebook, at, change.content, ORIGIN)
        return Inserted(change.cell_id, change.content)
    if there is None:
        return None
    place = cells.neighbours(notebook, change.cell_id)
    if isinstance(change, Inserted):
        gone = Deleted(change.cell_id, cells.whole(notebook, change.cell_id), *place)
        cells.delete(notebook, [change.cell_id], ORIGIN)
        return gone
    assert isinstance(change, Moved)
    at = cells.beside(notebook, change.previous, change.following, change.index)
    if at in (there, there + 1):
        return None
    cells.move(notebook, [change.cell_id], at, ORIGIN)
    return Moved(change.cell_id, *place)


def _shown(change: Change) -> tuple[Any, ...]:
    place = (change.previous, change.following, change.index) if hasattr(change, "index") else ()
    return type(change).__name__, change.cell_id, *place
