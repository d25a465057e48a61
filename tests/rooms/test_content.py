"""Files that are no notebook, old or broken ones, and paths that are none of ours."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ..support.robots import Robot, write_notebook
from .test_files import close

METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
    "language_info": {"name": "python"},
}


def write_old(path: Path, minor: int, *sources: str) -> None:
    """Write a notebook of a format whose cells have no ids."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [cell | {"source": source} for source in sources]
    content = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": minor}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b'{"cells": [', "not a valid notebook", id="invalid JSON"),
        pytest.param(b'{"cells": "\xff\xfe\xe9"}', "UTF-8", id="not UTF-8"),
        pytest.param(b"", "not a valid notebook", id="empty"),
        pytest.param(b'{"nbformat": 9, "cells": []}', "not a valid notebook", id="unknown format"),
        pytest.param(b"[1, 2]", "not a", id="another JSON"),
    ],
)
async def test_a_broken_file_is_not_opened_or_changed_and_opens_once_repaired(
    robot: Robot, root: Path, caplog: pytest.LogCaptureFixture, content: bytes, words: str
) -> None:
    path = root / "a.ipynb"
    path.write_bytes(content)
    for _ in range(2):
        said = await robot.fail("insert_cell", notebook="a.ipynb", source="x")
        assert words in said
        assert "a.ipynb" in said
        assert str(root) not in said
    assert path.read_bytes() == content
    assert robot.app.rooms.paths_open() == set()
    assert not [r for r in caplog.records if r.exc_info and r.levelno >= logging.ERROR]
    path.unlink()
    write_notebook(root, "a.ipynb", "repaired")
    assert "repaired" in await robot.say("read_cells", notebook="a.ipynb")


async def test_a_format_3_notebook_is_upgraded_and_edited(robot: Robot, root: Path) -> None:
    cell = {
        "cell_type": "code",
        "input": "x = 1",
        "language": "python",
        "metadata": {},
        "outputs": [],
        "collapsed": False,
    }
    content = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    (root / "a.ipynb").write_text(json.dumps(content))
    notebook = await robot.open("a.ipynb")
    await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=notebook.ids[0], source="x = 2"
    )
    ids = list(notebook.ids)
    await close(robot, "a.ipynb")
    saved = nbformat.read(root / "a.ipynb", nbformat.NO_CONVERT)
    nbformat.validate(saved)
    assert (saved.nbformat, saved.nbformat_minor) == (4, 5)
    assert [cell.source for cell in saved.cells] == ["x = 2"]
    assert (await robot.open("a.ipynb")).ids == ids


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("overwrite_cell_source", {"cell": 0, "source": "changed"}),
        ("delete_cell", {"cells": 0}),
        ("move_cell", {"cells": 0, "index": 2}),
        ("insert_cell", {"source": "new"}),
    ],
)
async def test_the_first_edit_of_a_format_4_4_notebook_makes_its_ids_permanent(
    robot: Robot, root: Path, tool: str, arguments: dict[str, Any]
) -> None:
    write_old(root / "a.ipynb", 4, "x", "y")
    notebook = await robot.open("a.ipynb")
    named = {k: notebook.ids[0] if v == 0 else v for k, v in arguments.items()}
    await robot.say(tool, notebook="a.ipynb", **named)
    ids = list(notebook.ids)
    await close(robot, "a.ipynb")
    saved = nbformat.read(root / "a.ipynb", nbformat.NO_CONVERT)
    nbformat.validate(saved)
    assert saved.nbformat_minor == 5
    assert [cell.id for cell in saved.cells] == ids
    assert (await robot.open("a.ipynb")).ids == ids


async def test_a_format_4_4_notebook_that_is_only_read_is_unchanged(
    robot: Robot, root: Path
) -> None:
    write_old(root / "a.ipynb", 4, "x", "y")
    before = (root / "a.ipynb").read_text()
    ids = list((await robot.open("a.ipynb")).ids)
    await close(robot, "a.ipynb")
    assert (root / "a.ipynb").read_text() == before
    # The history of the room keeps the ids that the file cannot.
    assert (await robot.open("a.ipynb")).ids == ids


