"""Files and cells with other line ends: an edit changes the lines that it names, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.extension import JmcpLab

from ..support.robots import Robot, open_as_page, write_notebook
from ..support.room_page import OpenPage, until
from ..tools.test_text_files import write

KINDS = {
    "CRLF": b"one\r\ntwo\r\nthree\r\n",
    "CR": b"one\rtwo\rthree\r",
    "mixed": b"one\r\ntwo\nthree\r",
    "without an end": b"one\r\ntwo\r\nthree",
    "with a mark": b"\xef\xbb\xbfone\r\ntwo\r\nthree\r\n",
    "with a mark and LF": b"\xef\xbb\xbfone\ntwo\nthree\n",
}


@pytest.fixture(autouse=True)
def followed(app: JmcpLab) -> None:
    """Follow the files of all rooms, as the extension does from its start on."""
    app.rooms._upstream.follow_files()


kinds = pytest.mark.parametrize("before", KINDS.values(), ids=KINDS.keys())


def unix(content: bytes) -> str:
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


@kinds
async def test_overwriting_a_file_keeps_its_line_endings(
    robot: Robot, root: Path, before: bytes
) -> None:
    (root / "a.txt").write_bytes(before)
    said = await write(robot, "a.txt", content=unix(before).replace("two", "2"))
    assert "+1 -1 lines" in said
    assert (root / "a.txt").read_bytes() == before.replace(b"two", b"2")


@kinds
async def test_an_edit_across_a_line_break_matches_with_any_line_endings(
    robot: Robot, root: Path, before: bytes
) -> None:
    (root / "a.txt").write_bytes(before)
    edits = [{"old": "one\ntwo", "new": "one\n2"}]
    await write(robot, "a.txt", edits=edits)
    assert (root / "a.txt").read_bytes() == before.replace(b"two", b"2")
    await write(robot, "a.txt", edits=[{"old": "one\r\n2", "new": "one\r\ntwo"}])
    assert (root / "a.txt").read_bytes() == before


@kinds
async def test_a_file_open_in_a_page_is_saved_with_its_own_line_endings(
    robot: Robot, root: Path, before: bytes
) -> None:
    (root / "a.txt").write_bytes(before)
    await open_as_page(robot, "a.txt")
    shown = await robot.say("read_file", path="a.txt")
    assert "\r" not in shown
    assert "\ufeff" not in shown
    await write(robot, "a.txt", edits=[{"old": "one\ntwo", "new": "one\n2"}])
    wanted = before.replace(b"two", b"2")
    await until(lambda: (root / "a.txt").read_bytes() == wanted)


async def test_line_endings_changed_by_another_program_are_kept(robot: Robot, root: Path) -> None:
    file = root / "a.txt"
    file.write_bytes(b"one\ntwo\n")
    await open_as_page(robot, "a.txt")
    file.write_bytes(b"one\r\ntwo\r\nthree\r\n")

    def taken_in() -> bool:
        live = robot.app.rooms.texts.find("a.txt")
        return live is not None and live.text == "one\ntwo\nthree\n"

    await until(taken_in)
    await write(robot, "a.txt", edits=[{"old": "two", "new": "2"}])
    await until(lambda: file.read_bytes() == b"one\r\n2\r\nthree\r\n")


async def test_the_reply_says_that_line_endings_are_kept(robot: Robot, root: Path) -> None:
    (root / "a.sh").write_bytes(b"one\r\ntwo\r\n")
    said = await write(robot, "a.sh", content="one\ntwo\n")
    assert said == "a.sh keeps its text: yours adds nothing new. Its line endings are kept (CRLF)."
    assert (root / "a.sh").read_bytes() == b"one\r\ntwo\r\n"


async def test_a_new_file_has_the_line_endings_that_the_agent_gave(
    robot: Robot, root: Path
) -> None:
    await robot.say("write_file", path="a.bat", content="one\r\ntwo\r\n")
    assert (root / "a.bat").read_bytes() == b"one\r\ntwo\r\n"
    await robot.say("read_file", path="a.bat")
    await write(robot, "a.bat", content="one\nzwei\n")
    assert (root / "a.bat").read_bytes() == b"one\r\nzwei\r\n"


# -- cells -------------------------------------------------------------------------------------

SOURCES = ["a = 1\r\nb = 2\r\n", "c\rd\re", "\ufeffe\r\nf\ng", "\ufeffplain\ntext"]


def sources(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    return {cell["id"]: "".join(cell["source"]) for cell in content["cells"]}


async def test_cells_keep_their_line_endings_except_in_changed_lines(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", *SOURCES)
    edits = [{"old": "1\nb", "new": "9\nb"}]
    await robot.say("edit_cell", notebook="a.ipynb", cell=ids[0], edits=edits)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[1], source="c\nD\ne")
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[2], index=0)
    notebook = await robot.open("a.ipynb")
    assert not any("\r" in str(notebook.source(i)) for i in ids)
    await robot.app.rooms.save(notebook)
    assert sources(root / "a.ipynb") == dict(
        zip(ids, ["a = 9\r\nb = 2\r\n", "c\rD\re", *SOURCES[2:]], strict=True)
    )


async def test_a_restored_cell_has_its_line_endings_again(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", *SOURCES)
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[0])
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    assert list(sources(root / "a.ipynb")) == ids[1:]
    await robot.say("undo_changes", notebook="a.ipynb")
    await robot.app.rooms.save(notebook)
    assert sources(root / "a.ipynb") == dict(zip(ids, SOURCES, strict=True))


async def test_text_typed_into_a_cell_with_other_line_endings_stays_in_place(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a = 1\r\nb = 2\r\n")
    page = await open_page("a.ipynb")
    # The editor of a page counts a line break as one character.
    page.type(0, "1", len("a = 1\nb = "))
    await until(lambda: b"b = 12" in (root / "a.ipynb").read_bytes())
    assert sources(root / "a.ipynb") == {cell: "a = 1\r\nb = 12\r\n"}


async def test_cells_without_ids_keep_their_line_endings_too(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", *SOURCES)
    content = json.loads((root / "a.ipynb").read_text())
    content["nbformat_minor"] = 4
    for cell in content["cells"]:
        del cell["id"]
    (root / "a.ipynb").write_text(json.dumps(content))
    notebook = await robot.open("a.ipynb")
    with notebook.transaction("test"):
        notebook.meta["metadata"]["title"] = "x"
    await robot.app.rooms.save(notebook)
    saved = json.loads((root / "a.ipynb").read_text())
    assert ["".join(cell["source"]) for cell in saved["cells"]] == SOURCES


async def test_cells_that_get_ids_from_an_edit_keep_their_line_endings_too(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", *SOURCES)
    content = json.loads((root / "a.ipynb").read_text())
    content["nbformat_minor"] = 4
    for cell in content["cells"]:
        del cell["id"]
    (root / "a.ipynb").write_text(json.dumps(content))
    notebook = await robot.open("a.ipynb")
    last = notebook.ids[3]
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=last, source="new")
    for _ in range(2):
        await robot.app.rooms.save(notebook)
        assert list(sources(root / "a.ipynb").values())[:3] == SOURCES[:3]
