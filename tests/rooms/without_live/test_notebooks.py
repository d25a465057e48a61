"""Notebooks on a server without live documents: the file is what everybody shares."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from jmcp_lab.agents.modes import ASK
from jmcp_lab.extension import JmcpLab
from jmcp_lab.notebooks.cells import shared
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.rooms.without_live import file_rooms

from ...support.robots import MakeRobot, Robot, ids_in, write_notebook
from ...support.room_page import Fetch, until

PAGE = "page"


@pytest.fixture(params=["disable_rtc", "no extension"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    if request.param == "disable_rtc":
        return jp_server_config | Config({"YDocExtension": {"disable_rtc": True}})
    jp_server_config["ServerApp"]["jpserver_extensions"]["jupyter_server_ydoc"] = False
    return jp_server_config


def sources(path: Path) -> list[str]:
    return [str(cell.source) for cell in nbformat.read(path, 4).cells]


def saved(app: JmcpLab, path: str) -> Callable[[], bool]:
    """Return what says whether all is in the file: one that is being written is empty at first."""
    return lambda: not app.rooms._open[app.rooms.find(path).file_id].file.unwritten


def rewrite(path: Path, number: int, source: str) -> None:
    """Change a cell's text as git does: a new file in the place of the old one."""
    content = json.loads(path.read_text())
    content["cells"][number]["source"] = source
    path.with_suffix(".new").write_text(json.dumps(content))
    os.replace(path.with_suffix(".new"), path)


def tell(app: JmcpLab, path: str, *, dirty: bool, saves: bool = True) -> None:
    """Report an open notebook as its page does."""
    app.pages.tell(PAGE, {"open": [{"path": path, "dirty": dirty, "saves": saves}]})


async def save_as_page(fetch: Fetch, root: Path, path: str, number: int, source: str) -> None:
    """Save what a person wrote, as a page without live documents does: the whole file."""
    content = nbformat.read(root / path, 4)
    content.cells[number].source = source
    body = json.dumps({"type": "notebook", "format": "json", "content": content})
    await fetch("api", "contents", path, method="PUT", body=body)


# -- edits -------------------------------------------------------------------------------------


async def test_every_edit_is_in_the_file_when_its_reply_comes(robot: Robot, root: Path) -> None:
    one, two = write_notebook(root, "a.ipynb", "one", "two")
    path = root / "a.ipynb"
    said = await robot.say("insert_cell", notebook="a.ipynb", source="three")
    three = ids_in(said)[-1]
    assert sources(path) == ["one", "two", "three"]
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=one, source="1")
    await robot.say(
        "edit_cell", notebook="a.ipynb", cell=two, edits=[{"old": "two", "new": "2\n# é😀"}]
    )
    assert sources(path) == ["1", "2\n# é😀", "three"]
    await robot.say("move_cell", notebook="a.ipynb", cells=three, index=0)
    assert sources(path) == ["three", "1", "2\n# é😀"]
    await robot.say("delete_cell", notebook="a.ipynb", cells=one)
    assert sources(path) == ["three", "2\n# é😀"]
    await robot.say("undo_changes", notebook="a.ipynb")
    assert sources(path) == ["three", "1", "2\n# é😀"]
    assert [cell.id for cell in nbformat.read(path, 4).cells] == [three, one, two]


async def test_the_person_undoes_an_edit_from_the_panel(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (one,) = write_notebook(root, "a.ipynb", "one")
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=one, source="1")
    call = app.ledger.since(0)[-1]
    tell(app, "a.ipynb", dirty=True, saves=False)
    with pytest.raises(Exception, match="Save it, then undo this"):
        await app.supervisor.undo_call(call.id, "Ada")
    tell(app, "a.ipynb", dirty=False)
    await app.supervisor.undo_call(call.id, "Ada")
    assert sources(root / "a.ipynb") == ["one"]


async def test_an_agent_and_a_page_exchange_changes_through_the_file(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    said = await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    assert "Live documents are off" in said
    assert "nable" not in said
    await save_as_page(jp_fetch, root, "a.ipynb", 0, "x = 'person'")
    said = await robot.fail("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 3")
    assert "x = 'person'" in said
    assert "Live documents are off" not in said


async def test_changes_by_others_between_two_calls_are_merged(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "one\ntwo\nthree", "other")
    await robot.say("read_cells", notebook="a.ipynb")
    rewrite(root / "a.ipynb", 0, "ONE\ntwo\nthree")
    await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="one\ntwo\nTHREE"
    )
    assert sources(root / "a.ipynb") == ["ONE\ntwo\nTHREE", "other"]
    rewrite(root / "a.ipynb", 1, "from git")
    assert "from git" in await robot.say("read_cells", notebook="a.ipynb")


