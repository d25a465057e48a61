from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook
from pycrdt import Doc

from jmcp_lab.codec.shared_outputs import shared_output
from jmcp_lab.errors import InvalidArgumentError, NotFoundError
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.text.three_way_merge import merge


def code(cell_id: str, source: str = "") -> dict[str, Any]:
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }


def live(*contents: dict[str, Any], minor: int = 5) -> LiveNotebook:
    document = NotebookDocument()
    document.set({"cells": list(contents), "metadata": {}, "nbformat": 4, "nbformat_minor": minor})
    return LiveNotebook(document, lambda: "a.ipynb", "file-1")


def page(notebook: LiveNotebook) -> YNotebook:
    """Return a second document with the same content, as a page has it."""
    document: Doc[Any] = Doc()
    document.apply_update(notebook.ydoc.get_update())
    return YNotebook(document)


def test_the_ids_follow_inserts_deletes_and_moves_by_anyone() -> None:
    nb = live(code("a"), code("b"), code("c"))
    other = page(nb)
    del other.ycells[0]
    other.ycells.insert(1, other.create_ycell(code("d")))
    other.ycells.append(other.create_ycell(code("e")))
    nb.ydoc.apply_update(other.ydoc.get_update(nb.ydoc.get_state()))
    assert nb.ids == ["b", "d", "c", "e"] == [cell["id"] for cell in nb.ycells]


def test_a_possible_position_is_not_mistaken_for_an_id_prefix() -> None:
    nb = live(code("a1b2"), code("2c3d"), code("37"), code("3"))
    for ref in ("0", "2", "02"):
        with pytest.raises(NotFoundError, match="not by position"):
            cells.find(nb, ref)
    assert cells.find(nb, "2c") == "2c3d"
    # Not of a notebook with four cells; and a whole id is one.
    assert cells.find(nb, "37") == "37"
    assert cells.find(nb, "3") == "3"


@given(
    st.lists(
        st.tuples(st.sampled_from(["insert", "delete"]), st.integers(0, 9), st.booleans()),
        max_size=25,
    )
)
def test_the_ids_match_the_document_after_any_changes(
    steps: list[tuple[str, int, bool]],
) -> None:
    nb = live(code("a"), code("b"))
    other = page(nb)
    for number, (kind, where, remote) in enumerate(steps):
        document = other if remote else nb.document
        size = len(document.ycells)
        if kind == "insert":
            document.ycells.insert(min(where, size), document.create_ycell(code(f"n{number}")))
        elif size > 1:
            del document.ycells[min(where, size - 1)]
        nb.ydoc.apply_update(other.ydoc.get_update(nb.ydoc.get_state()))
        other.ydoc.apply_update(nb.ydoc.get_update(other.ydoc.get_state()))
        assert nb.ids == [cell["id"] for cell in nb.ycells]


def test_records_of_earlier_runs_are_not_kept_forever() -> None:
    notebook = live(code("one"))
    browser = page(notebook)
    updates: list[bytes] = []
    subscription = browser.ydoc.observe(lambda event: updates.append(event.update))
    outputs = browser.ycells[0]["outputs"]
    for number in range(20):
        with browser.ydoc.transaction(origin="page"):
            outputs.clear()
            data = {"image/png": f"{number}" * 10_000}
            shown = {"output_type": "display_data", "data": data, "metadata": {}}
            outputs.append(shared_output(shown))
        notebook.ydoc.apply_update(updates.pop())
    browser.ydoc.unobserve(subscription)
    # The two last ones at most: each has 20,000 characters or less.
    assert len(notebook.ydoc.get_update()) < 50_000


def test_a_listener_hears_which_cells_changed() -> None:
    nb = live(code("a", "x"), code("b"))
    heard: list[set[str]] = []
    end = nb.on_change(heard.append)
    cells.edit(nb, "a", merge("x", "y", "x"), "jmcp:a_1")
    cells.delete(nb, ["b"], "jmcp:a_1")
    end()
    cells.edit(nb, "a", merge("y", "z", "y"), "jmcp:a_1")
    assert heard == [{"a"}, {"b"}]


