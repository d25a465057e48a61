"""Keystrokes that arrive up to an hour late find their cell, and what that costs is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.rooms.pages import late_edits as late
from jmcp_lab.rooms.pages.late_edits import LATE_SECONDS, LateEdits

from ...support.robots import Robot, write_notebook
from ...support.room_page import OpenPage, until
from ..test_files import close

ORIGIN = "jmcp:test"


def late_in(robot: Robot, path: str) -> LateEdits:
    notebook = robot.app.rooms.find(path)
    assert notebook is not None
    return robot.app.rooms._open[f"json:notebook:{notebook.file_id}"].room.late


async def test_hundreds_of_moves_lose_no_keystroke(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.hold()
    page.type(1, "mine ")
    for number in range(300):
        cells.move(notebook, [ids[1]], number % 4, ORIGIN)
    page.release()
    await until(lambda: notebook.source(ids[1]) == "mine two")
    await page.until(lambda: "mine two" in page.texts())
    assert sorted(notebook.ids) == sorted(ids)


async def test_a_room_stays_open_for_keystrokes_up_to_an_hour_old(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    page.hold()
    page.type(1, "mine ")
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[1], index=0)
    notebook = await robot.open("a.ipynb")
    typing = late_in(robot, "a.ipynb")
    began = typing._clock()
    typing._clock = lambda: began + LATE_SECONDS - 10
    held = robot.app.rooms._open[f"json:notebook:{notebook.file_id}"]
    held.used -= robot.app.rooms.idle_seconds + 1
    robot.app.rooms._on_idle(held)
    assert held.closing is None
    page.release()
    await until(lambda: notebook.source(ids[1]) == "mine two")
    await page.close()
    await until(lambda: held.room.pages == 0)
    # After that hour nothing is kept, and the room may go.
    typing._clock = lambda: began + LATE_SECONDS + 10
    await close(robot, "a.ipynb")


@pytest.mark.parametrize("undone", ["before", "after"])
async def test_undoing_a_deletion_keeps_text_typed_in_the_meantime(
    robot: Robot, root: Path, open_page: OpenPage, undone: str
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    page.hold()
    page.type(1, "mine ")
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[1])
    notebook = await robot.open("a.ipynb")
    made = robot.app.services.changes.last(robot.agent.id, notebook.file_id)
    assert made is not None
    if undone == "after":
        page.release()
        await until(lambda: notebook.source(ids[1]) == "mine two")
    await robot.app.supervisor.undo_call(made.call_id, "Ada")
    page.release()
    await until(lambda: notebook.source(ids[1]) == "mine two")
    assert notebook.ids == ids
    await page.until(lambda: page.texts() == ["one", "mine two", "three"])


async def test_undoing_an_insertion_in_a_hidden_notebook_keeps_text_typed_into_it(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    write_notebook(root, "front.ipynb", "front")
    write_notebook(root, "back.ipynb", "one")
    page = await open_page("back.ipynb")
    await open_page("front.ipynb")
    await robot.say("insert_cell", notebook="back.ipynb", source="new", index=0)
    notebook = await robot.open("back.ipynb")
    made = robot.app.services.changes.last(robot.agent.id, notebook.file_id)
    assert made is not None
    await page.until(lambda: page.texts() == ["new", "one"])
    page.hold()
    page.type(0, "mine\n")
    await robot.app.supervisor.undo_call(made.call_id, "Ada")
    assert len(notebook.ids) == 1
    page.release()
    await until(lambda: len(notebook.ids) == 2)
    assert notebook.source(notebook.ids[0]) == "mine\nnew"
    await page.until(lambda: page.texts() == ["mine\nnew", "one"])


# -- what it costs -----------------------------------------------------------------------------


def notebook_of(*sources: str, output: str = "") -> LiveNotebook:
    document = NotebookDocument(Doc())
    stream = {"output_type": "stream", "name": "stdout", "text": output}
    found: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "source": source,
            "metadata": {},
            "execution_count": None,
            "outputs": [stream] if output else [],
        }
        for number, source in enumerate(sources)
    ]
    document.set({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return LiveNotebook(document, lambda: "a.ipynb", "file")


@pytest.mark.parametrize("size", [100, 2_000_000], ids=["small", "big"])
def test_the_shadow_copy_holds_no_earlier_or_later_outputs(size: int) -> None:
    notebook = notebook_of("one", "two", output="x" * size)
    typing = LateEdits(notebook, lambda: True, lambda _text: None)
    for number in range(50):
        cells.move(notebook, ["c1"], 2 * (number % 2), ORIGIN)
        with notebook.transaction(ORIGIN):
            cell = cells.shared(notebook, "c0")
            cell["outputs"].append({"output_type": "error", "traceback": ["y" * 100_000]})
    shadow = typing._shadow
    assert shadow is not None
    assert len(shadow.removed) == 50
    assert len(shadow._ydoc.get_update()) < 50_000


def test_the_oldest_late_edits_are_dropped_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(late, "MAX_REMOVED", 10)
    notebook = notebook_of("one", "two", "three")
    typing = LateEdits(notebook, lambda: True, lambda _text: None)
    for number in range(100):
        cells.move(notebook, [f"c{number % 3}"], number % 4, ORIGIN)
    shadow = typing._shadow
    assert typing.waiting
    assert shadow is not None
    assert len(shadow.removed) == 10
    assert len(shadow._cells) == 13
    ids = {
        str(shadow._cells[cell.index]["id"]) for cell in shadow.removed if cell.index is not None
    }
    assert ids == {"c0", "c1", "c2"}


def test_the_oldest_late_edits_are_dropped_when_they_are_too_big(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(late, "MAX_BYTES", 1_000_000)
    notebook = notebook_of("x" * 300_000, "two")
    typing = LateEdits(notebook, lambda: True, lambda _text: None)
    for number in range(20):
        cells.move(notebook, ["c0"], 2 * (number % 2), ORIGIN)
    assert typing.waiting
    assert typing._shadow is not None
    assert typing._shadow.size <= 1_000_000


def test_without_a_page_nothing_is_kept() -> None:
    notebook = notebook_of("one", "two")
    typing = LateEdits(notebook, lambda: False, lambda _text: None)
    cells.move(notebook, ["c0"], 2, ORIGIN)
    assert not typing.waiting
    assert typing._shadow is None


def test_a_shadow_copy_that_missed_a_change_is_rebuilt() -> None:
    notebook = notebook_of("one", "two")
    typing = LateEdits(notebook, lambda: True, lambda _text: None)
    cells.move(notebook, ["c0"], 2, ORIGIN)
    shadow = typing._shadow
    assert shadow is not None
    # As if a transaction of the document had never come.
    del shadow._cells[1]
    cells.move(notebook, ["c1"], 2, ORIGIN)
    again = typing._shadow
    assert again is not None
    assert [cell.cell_id for cell in again.removed] == ["c1"]


async def test_keystrokes_are_followed_again_after_a_defect(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    typing = late_in(robot, "a.ipynb")
    cells.move(notebook, [ids[0]], 3, ORIGIN)
    assert typing._shadow is not None

    def fail(_update: bytes) -> None:
        raise RuntimeError("a defect")

    typing._shadow.follow = fail
    cells.move(notebook, [ids[0]], 0, ORIGIN)
    assert typing._shadow is None
    await page.until(lambda: page.texts() == ["one", "two", "three"])
    page.hold()
    page.type(1, "mine ")
    cells.move(notebook, [ids[1]], 3, ORIGIN)
    page.release()
    await until(lambda: notebook.source(ids[1]) == "mine two")