async def test_a_file_that_changes_between_the_edit_and_its_writing_is_merged(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    written = app.rooms.written

    async def late(notebook: LiveNotebook) -> str | None:
        rewrite(root / "a.ipynb", 1, "from git")
        return await written(notebook)

    monkeypatch.setattr(app.rooms, "written", late)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="agent")
    assert sources(root / "a.ipynb") == ["agent", "from git"]


@pytest.mark.parametrize(
    ("held", "words"),
    [("editing", "The user's cursor is in cell 2"), ("running", "The user is running cell 2")],
)
async def test_a_cell_that_a_page_edits_or_runs_keeps_its_place(
    robot: Robot, root: Path, app: JmcpLab, held: str, words: str
) -> None:
    one, two = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    told = {"path": "a.ipynb", "dirty": False, held: [two]}
    app.pages.tell(PAGE, {"open": [told]})
    for tool, arguments in (("move_cell", {"index": 0}), ("delete_cell", {})):
        assert words in await robot.fail(tool, notebook="a.ipynb", cells=two, **arguments)
    assert sources(root / "a.ipynb") == ["one", "two"]
    await robot.say("move_cell", notebook="a.ipynb", cells=one, index=1)
    app.pages.forget(PAGE)
    await robot.say("delete_cell", notebook="a.ipynb", cells=two)
    assert sources(root / "a.ipynb") == ["one"]


async def test_a_card_shows_what_is_in_the_file_when_it_is_allowed(
    make_robot: MakeRobot, root: Path, app: JmcpLab
) -> None:
    robot = make_robot(ASK)
    (one,) = write_notebook(root, "a.ipynb", "one\n\n2")
    await robot.say("read_cells", notebook="a.ipynb")
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=one, source="1\n\n2")
    call = await robot.request()
    rewrite(root / "a.ipynb", 0, "one\n\ntwo")
    await until(lambda: call.changed)
    await robot.allow()
    assert not (await task).is_error
    assert sources(root / "a.ipynb") == ["1\n\ntwo"]


async def test_reading_a_notebook_writes_nothing(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "one")
    before = (root / "a.ipynb").read_bytes(), (root / "a.ipynb").stat().st_mtime_ns
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("search_notebook", notebook="a.ipynb", query="one")
    assert ((root / "a.ipynb").read_bytes(), (root / "a.ipynb").stat().st_mtime_ns) == before


async def test_an_empty_notebook_gets_no_cell_that_nobody_wrote(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="mine")
    assert sources(root / "a.ipynb") == ["mine"]


# -- pages -------------------------------------------------------------------------------------


async def test_an_edit_is_refused_while_a_page_has_unsaved_text(
    robot: Robot, root: Path, app: JmcpLab, jp_fetch: Fetch
) -> None:
    (one, _) = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    tell(app, "a.ipynb", dirty=True, saves=False)
    arguments = {"notebook": "a.ipynb", "cell": one, "source": "agent"}
    said = await robot.fail("overwrite_cell_source", **arguments)
    assert "'a.ipynb' has unsaved changes in JupyterLab" in said
    assert sources(root / "a.ipynb") == ["one", "two"]
    await save_as_page(jp_fetch, root, "a.ipynb", 1, "typed")
    tell(app, "a.ipynb", dirty=False)
    await robot.say("overwrite_cell_source", **arguments)
    assert sources(root / "a.ipynb") == ["agent", "typed"]


async def test_a_page_is_asked_to_save_typed_text_before_an_edit(
    robot: Robot, root: Path, app: JmcpLab, jp_fetch: Fetch
) -> None:
    (one, _) = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    tell(app, "a.ipynb", dirty=True)
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=one, source="agent")
    await until(lambda: app.pages.errands()["save"] == ["a.ipynb"])
    await save_as_page(jp_fetch, root, "a.ipynb", 1, "typed")
    tell(app, "a.ipynb", dirty=False)
    assert not (await task).is_error
    assert sources(root / "a.ipynb") == ["agent", "typed"]
    assert app.pages.errands()["save"] == []
    assert list(app.pages.errands()["written"]) == ["a.ipynb"]


async def test_a_page_that_does_not_respond_blocks_no_call_forever(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_rooms, "ASK_SECONDS", 0.1)
    write_notebook(root, "a.ipynb", "one")
    tell(app, "a.ipynb", dirty=True)
    assert "unsaved changes" in await robot.fail("insert_cell", notebook="a.ipynb", source="x")
    app.pages.forget(PAGE)
    await robot.say("insert_cell", notebook="a.ipynb", source="x")


