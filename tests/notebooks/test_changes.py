from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.errors import ConflictError, NotFoundError
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks import changes as changes_of_calls
from jmcp_lab.notebooks.changes import (
    Changes,
    ChangeSet,
    Cleared,
    Deleted,
    Edited,
    Inserted,
    Moved,
    Retyped,
)
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.undo import revert
from jmcp_lab.text.three_way_merge import merge

from .test_live_notebook import code, live

ORIGIN = "jmcp:a_1"


def texts(nb: LiveNotebook) -> list[str]:
    return [str(cell["source"]) for cell in nb.ycells]


def made(*changes: Any) -> ChangeSet:
    return ChangeSet("c_1", "a_1", "file-1", list(changes))


def overwrite(nb: LiveNotebook, cell_id: str, new: str) -> Edited:
    before = str(nb.source(cell_id))
    cells.edit(nb, cell_id, merge(before, new, before), ORIGIN)
    return Edited(cell_id, before, new)


def insert(nb: LiveNotebook, index: int, source: str, cell_id: str) -> Inserted:
    cells.insert(nb, index, [cells.NewCell(source, "code", cell_id)], ORIGIN)
    return Inserted(cell_id, cells.whole(nb, cell_id))


def delete(nb: LiveNotebook, cell_id: str) -> Deleted:
    gone = Deleted(cell_id, cells.whole(nb, cell_id), *cells.neighbours(nb, cell_id))
    cells.delete(nb, [cell_id], ORIGIN)
    return gone


def test_undoing_an_edit_keeps_text_typed_elsewhere_in_the_cell() -> None:
    nb = live(code("a", "x = 1\ny = 2"))
    change = overwrite(nb, "a", "x = 10\ny = 2")
    overwrite(nb, "a", "x = 10\ny = 2\n# mine")
    redo = revert(nb, made(change), ORIGIN)
    assert texts(nb) == ["x = 1\ny = 2\n# mine"]
    revert(nb, made(*redo), ORIGIN)
    assert texts(nb) == ["x = 10\ny = 2\n# mine"]


def test_a_line_changed_later_is_not_undone() -> None:
    nb = live(code("a", "x = 1"), code("b", "keep"))
    first = overwrite(nb, "a", "x = 2")
    second = overwrite(nb, "b", "kept")
    overwrite(nb, "a", "x = 2  # mine")
    with pytest.raises(ConflictError, match="nothing was undone"):
        revert(nb, made(first, second), ORIGIN)
    assert texts(nb) == ["x = 2  # mine", "kept"]


def test_undoing_inserts_removes_exactly_these_cells() -> None:
    nb = live(code("a", "A"), code("b", "B"))
    changes = [insert(nb, 1, "one", "n1"), insert(nb, 2, "two", "n2")]
    cells.insert(nb, 0, [cells.NewCell("human")], "human")
    redo = revert(nb, made(*changes), ORIGIN)
    assert texts(nb) == ["human", "A", "B"]
    revert(nb, made(*redo), ORIGIN)
    assert texts(nb) == ["human", "A", "one", "two", "B"]


def test_text_a_person_wrote_in_an_inserted_cell_stays_when_the_insert_is_undone() -> None:
    nb = live(code("a", "A"))
    change = insert(nb, 1, "agent", "n1")
    overwrite(nb, "n1", "agent\n# person")
    revert(nb, made(change), ORIGIN)
    assert [text.strip() for text in texts(nb)] == ["A", "# person"]


def test_a_deleted_cell_comes_back_whole_and_beside_its_neighbour() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello\n"}
    rich = {**code("b", "B"), "outputs": [output], "execution_count": 3, "metadata": {"k": [1]}}
    nb = live(code("a", "A"), rich, code("c", "C"))
    before = nb.document.get()["cells"][1]
    change = delete(nb, "b")
    cells.insert(nb, 0, [cells.NewCell("top")], "human")
    revert(nb, made(change), ORIGIN)
    assert texts(nb) == ["top", "A", "B", "C"]
    assert nb.document.get()["cells"][2] == before


