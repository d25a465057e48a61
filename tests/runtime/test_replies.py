"""What replies say of what was done, so that no second call is needed to learn it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ..support.robots import Robot, ids_in, write_notebook


async def test_a_delete_says_what_it_deleted(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "first = 1\nrest", "", "third = 3")
    said = await robot.say("delete_cell", notebook="a.ipynb", cells=ids[:2])
    assert said.splitlines() == [
        f"Deleted cell 1 (id {ids[0][:8]}), cell 2 (id {ids[1][:8]}) from a.ipynb.",
        f"- cell 1 (id {ids[0][:8]}): first = 1…",
        f"- cell 2 (id {ids[1][:8]}): (empty)",
    ]


async def test_as_many_deleted_cells_as_fit_are_named(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", *(f"cell_{n} = '{'x' * 500}'" for n in range(40)))
    said = await robot.say("delete_cell", notebook="a.ipynb", cells=ids)
    assert said.splitlines()[-1] == "- and 30 more cells"
    assert len(said) < 3000


async def test_an_undo_names_restored_cells_with_their_ids(robot: Robot, root: Path) -> None:
    _, second, _ = write_notebook(root, "a.ipynb", "a = 1", "b = 2\nmore", "c = 3")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("delete_cell", cells=second)
    said = await robot.say("undo_changes")
    assert said.splitlines()[1] == f"Restored: cell 2 (id {second[:8]}): b = 2…"
    # That undo, taken back.
    said = await robot.say("undo_changes")
    assert said.splitlines()[1] == f"Removed again: cell (id {second[:8]}): b = 2…"


async def test_an_undo_reports_every_kind_of_change(robot: Robot, root: Path) -> None:
    cells = [
        new_code_cell("a = 1", outputs=[new_output("stream", text="one\n")], execution_count=1),
        new_markdown_cell("two"),
        new_markdown_cell("three"),
    ]
    nbformat.write(new_notebook(cells=cells), root / "a.ipynb")
    first, second, third = (cell["id"][:8] for cell in cells)
    await robot.say("use_notebook", notebook="a.ipynb")

    async def undone() -> str:
        return (await robot.say("undo_changes")).splitlines()[1]

    (new,) = ids_in(await robot.say("insert_cell", source="x"))
    assert await undone() == f"Removed again: cell (id {new}): x"
    await robot.say("overwrite_cell_source", cell=second, source="2")
    assert await undone() == f"Text restored: cell 2 (id {second}): two"
    await robot.say("move_cell", cells=third, index=0)
    assert await undone() == f"Moved back: cell 3 (id {third})"
    await robot.say("overwrite_cell_source", cell=second, source="two", type="raw")
    assert await undone() == f"Cell 2 (id {second}) is markdown again"
    await robot.say("clear_outputs", cells=first)
    assert await undone() == f"Outputs restored: cell 1 (id {first})"
    assert await undone() == f"Outputs cleared again: cell 1 (id {first})"


async def test_cells_that_did_not_run_are_named(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "1/0", *(f"x = {n}" for n in range(20)))
    reply = await robot.run("execute_cell", notebook="a.ipynb", all=True)
    names = ", ".join(f"cell {n} (id {ids[n - 1][:8]})" for n in range(2, 12))
    assert f"Not run: {names} and 10 more cells." in reply.text


async def test_using_a_notebook_shows_the_start_of_its_outline(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", *(f"x_{n} = {n}" for n in range(100)))
    lines = (await robot.say("use_notebook", notebook="a.ipynb")).splitlines()
    assert lines[0] == "Your current notebook is a.ipynb (100 cells)."
    assert lines[1] == f"1 {ids[0][:8]} code not run: x_0 = 0"
    assert len(lines) == 32
    assert lines[-1] == ("… 70 more cells; continue with list_cells(start=31, notebook='a.ipynb').")


async def test_the_outline_shown_with_a_notebook_is_always_short(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", *("y" * 5000 for _ in range(100)))
    assert len(await robot.say("use_notebook", notebook="a.ipynb")) < 3500


@pytest.mark.parametrize(("text", "lines"), [("a\n", 1), ("a\nb", 2), ("a\n\n", 2), ("\n", 1)])
async def test_a_file_has_as_many_lines_as_its_editor_counts(
    robot: Robot, root: Path, text: str, lines: int
) -> None:
    (root / "a.txt").write_text(text)
    said = await robot.say("read_file", path="a.txt")
    assert said.startswith(f"a.txt · lines 1 to {lines} of {lines}\n")
    made = await robot.say("write_file", path="b.txt", content=text)
    assert made.startswith(f"Created b.txt ({lines} line")


async def test_running_a_place_without_code_is_not_an_error(robot: Robot, root: Path) -> None:
    cells = [new_markdown_cell("words"), new_code_cell("  ")]
    nbformat.write(new_notebook(cells=cells), root / "a.ipynb")
    said = await robot.say("execute_cell", notebook="a.ipynb", all=True)
    assert said == "There is no code to run at that place in a.ipynb, so nothing was run."
    said = await robot.say("execute_ipython", notebook="a.ipynb", code=" \n")
    assert said == "There is no code to run, so nothing was run."


@pytest.mark.parametrize("code", ["%nosuchmagic", "%%nosuchmagic\n1"])
async def test_an_error_printed_by_ipython_is_shown_once(
    robot: Robot, root: Path, code: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", code)
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert reply.is_error
    notebook = await robot.open("a.ipynb")
    shared = notebook.cell(cell)
    assert shared is not None
    kinds = [output["output_type"] for output in shared["outputs"].to_py()]
    # As where a person runs it.
    assert "error" not in kinds
    assert "stream" in kinds
    assert "[output 1 stderr" in reply.text


@pytest.mark.parametrize(
    ("code", "cursor"), [("print()", 6), ("print(", 6), ("x = [", 5), ("len(ti", 6), ("1 + ", 4)]
)
async def test_inside_a_line_no_magics_are_offered(
    robot: Robot, root: Path, code: str, cursor: int
) -> None:
    write_notebook(root, "a.ipynb", "tiger = 1")
    await robot.run("execute_cell", notebook="a.ipynb", all=True)
    said = await robot.say("inspect_code", notebook="a.ipynb", code=code, cursor=cursor)
    assert "%" not in said.partition("Completions:")[2], said


@pytest.mark.parametrize("code", ["%tim", "x = %tim", "%%tim", "tim"])
async def test_magics_are_offered_where_they_are_valid(robot: Robot, root: Path, code: str) -> None:
    write_notebook(root, "a.ipynb", "tiger = 1")
    await robot.run("execute_cell", notebook="a.ipynb", all=True)
    said = await robot.say("inspect_code", notebook="a.ipynb", code=code)
    assert re.search(r"%?timeit", said.partition("Completions:")[2]), said
