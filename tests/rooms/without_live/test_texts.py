"""Live documents are off: no text file is written behind an editor that has unsaved changes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_ydoc import YUnicode

from jmcp_lab.agents.modes import ASK
from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.backend import open_backend
from jmcp_lab.rooms.liveness import NotLive

from ...support.robots import MakeRobot, Robot
from ...support.room_page import until

PAGE = "page"
ROBOT = {"path": "a.txt", "edits": [{"old": "two", "new": "agent"}]}


def without_live(app: JmcpLab, why: NotLive) -> None:
    server = app.serverapp
    assert server is not None
    contents = app.services.contents
    app.rooms = app.services.rooms = open_backend(
        server, contents, app.log, why=why, pages=app.pages, idle_seconds=60
    )


@pytest.fixture
def text(app: JmcpLab, root: Path) -> Path:
    """Return a file on a server without live documents."""
    without_live(app, NotLive.DISABLED)
    path = root / "a.txt"
    path.write_text("one\ntwo\n")
    return path


def said(path: Path) -> str:
    return path.read_text()


def save(path: Path, text: str) -> None:
    path.write_text(text)


def tell(app: JmcpLab, *, dirty: bool, saves: bool = True) -> None:
    """Say what an editor of the file says of itself."""
    app.pages.tell(PAGE, {"files": [{"path": "a.txt", "dirty": dirty, "saves": saves}]})


async def test_an_editor_is_asked_to_save_typed_text_before_the_file_changes(
    robot: Robot, text: Path, app: JmcpLab
) -> None:
    await robot.say("read_file", path="a.txt")
    tell(app, dirty=True)
    task = robot.start("write_file", **ROBOT)
    await until(lambda: app.pages.errands()["save"] == ["a.txt"])
    save(text, "typed one\ntwo\n")
    tell(app, dirty=False)
    await robot.allow()
    assert not (await task).is_error
    assert said(text) == "typed one\nagent\n"
    assert app.pages.errands()["save"] == []
    assert list(app.pages.errands()["written"]) == ["a.txt"]


async def test_nothing_is_written_when_the_person_switched_off_autosave(
    robot: Robot, text: Path, app: JmcpLab
) -> None:
    await robot.say("read_file", path="a.txt")
    tell(app, dirty=True, saves=False)
    assert "unsaved changes in JupyterLab" in await robot.fail("write_file", **ROBOT)
    assert said(text) == "one\ntwo\n"
    assert app.pages.errands() == {"save": [], "written": {}}


async def test_text_typed_while_a_request_waited_is_not_overwritten(
    make_robot: MakeRobot, text: Path, app: JmcpLab
) -> None:
    robot = make_robot(ASK)
    await robot.say("read_file", path="a.txt")
    task = robot.start("write_file", **ROBOT)
    await robot.request()
    tell(app, dirty=True, saves=False)
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "unsaved changes in JupyterLab" in reply.text
    assert said(text) == "one\ntwo\n"


async def test_a_text_that_another_package_keeps_live_is_changed_in_its_document(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    path = root / "a.txt"
    save(path, "one\ntwo\n")
    server = app.serverapp
    assert server is not None
    settings = server.web_app.settings
    document = YUnicode()
    document.source = "typed one\ntwo\n"
    stops: list[Any] = []

    async def get_jupyter_ydoc() -> YUnicode:
        return document

    room = SimpleNamespace(
        file_api=SimpleNamespace(content_loaded=True),
        get_jupyter_ydoc=get_jupyter_ydoc,
        add_stop_callback=stops.append,
    )
    rooms = {f"text:file:{settings['file_id_manager'].index('a.txt')}": room}
    settings["yroom_manager"] = SimpleNamespace(has_room=rooms.__contains__, get_room=rooms.get)
    without_live(app, NotLive.OTHERS)
    assert "two" in await robot.say("read_file", path="a.txt")
    await robot.run("write_file", **ROBOT)
    assert document.source == "typed one\nagent\n"
    assert said(path) == "one\ntwo\n"
    rooms.clear()
    for stop in stops:
        stop()
    await robot.run("write_file", **ROBOT)
    assert said(path) == "one\nagent\n"