def test_undoing_a_move_puts_the_cell_back() -> None:
    nb = live(code("a", "A"), code("b", "B"), code("c", "C"))
    change = Moved("a", *cells.neighbours(nb, "a"))
    cells.move(nb, ["a"], 3, ORIGIN)
    assert texts(nb) == ["B", "C", "A"]
    redo = revert(nb, made(change), ORIGIN)
    assert texts(nb) == ["A", "B", "C"]
    revert(nb, made(*redo), ORIGIN)
    assert texts(nb) == ["B", "C", "A"]


@given(
    st.lists(st.sampled_from("abcdef"), unique=True, min_size=1),
    st.integers(0, 6) | st.none(),
)
def test_undo_and_redo_of_moving_several_cells_restores_both_orders(
    chosen: list[str], to: int | None
) -> None:
    nb = live(*(code(cell_id) for cell_id in "abcdef"))
    before = list(nb.ids)
    places = zip(chosen, cells.places(nb, chosen), strict=True)
    changes: list[Moved | Deleted]
    if to is None:
        changes = [Deleted(i, cells.whole(nb, i), *place) for i, place in places]
        cells.delete(nb, chosen, ORIGIN)
    else:
        changes = [Moved(i, *place) for i, place in places]
        cells.move(nb, chosen, to, ORIGIN)
    after = list(nb.ids)
    undo = revert(nb, made(*changes), ORIGIN)
    assert nb.ids == before
    redo = revert(nb, made(*undo), ORIGIN)
    assert nb.ids == after
    revert(nb, made(*redo), ORIGIN)
    assert nb.ids == before


@given(
    st.permutations(["a", "b", "c", "d"]),
    st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, min_size=1),
    st.integers(0, 4),
)
def test_a_move_loses_and_duplicates_nothing(order: list[str], moved: list[str], to: int) -> None:
    nb = live(*(code(cell_id, cell_id.upper()) for cell_id in order))
    target = order[to] if to < 4 else None
    cells.move(nb, moved, to, ORIGIN)
    assert sorted(nb.ids) == ["a", "b", "c", "d"]
    assert texts(nb) == [cell_id.upper() for cell_id in nb.ids]
    at = nb.ids.index(moved[0])
    assert nb.ids[at : at + len(moved)] == moved
    if target is not None and target not in moved:
        assert nb.ids[at + len(moved)] == target


def test_undoing_a_type_change_keeps_the_present_text() -> None:
    nb = live(code("a", "# Title"))
    before = cells.whole(nb, "a")
    cells.retype(nb, "a", "markdown", ORIGIN)
    overwrite(nb, "a", "# Better title")
    revert(nb, made(Retyped("a", before, "markdown")), ORIGIN)
    cell = nb.document.get()["cells"][0]
    assert (cell["cell_type"], cell["source"]) == ("code", "# Better title")


def test_undoing_a_type_change_keeps_later_tags_and_attachments() -> None:
    picture = {"new.png": {"image/png": "eA=="}}
    nb = live({**code("a"), "cell_type": "markdown"}, {**code("b"), "cell_type": "raw"})
    before = {cell_id: cells.whole(nb, cell_id) for cell_id in "ab"}
    cells.retype(nb, "a", "raw", ORIGIN)
    cells.retype(nb, "b", "code", ORIGIN)
    for cell_id in "ab":
        cells.shared(nb, cell_id)["metadata"]["tags"] = ["kept"]
    cells.shared(nb, "a")["attachments"] = picture
    changes = [Retyped("a", before["a"], "raw"), Retyped("b", before["b"], "code")]
    revert(nb, made(*changes), ORIGIN)
    first, second = cells.whole(nb, "a"), cells.whole(nb, "b")
    assert (first["cell_type"], second["cell_type"]) == ("markdown", "raw")
    assert first["attachments"] == picture
    assert first["metadata"] == second["metadata"] == {"tags": ["kept"]}