async def test_text_typed_while_a_request_waited_is_saved_first(
    make_robot: MakeRobot, root: Path, app: JmcpLab, jp_fetch: Fetch
) -> None:
    robot = make_robot(ASK)
    one, _ = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=one, source="agent")
    await robot.request()
    tell(app, "a.ipynb", dirty=True, saves=False)
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "as soon as the user saves" in reply.text
    assert sources(root / "a.ipynb") == ["one", "two"]
    await save_as_page(jp_fetch, root, "a.ipynb", 1, "typed")
    tell(app, "a.ipynb", dirty=False)
    await until(saved(app, "a.ipynb"))
    assert sources(root / "a.ipynb") == ["agent", "typed"]


# -- runs --------------------------------------------------------------------------------------


async def test_the_outputs_of_a_run_are_in_the_file_when_its_reply_comes(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print(6 * 7)\n'done'")
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert "42" in reply.text
    saved = nbformat.read(root / "a.ipynb", 4)
    nbformat.validate(saved)
    assert [output.output_type for output in saved.cells[0].outputs] == ["stream", "execute_result"]
    assert saved.cells[0].execution_count == 1
    assert "trusted" not in saved.cells[0].metadata


async def test_outputs_reach_the_file_while_the_run_goes_on(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('first')\ninput()")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.allow()

    notebook = await robot.open("a.ipynb")
    await until(lambda: len(shared(notebook, cell)["outputs"]) > 0)
    await until(saved(app, "a.ipynb"))
    assert "first" in nbformat.read(root / "a.ipynb", 4).cells[0].outputs[0].text
    await robot.say("interrupt_notebook", notebook="a.ipynb")
    await task


async def test_outputs_wait_for_a_page_with_unsaved_text(
    robot: Robot, root: Path, app: JmcpLab, jp_fetch: Fetch
) -> None:
    cell, _ = write_notebook(root, "a.ipynb", "print(6 * 7)", "two")
    tell(app, "a.ipynb", dirty=True, saves=False)
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert not reply.is_error
    assert "42" in reply.text
    assert "not in the file yet" in reply.text
    assert nbformat.read(root / "a.ipynb", 4).cells[0].outputs == []
    await save_as_page(jp_fetch, root, "a.ipynb", 1, "typed")
    tell(app, "a.ipynb", dirty=False)
    await until(saved(app, "a.ipynb"))
    assert nbformat.read(root / "a.ipynb", 4).cells[0].outputs[0].text == "42\n"
    assert sources(root / "a.ipynb") == ["print(6 * 7)", "typed"]


# -- what needs no document --------------------------------------------------------------------


async def test_tools_that_need_no_document_work(robot: Robot, root: Path, app: JmcpLab) -> None:
    (root / "a.txt").write_text("text")
    assert "text" in await robot.say("read_file", path="a.txt")
    await robot.run("write_file", path="a.txt", content="new")
    assert (root / "a.txt").read_text() == "new"
    write_notebook(root, "a.ipynb", "x = 1")
    assert "a.ipynb" in await robot.say("list_notebooks")
    assert "a.txt" in await robot.say("list_files")
    await robot.say("get_context")
    reply = await robot.run("execute_ipython", notebook="a.ipynb", code="6 * 7")
    assert "42" in reply.text
    session = await app.sessions.find("a.ipynb")
    assert session is not None
    reply = await robot.run("execute_ipython", kernel=session.kernel_id, code="6 * 8")
    assert "48" in reply.text


async def test_the_panel_and_the_log_say_why_live_documents_are_off(
    app: JmcpLab, jp_fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    await app._start_jupyter_server_extension(app.serverapp)
    said = {id(r): r.message for r in caplog.records if "Live documents are off" in r.message}
    assert len(said) == 1
    state = json.loads((await jp_fetch("jmcp-lab", "api", "state")).body)
    assert state["server"]["not_live"] in ("disable_rtc", "no_extension")
    assert state["server"]["files"] == {"save": [], "written": {}}


async def test_a_flood_of_calls_and_programs_on_one_notebook_loses_nothing(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "0")
    rewrite(root / "a.ipynb", 0, "git")
    await asyncio.gather(
        *(robot.say("insert_cell", notebook="a.ipynb", source=str(n)) for n in range(12))
    )
    assert sorted(sources(root / "a.ipynb")) == sorted(["git", *map(str, range(12))])
