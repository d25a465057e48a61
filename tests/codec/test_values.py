"""What a notebook says is what is written back, whatever JSON can say."""

from __future__ import annotations

import asyncio
import copy
import json
import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pycrdt import Doc

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.changes import (
    Change,
    ChangeSet,
    Cleared,
    Deleted,
    Edited,
    Inserted,
    Moved,
    Retyped,
)
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.notebooks.undo import revert
from jmcp_lab.text.three_way_merge import merge

from ..support.desk import Desk
from ..support.files import Files
from ..support.hostile import Content, notebooks, said, same

ORIGIN = "jmcp:robot"


def opened(content: Content) -> NotebookDocument:
    """Return the document of a room: filled by an update, and told what the file says."""
    source = NotebookDocument(Doc())
    source.set(copy.deepcopy(content))
    document = NotebookDocument()
    document.learn(content)
    document.ydoc.apply_update(source.ydoc.get_update())
    return document


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(notebooks())
def test_a_document_reproduces_the_file(content: Content) -> None:
    content = said(json.dumps(content))
    assert same(opened(content).get()) == same(content)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(notebooks())
def test_a_document_contains_only_values_that_a_page_can_hold(content: Content) -> None:
    def check(value: object) -> None:
        assert type(value) is not int
        assert not isinstance(value, float) or math.isfinite(value)
        if isinstance(value, str):
            value.encode()
        for part in value if isinstance(value, list) else ():
            check(part)
        for key, part in value.items() if isinstance(value, dict) else ():
            check(key)
            check(part)

    document = opened(said(json.dumps(content)))
    for root in (document.ycells, document._ymeta):
        check(root.to_py())
    assert {cell["cell_type"] for cell in document.ycells} <= {"code", "markdown", "raw"}


class Editor:
    """An agent that changes a notebook, and takes all of it back."""

    def __init__(self, desk: Desk) -> None:
        self.notebook = desk.notebook
        self.done: list[list[Change]] = []

    def act(self, kind: str, cell: int, at: int) -> None:
        nb = self.notebook
        if kind == "insert" or not nb.ids:
            new = cells.NewCell("inserted")
            cells.insert(nb, at % (len(nb.ids) + 1), [new], ORIGIN)
            self.done.append([Inserted(new.id, cells.whole(nb, new.id))])
            return
        cell_id = nb.ids[cell % len(nb.ids)]
        content = cells.whole(nb, cell_id)
        place = cells.neighbours(nb, cell_id)
        made: Change
        if kind == "edit":
            before = str(nb.source(cell_id))
            after = before[: at % (len(before) + 1)] + "new\n" + before[at % (len(before) + 1) :]
            cells.edit(nb, cell_id, merge(before, after, before), ORIGIN)
            made = Edited(cell_id, before, after)
        elif kind == "delete":
            cells.delete(nb, [cell_id], ORIGIN)
            made = Deleted(cell_id, content, *place)
        elif kind == "move":
            order = list(nb.ids)
            cells.move(nb, [cell_id], at % (len(nb.ids) + 1), ORIGIN)
            if nb.ids == order:
                return
            made = Moved(cell_id, *place)
        elif kind == "retype":
            types = ("code", "markdown", "raw")
            new_type = types[(types.index(cells.view_by_id(nb, cell_id).type) + 1 + at % 2) % 3]
            cells.retype(nb, cell_id, new_type, ORIGIN)
            made = Retyped(cell_id, content, new_type)
        elif cells.view_by_id(nb, cell_id).type == "code":
            cells.clear_outputs(nb, [cell_id], ORIGIN)
            made = Cleared(cell_id, content.get("outputs", []), content.get("execution_count"))
        else:
            return
        self.done.append([made])

    def undo(self) -> None:
        while self.done:
            made = ChangeSet("call", "robot", "file", self.done.pop())
            revert(self.notebook, made, ORIGIN)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "edit", "delete", "move", "retype", "clear"]),
        st.integers(0, 9),
        st.integers(0, 30),
    ),
    max_size=12,
)


def raised(content: Content) -> Content:
    """Return a notebook in the format in which an agent's edit leaves it."""
    minor = content.get("nbformat_minor", 0)
    return {**content, "nbformat_minor": minor if minor >= 5 else 5}


@settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=40,
    # Each try opens rooms: making a failing one smaller would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(notebooks(), STEPS)
def test_a_file_is_the_same_after_edits_undo_and_two_saves(
    content: Content, steps: list[tuple[str, int, int]]
) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.ipynb"
            path.write_text(json.dumps(content))
            before = said(path.read_text())
            for _ in range(2):
                files = Files(Path(folder))
                # The history of the first room is that of the second one.
                room = await files.open("a.ipynb", Path(folder) / "history" / "a.db")
                desk = Desk(files, room)
                editor = Editor(desk)
                for step in steps:
                    editor.act(*step)
                edited = bool(editor.done)
                editor.undo()
                assert await files.upstream.save(room)
                after = said(path.read_text())
                with_ids = before.get("nbformat_minor", 0) >= 5
                expected = raised(before) if edited else before
                assert same(after, ids=with_ids) == same(expected, ids=with_ids), edited
                await files.close(room)

    asyncio.run(live())