@pytest.mark.filterwarnings("ignore:Non-unique cell id")
async def test_cells_with_the_same_id_get_different_ids(robot: Robot, root: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell(text) for text in ("x", "y", "x")])
    content = json.loads(nbformat.writes(notebook))
    for cell in content["cells"]:
        cell["id"] = "same"
    (root / "a.ipynb").write_text(json.dumps(content))
    opened = await robot.open("a.ipynb")
    assert len(set(opened.ids)) == len(opened.ids) >= 2
    texts = [opened.source(cell_id) for cell_id in opened.ids]
    assert set(texts) == {"x", "y"}
    cell = opened.ids[texts.index("y")]
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="z")
    await robot.app.rooms.save(opened)
    nbformat.validate(nbformat.read(root / "a.ipynb", nbformat.NO_CONVERT))


async def test_a_notebook_of_50_megabytes_is_summarized_and_edited(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That a save is slow where others work is said elsewhere.
    monkeypatch.setattr("jmcp_lab.rooms.saving.autosave.SLOW_SECONDS", 120)
    monkeypatch.setattr("jmcp_lab.rooms.upstream.ydoc_server.SAVE_SECONDS", 120)
    output = new_output("stream", text="0123456789abcde\n" * (50 * 1024 * 1024 // 16))
    notebook = new_notebook(cells=[new_code_cell("big", outputs=[output]), new_code_cell("x = 1")])
    nbformat.write(notebook, root / "a.ipynb")
    cell = notebook.cells[1].id
    said = await robot.say("read_cells", notebook="a.ipynb")
    assert "x = 1" in said
    assert len(said) <= 21_000
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    opened = await robot.open("a.ipynb")
    await robot.app.rooms.save(opened)
    saved = nbformat.read(root / "a.ipynb", nbformat.NO_CONVERT)
    assert saved.cells[1].source == "x = 2"
    assert saved.cells[0].outputs == notebook.cells[0].outputs


@pytest.mark.parametrize(
    "path",
    [
        "../secret.ipynb",
        "sub/../../secret.ipynb",
        "/etc/secret.ipynb",
        "..%2fsecret.ipynb",
        "..\\secret.ipynb",
        "C:\\secret.ipynb",
        "~/secret.ipynb",
        "//host/secret.ipynb",
        "a\x00.ipynb",
        "../root_dir-sibling/secret.ipynb",
        "sibling/secret.ipynb",
        "link.ipynb",
        ".hidden.ipynb",
        ".hidden/a.ipynb",
        "sub/.hidden.ipynb",
    ],
)
@pytest.mark.parametrize("tool", ["read_cells", "use_notebook"])
async def test_a_path_outside_the_root_or_hidden_is_refused(
    robot: Robot, root: Path, path: str, tool: str
) -> None:
    sibling = root.parent / f"{root.name}-sibling"
    sibling.mkdir()
    write_notebook(root.parent, "secret.ipynb", "SECRET")
    write_notebook(sibling, "secret.ipynb", "SECRET")
    write_notebook(root, ".hidden.ipynb", "SECRET")
    write_notebook(root, ".hidden/a.ipynb", "SECRET")
    write_notebook(root, "sub/.hidden.ipynb", "SECRET")
    (root / "sibling").symlink_to(sibling)
    (root / "link.ipynb").symlink_to(root.parent / "secret.ipynb")
    said = await robot.fail(tool, notebook=path)
    assert "SECRET" not in said
    assert str(root.parent) not in said
    assert robot.app.rooms.paths_open() == set()


async def test_a_link_that_stays_inside_the_root_is_a_notebook(robot: Robot, root: Path) -> None:
    write_notebook(root, "real.ipynb", "x = 1")
    (root / "link.ipynb").symlink_to(root / "real.ipynb")
    assert "x = 1" in await robot.say("read_cells", notebook="link.ipynb")


async def test_an_open_notebook_replaced_by_a_link_out_of_the_root_is_refused(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    write_notebook(root.parent, "secret.ipynb", "SECRET")
    await robot.say("read_cells", notebook="a.ipynb")
    (root / "a.ipynb").unlink()
    (root / "a.ipynb").symlink_to(root.parent / "secret.ipynb")
    said = await robot.fail("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    assert "link" in said
    assert "SECRET" in (root.parent / "secret.ipynb").read_text()