def test_outputs_of_a_cell_that_a_person_turned_back_into_code_and_ran_stay() -> None:
    old = {"output_type": "stream", "name": "stdout", "text": "old\n"}
    nb = live({**code("a", "x"), "outputs": [old], "execution_count": 1})
    before = cells.whole(nb, "a")
    cells.retype(nb, "a", "markdown", ORIGIN)
    cells.retype(nb, "a", "code", "page")
    cells.set_outputs(nb, "a", [old | {"text": "new\n"}], 2, "page")
    assert revert(nb, made(Retyped("a", before, "markdown")), ORIGIN) == []
    assert cells.whole(nb, "a")["outputs"] == [old | {"text": "new\n"}]


def test_undo_restores_cleared_outputs_unless_there_are_new_ones() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello\n"}
    nb = live({**code("a"), "outputs": [output], "execution_count": 3})
    before = cells.whole(nb, "a")
    cells.clear_outputs(nb, ["a"], ORIGIN)
    change = Cleared("a", before["outputs"], before["execution_count"])
    cleared = cells.whole(nb, "a")
    redo = revert(nb, made(change), ORIGIN)
    assert cells.whole(nb, "a") == before
    assert revert(nb, made(change), ORIGIN) == []
    assert cells.whole(nb, "a") == before
    undo = revert(nb, made(*redo), ORIGIN)
    assert cells.whole(nb, "a") == cleared
    revert(nb, made(*undo), ORIGIN)
    assert cells.whole(nb, "a") == before


@pytest.mark.parametrize("state", ["running", "idle"])
def test_cleared_outputs_are_not_restored_in_a_cell_that_runs_or_ran_since(state: str) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello\n"}
    nb = live({**code("a"), "outputs": [output], "execution_count": 3})
    cells.clear_outputs(nb, ["a"], ORIGIN)
    cell = cells.shared(nb, "a")
    cell["execution_state"] = state
    if state == "idle":
        # It ran, and printed nothing.
        cell["execution_count"] = 4.0
    assert revert(nb, made(Cleared("a", [output], 3)), ORIGIN) == []
    assert len(cell["outputs"]) == 0


def test_change_sets_outlive_the_room() -> None:
    first = live(code("a", "x = 1"))
    change = overwrite(first, "a", "x = 2")
    content = first.document.get()
    first.close()
    again = live(*content["cells"])
    revert(again, made(change), ORIGIN)
    assert texts(again) == ["x = 1"]


def test_the_last_change_of_an_agent_is_found_and_forgotten_ones_are_an_error() -> None:
    changes = Changes(kept=2)
    for number in range(3):
        edited = Edited("a", "", str(number))
        changes.add(ChangeSet(f"c_{number}", "a_1", "file-1", [edited]))
    last = changes.last("a_1", "file-1")
    assert last is not None
    assert last.call_id == "c_2"
    last.undone = True
    assert changes.last("a_1", "file-1") is changes.get("c_1")
    assert changes.last("a_2", "file-1") is None
    with pytest.raises(NotFoundError, match="c_0"):
        changes.get("c_0")


def test_change_sets_with_large_outputs_make_room_for_later_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes_of_calls, "MAX_BYTES", 10_000)
    changes = Changes()
    figure = [{"output_type": "display_data", "data": {"image/png": "A" * 4_000}}]
    forgotten = []
    for number in range(5):
        made = ChangeSet(f"c_{number}", "a_1", "file-1", [Cleared("a", figure, 1)])
        forgotten += changes.add(made)
    assert forgotten == ["c_0", "c_1", "c_2"]
    assert "not among the latest 2 changes" in changes.reach
    # One that is larger than all of them may be is known all the same.
    large = ChangeSet("c_5", "a_1", "file-1", [Cleared("a", figure * 5, 1)])
    assert changes.add(large) == ["c_3", "c_4"]
    assert changes.get("c_5") is large


def test_the_size_of_kept_changes_of_many_small_cells_is_counted_correctly() -> None:
    whole = {"id": "a", "cell_type": "code", "metadata": {}, "source": "x", "outputs": []}
    small = [Deleted(str(number), dict(whole), None, None, 0) for number in range(100)]
    # A cell of one character is no byte: a thousand of them deleted take a megabyte.
    assert made(*small).size > 100 * 300
