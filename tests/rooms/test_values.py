"""Notebooks with values that no page can hold: opened, changed and saved through the tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from pycrdt import Map

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.rooms.upstream.ydoc_server import Upstream

from ..support.hostile import said, same
from ..support.robots import Robot, open_as_page
from ..support.room_page import OpenPage, until

CELL: dict[str, Any] = {
    "cell_type": "code",
    "execution_count": None,
    "id": "a",
    "metadata": {},
    "outputs": [],
    "source": "x = 1",
}
HUGE = 10**400
VALUES = {
    "nan": float("nan"),
    "infinite": [float("inf"), float("-inf")],
    "long": 2**64 - 1,
    "longer": -(2**63) - 1,
    "longest": HUGE,
    "mass": 1.989e30,
    "whole": [1.0, -0.0, 1e22, 2.0**53],
    "half": "a\ud83db",
    "plain": [1, 2.5, None, True, "text"],
}


def output(value: object) -> dict[str, Any]:
    data = {"application/json": value, "text/plain": "…"}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def notebook(*found: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"cells": list(found), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | top


def write(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    path.write_text(json.dumps(content))
    return said(path.read_text())


PLACES = {
    "an output": lambda value: notebook(CELL | {"outputs": [output(value)]}, foo=value),
    "the metadata": lambda value: notebook(
        CELL | {"metadata": {"v": value}}, metadata={"v": value, "w": {"v": [value]}}
    ),
    "an attachment": lambda value: notebook(
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "x"}
        | {"attachments": {"a.png": {"application/json": value}}}
    ),
    "an unknown key": lambda value: notebook(CELL | {"foo": value}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", VALUES)
async def test_a_notebook_is_saved_unchanged_except_for_the_edit(
    robot: Robot, root: Path, place: str, kind: str
) -> None:
    before = write(root / "a.ipynb", PLACES[place](VALUES[kind]))
    assert "x" in await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="new", index=0)
    await robot.say("move_cell", notebook="a.ipynb", cells="a", index=0)
    nb = await robot.open("a.ipynb")
    await robot.app.rooms.save(nb)
    after = said((root / "a.ipynb").read_text())
    assert after["cells"][1]["source"] == "new"
    assert same({**after, "cells": after["cells"][:1]}) == same(before)


@pytest.mark.parametrize("kind", VALUES)
async def test_a_page_saves_typed_text_beside_unusual_values(
    robot: Robot, root: Path, open_page: OpenPage, kind: str
) -> None:
    before = write(
        root / "a.ipynb",
        notebook(CELL | {"outputs": [output(VALUES[kind])], "metadata": {"v": VALUES[kind]}}),
    )
    assert robot.app.serverapp is not None
    # As when a server starts.
    Upstream(robot.app.serverapp, LiveRoom).follow_files()
    await open_as_page(robot, "a.ipynb", "notebook")
    page = await open_page("a.ipynb")
    page.notebook.ycells[0]["source"].insert(0, "# typed\n")
    page.notebook.ycells[0]["metadata"]["collapsed"] = True

    def saved() -> bool:
        return "typed" in (root / "a.ipynb").read_text()

    await until(saved)
    before["cells"][0]["source"] = "# typed\nx = 1"
    before["cells"][0]["metadata"]["collapsed"] = True
    assert same(said((root / "a.ipynb").read_text())) == same(before)


@pytest.mark.parametrize(
    "source",
    ["x = 'a\ud83db'", "\ud83d", "a\n\udfff\nb\ud83d\n", "\ufffd and \ud83d", "😀\ud83d😀"],
)
async def test_half_a_surrogate_pair_survives_edits_around_it(
    robot: Robot, root: Path, source: str
) -> None:
    write(root / "a.ipynb", notebook(CELL | {"source": source}))
    nb = await robot.open("a.ipynb")
    shown = str(nb.source("a"))
    cells.shared(nb, "a")["source"].insert(0, "# first ")
    cells.shared(nb, "a")["source"].insert(len(f"# first {shown}".encode()), " last")
    await robot.app.rooms.save(nb)
    (cell,) = said((root / "a.ipynb").read_text())["cells"]
    assert cell["source"] == f"# first {source} last"


async def test_half_a_surrogate_pair_follows_its_line_into_another_cell(
    robot: Robot, root: Path
) -> None:
    write(root / "a.ipynb", notebook(CELL | {"source": "a\nx = '\ud83d'\nb"}))
    nb = await robot.open("a.ipynb")
    cells.insert(nb, 1, [cells.NewCell("new\nx = '\ufffd'")], "jmcp:test")
    await robot.app.rooms.save(nb)
    first, second = said((root / "a.ipynb").read_text())["cells"]
    assert first["source"] == "a\nx = '\ud83d'\nb"
    assert second["source"] == "new\nx = '\ud83d'"


async def test_numbers_from_a_kernel_are_saved_to_the_last_digit(robot: Robot, root: Path) -> None:
    write(root / "a.ipynb", notebook(CELL))
    values = {"a": [1.0, 2, -0.0, 1e22, 2**64 - 1, 2**60], "b": 3.0}
    code = (
        "from IPython.display import display\n"
        f"display({{'application/json': {values!r}}}, raw=True)\n"
        "display({'application/json': {'a': 1}}, raw=True)\n"
        "display({'application/json': {'a': 1.0}}, raw=True)"
    )
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell="a", source=code)
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells="a")
    assert not reply.is_error, reply.text
    nb = await robot.open("a.ipynb")
    await robot.app.rooms.save(nb)
    (cell,) = said((root / "a.ipynb").read_text())["cells"]
    found = [found["data"]["application/json"] for found in cell["outputs"]]
    assert repr(found) == repr([values, {"a": 1}, {"a": 1.0}])


@pytest.mark.parametrize("minor", [0, 2, 4])
async def test_a_persons_edit_keeps_an_old_format(robot: Robot, root: Path, minor: int) -> None:
    plain = {key: value for key, value in CELL.items() if key != "id"}
    plain |= {"metadata": {"v": 1.0}, "foo": {"bar": 2.0}}
    before = write(root / "a.ipynb", notebook(plain, plain | {"source": "y"}, nbformat_minor=minor))
    nb = await robot.open("a.ipynb")
    nb.ycells[0]["source"].insert(0, "# ")
    await robot.app.rooms.save(nb)
    before["cells"][0]["source"] = "# x = 1"
    assert same(said((root / "a.ipynb").read_text())) == same(before)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(notebook(CELL, metadata={"a": 1}), id="no kernelspec"),
        pytest.param(notebook(), id="no cells"),
        pytest.param({"cells": [CELL], "nbformat": 4, "nbformat_minor": 5}, id="no metadata"),
        pytest.param(
            notebook({k: v for k, v in CELL.items() if k != "metadata"}), id="a cell without"
        ),
        pytest.param(notebook({k: v for k, v in CELL.items() if k != "outputs"}), id="no outputs"),
        pytest.param({"cells": [], "metadata": {}, "nbformat": 4}, id="no minor"),
        pytest.param(notebook(CELL | {"cell_type": "sql"}), id="unknown type"),
        pytest.param(notebook(CELL | {"id": "x y!"}, CELL | {"id": "a" * 70}), id="odd ids"),
        pytest.param(
            notebook({k: v for k, v in CELL.items() if k != "execution_count"}), id="no count"
        ),
    ],
)
async def test_nothing_is_added_to_or_removed_from_a_notebook(
    robot: Robot, root: Path, content: dict[str, Any]
) -> None:
    before = write(root / "a.ipynb", content)
    nb = await robot.open("a.ipynb")
    assert len(nb.ids) == max(1, len(content["cells"]))
    await robot.app.rooms.save(nb)
    assert same(said((root / "a.ipynb").read_text())) == same(before)


async def test_an_empty_notebook_keeps_the_cell_a_person_types_in(robot: Robot, root: Path) -> None:
    write(root / "a.ipynb", notebook())
    nb = await robot.open("a.ipynb")
    nb.ycells[0]["source"].insert(0, "typed")
    await robot.app.rooms.save(nb)
    (cell,) = said((root / "a.ipynb").read_text())["cells"]
    assert cell["source"] == "typed"


async def test_cells_without_a_unique_id_get_one_and_none_is_lost(robot: Robot, root: Path) -> None:
    same_id = [CELL | {"id": "d", "source": text} for text in ("a", "b", "a")]
    odd = [CELL | {"id": "", "source": "c"}, CELL | {"id": "", "source": "d"}]
    (root / "a.ipynb").write_text(json.dumps(notebook(*same_id, *odd)))
    nb = await robot.open("a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="new")
    await robot.app.rooms.save(nb)
    found = nbformat.read(root / "a.ipynb", 4)
    nbformat.validate(found)
    assert [cell["source"] for cell in found["cells"]] == ["a", "b", "a", "c", "d", "new"]
    assert len({cell["id"] for cell in found["cells"]}) == 6


async def test_a_notebook_with_a_byte_order_mark_opens(robot: Robot, root: Path) -> None:
    (root / "a.ipynb").write_text(json.dumps(notebook(CELL)), encoding="utf-8-sig")
    await robot.say("insert_cell", notebook="a.ipynb", source="new")
    nb = await robot.open("a.ipynb")
    await robot.app.rooms.save(nb)
    assert len(nbformat.read(root / "a.ipynb", 4)["cells"]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n "cells": [\n  {"a" 1}\n ]\n}', "line 3, column 8: Expecting ':' delimiter"),
        ("[]", "its JSON is not an object"),
        ('{"nbformat": 9}', "its nbformat is 9, and the latest known format is 4"),
        ('{"nbformat": 4, "metadata": {}}', "it has no list of cells"),
        ('{"nbformat": 4, "metadata": {}, "cells": [1]}', "cell 1 is not an object"),
    ],
)
async def test_an_agent_is_told_why_a_file_is_not_a_notebook(
    robot: Robot, root: Path, text: str, words: str
) -> None:
    (root / "a.ipynb").write_text(text)
    assert words in await robot.fail("read_cells", notebook="a.ipynb")
    assert (root / "a.ipynb").read_text() == text


async def test_outputs_and_metadata_keep_their_values_after_an_outside_change(
    robot: Robot, root: Path
) -> None:
    path = root / "a.ipynb"
    content = notebook(
        CELL | {"outputs": [output(VALUES)]}, CELL | {"id": "b", "metadata": {"v": 1.0}}
    )
    write(path, content)
    nb = await robot.open("a.ipynb")
    await robot.say("move_cell", notebook="a.ipynb", cells="b", index=0)
    content["cells"][0]["source"] = "changed outside"
    content["metadata"] = {"new": VALUES}
    write(path, content)
    await robot.app.rooms.save(nb)
    after = said(path.read_text())
    assert same(after) == same(notebook(*reversed(content["cells"]), metadata={"new": VALUES}))


async def test_an_outside_change_of_only_a_numbers_type_is_kept(robot: Robot, root: Path) -> None:
    path = root / "a.ipynb"
    write(path, notebook(CELL | {"metadata": {"v": 1.0}, "outputs": [output(1.0)]}))
    nb = await robot.open("a.ipynb")
    content = notebook(CELL | {"metadata": {"v": 1}, "outputs": [output(1)]})
    write(path, content)
    await robot.say("insert_cell", notebook="a.ipynb", source="new")
    await robot.app.rooms.save(nb)
    after = said(path.read_text())
    assert same({**after, "cells": after["cells"][:1]}) == same(content)


async def test_a_number_that_a_person_changes_is_not_changed_back(robot: Robot, root: Path) -> None:
    write(root / "a.ipynb", notebook(CELL | {"metadata": {"v": 1.0, "w": 2.0}}))
    nb = await robot.open("a.ipynb")
    metadata = nb.ycells[0]["metadata"]
    assert isinstance(metadata, Map)
    metadata["v"] = 3.0
    await robot.app.rooms.save(nb)
    (cell,) = said((root / "a.ipynb").read_text())["cells"]
    assert repr(cell["metadata"]) == "{'v': 3, 'w': 2.0}"
