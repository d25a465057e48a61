"""What a card shows and what a decision covers is put together in one module."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jmcp_lab
from jmcp_lab.calls.call import Action, PreviewItem
from jmcp_lab.kernels.sessions import SessionInfo
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.runtime.actions import (
    Note,
    at_cell,
    edit_action,
    file_action,
    run_action,
    run_in_session_action,
)
from jmcp_lab.runtime.shown_kernel import ShownKernel

HOME = Path(jmcp_lab.__file__).parent

SHOWN = {"preview", "details", "guarded", "others", "target"}
"""Fields of an action that nothing else may set."""


def notebook() -> LiveNotebook:
    cell = {"id": "c1", "cell_type": "code", "source": "a", "metadata": {}, "outputs": []}
    content: dict[str, Any] = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    document = NotebookDocument()
    document.set(content | {"cells": [cell | {"execution_count": None}]})
    return LiveNotebook(document, lambda: "a.ipynb", "file-1")


NOTEBOOK = notebook()
ITEM = PreviewItem("Cell 1", "c1", text="a")
KERNEL = ShownKernel("python3", "k1")
SESSION = SessionInfo("a.ipynb", "s1", "k1", "python3", "idle", "python")

BUILDERS: dict[str, Callable[..., Action]] = {
    "edit": lambda *notes: edit_action("edit_cell", NOTEBOOK, ["c1"], "Edit", (ITEM,), *notes),
    "run": lambda *notes: run_action("run", NOTEBOOK, ["c1"], "Run", (ITEM,), KERNEL, *notes),
    "run in a session": lambda *notes: run_in_session_action(
        "run", SESSION, "Run", (ITEM,), KERNEL, *notes
    ),
    "file": lambda *notes: file_action("write", "a.txt", "Create", ITEM, *notes, creates=True),
}


def digest(name: str, *notes: Note) -> str:
    return BUILDERS[name](*notes).action_hash("a_1")


@pytest.mark.parametrize("name", BUILDERS)
def test_a_card_shows_each_sentence_and_a_decision_covers_what_it_marks(name: str) -> None:
    action = BUILDERS[name](Note("It goes after cell 1.", ("after c1",)), Note(""), Note("Twice."))
    assert action.preview is not None
    assert action.preview.words == "It goes after cell 1. Twice."
    # The same place has another number once somebody inserts a cell above it.
    there = digest(name, Note("It goes after cell 1.", ("after c1",)))
    assert there == digest(name, Note("It goes after cell 2.", ("after c1",)))
    assert there != digest(name, Note("It goes after cell 1.", ("after c2",)))


@pytest.mark.parametrize("name", BUILDERS)
def test_a_sentence_that_marks_nothing_is_covered_itself(name: str) -> None:
    assert digest(name) == digest(name, Note(""))
    assert digest(name) != digest(name, Note("It also does this."))
    assert digest(name, Note("It does this.")) != digest(name, Note("It does that."))


def test_notebooks_that_share_a_kernel_are_shown_covered_and_ruled_on() -> None:
    shared = ShownKernel("python3", "k1", ("b.ipynb",))
    for action in (
        run_action("run", NOTEBOOK, [], "Run", (ITEM,), shared),
        run_in_session_action("run", SESSION, "Run", (ITEM,), shared),
    ):
        assert action.preview is not None
        assert "b.ipynb: they share all variables" in action.preview.words
        assert action.others == ("b.ipynb",)
        assert "b.ipynb" in action.details


def test_a_preview_is_a_diff_where_its_items_have_a_text_before_and_after() -> None:
    change = PreviewItem("Cell 1", "c1", old="a", new="b")
    kinds = [
        preview.kind
        for item in (change, ITEM)
        if (preview := edit_action("t", NOTEBOOK, ["c1"], "s", (item,)).preview)
    ]
    assert kinds == ["diff", "text"]


def test_a_call_can_point_at_the_cell_that_it_made() -> None:
    before = run_action("run", NOTEBOOK, [], "Run", (ITEM,), KERNEL)
    after = at_cell(before, NOTEBOOK, "c1")
    assert (after.target.cell_ids, after.target.positions) == (("c1",), (1,))
    assert (after.target.kernel_id, after.target.file_id) == ("k1", NOTEBOOK.identity.id)


def test_no_other_module_builds_an_action_or_changes_what_one_shows() -> None:
    found = []
    for path in HOME.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "calls.call import" in text else ():
            name = getattr(node, "func", None)
            if isinstance(node, ast.Call) and isinstance(name, ast.Name):
                given = {keyword.arg for keyword in node.keywords}
                changes = name.id == "replace" and given & SHOWN
                if name.id in ("Action", "Preview") or changes:
                    found.append(path.relative_to(HOME).as_posix())
    assert sorted(set(found)) == ["runtime/actions.py"]
