"""Text files that a page has open, read and written by agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmcp_lab.errors import ConflictError
from jmcp_lab.notebooks.shared_text import LiveText
from jmcp_lab.text.three_way_merge import merge

from ..support.robots import Robot, open_as_page
from .test_text_files import write


async def opened(robot: Robot, path: str) -> LiveText:
    """Open a text file as a page does, and return its live text."""
    await open_as_page(robot, path)
    live = robot.app.rooms.texts.find(path)
    assert live is not None
    return live


async def closed(robot: Robot, path: str) -> None:
    """Close the room of a text file, as after its last page."""
    upstream = robot.app.rooms._upstream
    room = upstream.room(f"text:file:{upstream.file_id(path)}")
    assert room is not None
    await upstream.close(room, lambda: False)
    assert robot.app.rooms.texts.find(path) is None


def type_into(live: LiveText, text: str) -> None:
    """Change a live text as a person's page would."""
    live.edit(merge(live.text, text, live.text), "page")


async def test_a_file_that_a_page_has_open_is_read_and_written_live(
    robot: Robot, root: Path
) -> None:
    (root / "a.txt").write_text("one\ntwo\nthree\n")
    live = await opened(robot, "a.txt")
    type_into(live, "one\ntwo\nthree\ntyped ✓ not saved\n")
    assert "typed ✓ not saved" in await robot.say("read_file", path="a.txt")
    await write(robot, "a.txt", edits=[{"old": "one", "new": "1"}])
    assert live.text == "1\ntwo\nthree\ntyped ✓ not saved\n"


async def test_live_changes_are_saved_when_the_server_stops(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("one\n")
    await opened(robot, "a.txt")
    upstream = robot.app.rooms._upstream
    room = upstream.room(f"text:file:{upstream.file_id('a.txt')}")
    assert room is not None
    # As the page of a person who switched saving by itself off.
    room.awareness.set_local_state({"user": {"name": "Ada"}, "autosave": False})
    await write(robot, "a.txt", content="two\n")
    assert room._document.dirty
    await robot.app.rooms.stop()
    assert (root / "a.txt").read_text() == "two\n"


async def test_text_typed_by_a_person_while_deciding_is_kept(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\nthree\n")
    live = await opened(robot, "a.txt")
    await robot.say("read_file", path="a.txt")
    task = robot.start("write_file", path="a.txt", content="1\ntwo\nthree\n")
    await robot.request()
    type_into(live, "one\ntwo\nthree, typed ✓\n")
    # What is allowed is what was shown: the card is drawn anew first.
    with pytest.raises(ConflictError, match="has changed since you looked"):
        await robot.allow()
    await robot.allow()
    assert not (await task).is_error
    assert live.text == "1\ntwo\nthree, typed ✓\n"


async def test_a_file_that_a_page_opens_while_the_person_decides_is_written_live(
    robot: Robot, root: Path
) -> None:
    (root / "a.txt").write_text("one\ntwo\n")
    task = robot.start("write_file", path="a.txt", content="1\ntwo\n")
    await robot.request()
    live = await opened(robot, "a.txt")
    await robot.allow()
    assert not (await task).is_error
    assert live.text == "1\ntwo\n"
    # The page saves it; nothing was written behind it.
    assert (root / "a.txt").read_text() == "one\ntwo\n"


async def test_a_file_that_a_page_closes_while_the_person_decides_is_written_to_disk(
    robot: Robot, root: Path
) -> None:
    (root / "a.txt").write_text("one\ntwo\n")
    await opened(robot, "a.txt")
    task = robot.start("write_file", path="a.txt", content="1\ntwo\n")
    await robot.request()
    await closed(robot, "a.txt")
    await robot.allow()
    assert not (await task).is_error
    assert (root / "a.txt").read_text() == "1\ntwo\n"


async def test_the_same_line_typed_in_a_page_is_a_conflict(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\n")
    live = await opened(robot, "a.txt")
    await robot.say("read_file", path="a.txt")
    type_into(live, "theirs\ntwo\n")
    said = await robot.fail("write_file", path="a.txt", content="mine\ntwo\n")
    assert "Nothing was written" in said
    assert live.text == "theirs\ntwo\n"
