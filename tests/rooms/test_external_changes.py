"""A notebook is open, and another program writes its file."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.codec.fingerprint import mark
from jmcp_lab.notebooks import cells

from ..support.desk import Content, Desk, notebook_of, set_source, sit_down
from ..support.program import code_cell


@pytest.fixture
def desk(tmp_path: Path, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Desk:
    content = notebook_of("x = 1\ny = 1", "two", "three")
    return jp_asyncio_loop.run_until_complete(sit_down(tmp_path, content))


@pytest.mark.parametrize("notice", ["look", "save"])
async def test_unsaved_changes_are_merged_with_the_other_programs_changes(
    desk: Desk, notice: str
) -> None:
    desk.type("c0", "# mine\n")
    desk.type("c2", "mine ")
    desk.change(set_source(0, "x = 1\ny = 2"))
    await getattr(desk, notice)()
    assert desk.sources == {"c0": "# mine\nx = 1\ny = 2", "c1": "two", "c2": "mine three"}
    await desk.save()


async def test_a_cell_added_to_an_old_file_duplicates_no_edited_cell(
    tmp_path: Path,
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two", minor=4))
    first, second = desk.notebook.ids

    def insert(content: Content) -> None:
        content["cells"].insert(1, code_cell("", f"new {desk.program.number}"))
        # A program that knows no ids.
        content["nbformat_minor"] = 4
        for cell in content["cells"]:
            cell.pop("id", None)

    for _ in range(2):
        desk.type(first, "mine ")
        desk.change(insert)
        await desk.look()
        await desk.save()
    assert list(desk.sources.values()) == ["mine mine one", "new 1", "new 0", "two"]
    assert (desk.notebook.ids[0], desk.notebook.ids[-1]) == (first, second)
    # An edit of an agent makes the ids last: they must be such as a notebook may have.
    cells.insert(desk.notebook, 4, [cells.NewCell("agent")], "jmcp:a_1")
    assert len((await desk.save())["cells"]) == 5


async def test_a_line_changed_by_both_has_the_characters_of_both(desk: Desk) -> None:
    desk.type("c1", "mine ")
    desk.change(set_source(1, "other two"))
    await desk.look()
    assert "mine" in desk.sources["c1"]
    assert "other" in desk.sources["c1"]


async def test_saved_content_removed_from_the_file_is_removed(desk: Desk) -> None:
    desk.type("c0", "# mine\n")
    await desk.save()
    desk.change(set_source(0, "x = 1"))
    await desk.look()
    assert desk.sources["c0"] == "x = 1"


async def test_a_cell_removed_from_the_file_is_removed_unless_somebody_edited_it(
    desk: Desk,
) -> None:
    desk.type("c1", "mine ")
    desk.change(lambda content: content["cells"].clear())
    await desk.look()
    assert desk.sources == {"c1": "mine two"}
    await desk.save()


async def test_a_deleted_cell_stays_deleted_unless_the_other_program_edited_it(
    desk: Desk,
) -> None:
    cells.delete(desk.notebook, ["c1", "c2"], "test")
    desk.change(set_source(2, "three more"))
    await desk.look()
    assert desk.sources == {"c0": "x = 1\ny = 1", "c2": "three more"}


async def test_new_cells_of_both_come_after_the_cells_that_they_followed(desk: Desk) -> None:
    cells.insert(desk.notebook, 1, [cells.NewCell("mine", id="mine")], "test")
    desk.change(lambda content: content["cells"].insert(2, code_cell("other", "other")))
    await desk.look()
    assert desk.notebook.ids == ["c0", "mine", "c1", "other", "c2"]


async def test_a_cell_order_changed_by_the_other_program_is_adopted(desk: Desk) -> None:
    cells.insert(desk.notebook, 3, [cells.NewCell("mine", id="mine")], "test")
    desk.change(lambda content: content["cells"].reverse())
    await desk.look()
    assert desk.notebook.ids == ["c2", "mine", "c1", "c0"]


async def test_the_same_new_cell_on_both_sides_exists_once_with_all_its_text(
    desk: Desk,
) -> None:
    cells.insert(desk.notebook, 3, [cells.NewCell("mine", id="new")], "test")
    desk.change(lambda content: content["cells"].append(code_cell("new", "other")))
    await desk.look()
    assert desk.notebook.ids == ["c0", "c1", "c2", "new"]
    assert {*"mineother"} <= {*desk.sources["new"]}


async def test_an_emptied_file_leaves_one_empty_cell(desk: Desk) -> None:
    desk.change(lambda content: content["cells"].clear())
    await desk.look()
    assert list(desk.sources.values()) == [""]


async def test_unchanged_outputs_type_and_metadata_follow_the_file(
    desk: Desk,
) -> None:
    cells.clear_outputs(desk.notebook, ["c1"], "test")
    cells.trust(desk.notebook, "c0", True, "test")

    def change(content: Content) -> None:
        for cell in content["cells"][:2]:
            cell["outputs"][0]["text"] = "other\n"
        content["cells"][1]["metadata"] = {"tags": ["other"]}
        content["cells"][2] = {
            "id": "c2", "cell_type": "markdown", "source": "three", "metadata": {}
        }  # fmt: skip
        content["metadata"] = {"kernelspec": {"name": "k", "display_name": "K"}, "n": 1}

    desk.change(change)
    await desk.look()
    first, second, third = (cells.whole(desk.notebook, cell_id) for cell_id in ("c0", "c1", "c2"))
    assert first["outputs"][0]["text"] == "other\n"
    assert first["metadata"].get("trusted") is not True, "nobody has vouched for these outputs"
    assert second["outputs"] == []
    assert second["metadata"]["tags"] == ["other"]
    assert (third["cell_type"], third["source"]) == ("markdown", "three")
    assert "outputs" not in third
    assert desk.notebook.kernel_name == "k"
    assert desk.notebook.metadata["n"] == 1
    desk.change(lambda content: content["metadata"].pop("n"))
    await desk.look()
    assert "n" not in desk.notebook.metadata


async def test_a_file_with_nothing_new_in_the_document_is_not_written_again(desk: Desk) -> None:
    desk.change(set_source(0, "other"))
    before = desk.path.stat().st_mtime_ns
    await desk.look()
    assert desk.sources["c0"] == "other"
    assert not desk.notebook.document.dirty
    assert desk.path.stat().st_mtime_ns == before


async def test_changes_missing_from_the_file_wait_for_the_next_save(desk: Desk) -> None:
    desk.type("c1", "mine ")
    desk.change(set_source(0, "other"))
    await desk.look()
    assert desk.notebook.document.dirty
    assert (await desk.save())["cells"][1]["source"] == "mine two"
    assert not desk.notebook.document.dirty


@pytest.mark.parametrize("notice", ["look", "save"])
async def test_a_file_with_an_older_date_is_merged_too(desk: Desk, notice: str) -> None:
    desk.change(set_source(0, "out of a backup"), older=True)
    await getattr(desk, notice)()
    assert desk.sources["c0"] == "out of a backup"


async def test_a_save_that_waits_for_the_look_at_the_file_does_not_overwrite_it(
    desk: Desk,
) -> None:
    desk.type("c1", "mine ")
    desk.change(set_source(0, "other"))
    await asyncio.gather(desk.look(), desk.files.upstream.save(desk.room))
    content = await desk.save()
    assert [cell["source"] for cell in content["cells"]] == ["other", "mine two", "three"]


@pytest.mark.parametrize("notice", ["the server looks", "a save finds it"])
async def test_an_unreadable_file_is_kept_in_a_copy(desk: Desk, notice: str) -> None:
    desk.type("c0", "# mine\n")
    for number, text in enumerate((b"<<<<<<< HEAD\n\xff", b">>>>>>> theirs")):
        desk.path.write_bytes(text)
        if notice == "the server looks":
            await desk.look()
        assert desk.sources["c0"] == "# mine\nx = 1\ny = 1"
        content = await desk.save()
        assert content["cells"][0]["source"] == "# mine\nx = 1\ny = 1"
        assert len(desk.kept) == number + 1
        assert (desk.files.root / desk.kept[-1]).read_bytes() == text
    # What can be read again is met again, and nothing more is kept.
    desk.change(set_source(1, "other"))
    await desk.look()
    await desk.save()
    assert desk.kept == ["a-unreadable.txt", "a-unreadable1.txt"]


async def test_a_file_that_keeps_changing_is_never_overwritten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.type("c1", "mine ")
    get = desk.files.manager.get

    def busy(path: str, content: bool = True, **more: Any) -> object:
        if not content:
            desk.change(set_source(0, f"other {desk.program.number}"))
        return get(path, content=content, **more)

    monkeypatch.setattr(desk.files.manager, "get", busy)
    assert not await desk.files.upstream.save(desk.room)
    monkeypatch.undo()
    assert desk.sources["c1"] == "mine two"
    assert (await desk.save())["cells"][0]["source"].startswith("other")


async def test_a_notebook_without_ids_gets_none_until_something_is_written(
    tmp_path: Path,
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two", minor=4))
    desk.change(set_source(0, "other"))
    await desk.look()
    assert list(desk.sources.values()) == ["other", "two"]
    assert desk.notebook.document.get()["nbformat_minor"] == 4


async def test_cells_without_ids_are_found_by_their_texts(tmp_path: Path) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two", "three", minor=4))
    desk.type(desk.notebook.ids[2], "mine ")
    desk.change(set_source(0, "other"))
    await desk.look()
    assert list(desk.sources.values()) == ["other", "two", "mine three"]
    content = await desk.save()
    assert content["nbformat_minor"] == 5


async def test_a_format_upgrade_by_the_other_program_is_adopted(tmp_path: Path) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", minor=4))
    desk.type(desk.notebook.ids[0], "mine ")
    desk.change(lambda content: content.update(notebook_of("one", "two")))
    await desk.look()
    assert {"mine one", "two"} <= {*desk.sources.values()}
    await desk.save()


@pytest.mark.parametrize("steps", range(1, 5))
async def test_a_save_is_consistent_while_cells_come_and_go(desk: Desk, steps: int) -> None:
    reading = asyncio.create_task(desk.room._document.aget())
    for _ in range(steps):
        await asyncio.sleep(0)
    cells.move(desk.notebook, ["c2"], 0, "test")
    desk.type("c0", "x")
    await asyncio.sleep(0)
    cells.delete(desk.notebook, ["c1"], "test")
    assert await reading == desk.notebook.document.get()
    assert desk.notebook.ids == ["c2", "c0"]


async def test_a_save_is_consistent_while_cells_keep_moving(desk: Desk) -> None:
    reading = asyncio.create_task(desk.room._document.aget())
    while not reading.done():
        cells.move(desk.notebook, ["c2"], 0, "test")
        await asyncio.sleep(0)
    assert sorted(cell["id"] for cell in reading.result()["cells"]) == ["c0", "c1", "c2"]


async def test_a_duplicate_id_is_saved_once(desk: Desk) -> None:
    document = desk.notebook.document
    document.ycells.append(document.create_ycell(code_cell("c0", "again")))
    assert await desk.files.upstream.save(desk.room)
    ids = [cell["id"] for cell in json.loads(desk.path.read_text())["cells"]]
    assert len(set(ids)) == len(ids) == 4


@pytest.mark.parametrize("steps", range(0, 12, 2))
async def test_the_old_name_does_not_reappear_when_a_file_moves_during_a_save(
    desk: Desk, steps: int
) -> None:
    desk.type("c0", "# mine\n")
    saving = asyncio.create_task(desk.files.upstream.save(desk.room))
    for _ in range(steps):
        await asyncio.sleep(0)
    await desk.files.rename("a.ipynb", "b.ipynb")
    assert await saving
    assert [path.name for path in desk.files.root.glob("*.ipynb")] == ["b.ipynb"]
    desk.path = desk.files.root / "b.ipynb"
    assert (await desk.save())["cells"][0]["source"] == "# mine\nx = 1\ny = 1"


async def test_a_deleted_file_is_not_recreated(desk: Desk) -> None:
    desk.type("c0", "# mine\n")
    os.unlink(desk.path)
    assert not await desk.files.upstream.save(desk.room)
    assert not desk.path.exists()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2.0}, {"b": 2.0, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": [1, "x", None]}, {"a": (1, "x", None)}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": -1}, {"a": -2}, False),
        ([["a"], "b"], ["a", ["b"]], False),
        ({"a": "1"}, {"a": 1}, False),
    ],
    ids=str,
)
def test_fingerprints_are_equal_for_equal_json(one: object, other: object, same: bool) -> None:
    assert (mark(one) == mark(other)) is same