@given(st.text("aé😀\n\u0301", max_size=12), st.text("aé😀\n\u0301", max_size=12))
def test_an_edit_counts_characters_and_the_document_bytes(old: str, new: str) -> None:
    nb = live(code("a", old))
    other = page(nb)
    cells.edit(nb, "a", merge(old, new, old), "jmcp:a_1")
    other.ydoc.apply_update(nb.ydoc.get_update(other.ydoc.get_state()))
    assert nb.source("a") == new == str(other.ycells[0]["source"])


def test_a_cell_is_found_by_a_unique_prefix_of_its_id() -> None:
    nb = live(code("abc1"), code("abd2"), code("a"))
    assert cells.find(nb, "abc") == "abc1"
    assert cells.find(nb, "a") == "a"
    with pytest.raises(NotFoundError, match="More than one"):
        cells.find(nb, "ab")
    with pytest.raises(NotFoundError, match="list_cells"):
        cells.find(nb, "1")
    with pytest.raises(NotFoundError):
        cells.find(nb, "")


@pytest.mark.parametrize(
    ("arguments", "index"),
    [
        pytest.param({}, 2, id="the end"),
        pytest.param({"index": 0}, 0, id="the top"),
        pytest.param({"index": -1}, 2, id="minus one is the end"),
        pytest.param({"after": "a"}, 1, id="after a cell"),
        pytest.param({"before": "b"}, 1, id="before a cell"),
    ],
)
def test_a_position_is_given_by_a_cell_or_an_index(arguments: dict[str, Any], index: int) -> None:
    nb = live(code("a"), code("b"))
    assert cells.place(nb, **{"after": None, "before": None, "index": None} | arguments) == index


@pytest.mark.parametrize("index", [3, -2])
def test_a_position_outside_the_notebook_is_refused(index: int) -> None:
    nb = live(code("a"), code("b"))
    with pytest.raises(InvalidArgumentError, match="2 cells"):
        cells.place(nb, after=None, before=None, index=index)


def test_inserting_upgrades_an_old_notebook_to_a_format_with_ids() -> None:
    nb = live(code("a"), minor=4)
    cells.insert(nb, 1, [cells.NewCell("x")], "jmcp:a_1")
    assert nb.document.get()["nbformat_minor"] == 5


def test_a_changed_type_keeps_id_text_and_metadata() -> None:
    nb = live({**code("a", "# Title"), "metadata": {"tags": ["x"], "trusted": True}}, code("b"))
    cells.retype(nb, "a", "markdown", "jmcp:a_1")
    assert nb.document.get()["cells"][0] == {
        "id": "a",
        "cell_type": "markdown",
        "source": "# Title",
        "metadata": {"tags": ["x"]},
    }


def test_clearing_outputs_touches_code_cells_only() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello\n"}
    nb = live({**code("a"), "outputs": [output], "execution_count": 3}, code("b"))
    cells.clear_outputs(nb, ["a", "b"], "jmcp:a_1")
    first = nb.document.get()["cells"][0]
    assert (first["outputs"], first["execution_count"]) == ([], None)


@given(st.permutations("abcd"), st.integers(1, 4), st.integers(0, 4))
def test_moving_cells_to_where_they_are_touches_nothing(
    order: list[str], count: int, at: int
) -> None:
    nb = live(*(code(name) for name in "abcd"))
    moving = order[:count]
    before = [cell for cell in "abcd"[:at] if cell not in moving]
    after = [cell for cell in "abcd"[at:] if cell not in moving]
    heard: list[set[str]] = []
    nb.on_change(heard.append)
    cells.move(nb, moving, at, "jmcp:a_1")
    assert nb.ids == [*before, *moving, *after]
    assert bool(heard) is (nb.ids != list("abcd"))
