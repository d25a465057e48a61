"""Tools of other packages at work: the same gate, time limits, bounds and undo as ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pycrdt import Text
from tornado.httpserver import HTTPServer
from traitlets.config import Config

from jmcp_lab.calls.call import CallState, ImagePart
from jmcp_lab.extension import JmcpLab
from jmcp_lab.notebooks import cells as live_cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.shared_text import splice_shared
from jmcp_lab.runtime import time_limit
from jmcp_lab.testing.fixtures import MakeRobot
from jmcp_lab.testing.robots import Robot, write_notebook
from jmcp_lab.text.three_way_merge import Splice
from jmcp_lab.tools.table import TOOLS

from ..support.distributions import MakePackage, make_package
from ..support.endpoint import http_client

__all__ = ["make_package"]

CODE = '''
import asyncio, dataclasses

@tool(**READ)
async def do_read(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Read."""
    opened = await ctx.open(notebook)
    words = [f"{opened.cell_name(c.id)} {c.type} {c.source}" for c in opened.cells()]
    return Reply.of(f"{ctx.agent_label} in {opened.name}: {words}")

@tool(**EDIT)
async def do_edit(ctx: ToolContext, cells: CellIds, notebook: NotebookPath = None) -> Reply:
    """Edit."""
    opened = await ctx.open(notebook)
    ids = [opened.cell(ref).id for ref in cells]
    done = await ctx.edit_cells(opened, {each: (lambda text: text.upper()) for each in ids})
    return Reply.of(f"{len(done)} cells in capitals")

@tool(title="Send it away", tool_class=ToolClass.FILE, open_world=True)
async def do_send(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Send."""
    opened = await ctx.open(notebook)
    await ctx.ask(f"Send {opened.name} away", details="To the archive.", notebook=opened)
    return Reply.of("sent")

@tool(**READ)
async def do_sneak(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Edit as a tool that reads."""
    opened = await ctx.open(notebook)
    await ctx.edit_cells(opened, {opened.cells()[0].id: str.upper})
    return Reply.of("edited")

@tool(**EDIT)
async def do_forget(ctx: ToolContext, wrong: bool = False) -> Reply:
    """Come to an end without asking."""
    return Reply.of("done without asking", is_error=wrong)

@tool(**EDIT)
async def do_nag(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Ask twice."""
    opened = await ctx.open(notebook)
    for cell in opened.cells():
        await ctx.edit_cells(opened, {cell.id: str.upper})
    return Reply.of("edited twice")

@tool(**EDIT)
async def do_stumble(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Fail while the edit is worked out."""
    opened = await ctx.open(notebook)
    await ctx.edit_cells(opened, {opened.cells()[0].id: lambda text: text.no_such_thing()})
    return Reply.of("edited")

@tool(**READ)
async def do_raise(ctx: ToolContext, kind: Annotated[str, Field(max_length=20)]) -> Reply:
    """Raise."""
    if kind == "plain":
        raise ValueError("a secret in /home/somebody")
    if kind == "exit":
        raise SystemExit(1)
    raise ConflictError("Cell 3 changed: read it again.")

@tool(**READ)
async def do_reply(ctx: ToolContext, kind: Annotated[str, Field(max_length=20)]) -> Reply:
    """Reply."""
    image = ImagePart("A" * 400_000, "image/png")
    return {
        "long": Reply.of("begin " + "x" * 1_000_000 + " end"),
        "text": "no reply",
        "number": Reply.of(3),
        "svg": Reply((ImagePart("AAAA", "image/svg+xml"),)),
        "large": Reply((TextPart("two"), image, image)),
        "small": Reply((TextPart("one"), image)),
    }[kind]

@tool(**READ)
async def do_hang(ctx: ToolContext) -> Reply:
    """Never come back."""
    await asyncio.Event().wait()

TOOLS = [do_read, do_edit, do_send, do_sneak, do_forget, do_nag, do_stumble, do_raise, do_reply,
         do_hang]
'''


@pytest.fixture
def jp_server_config(
    jp_server_config: Config, make_package: MakePackage, request: pytest.FixtureRequest
) -> Config:
    # Before the server starts and looks for tools.
    make_package("made-up", CODE)
    return jp_server_config | Config({"JmcpLab": getattr(request, "param", {})})


@pytest.fixture
def cells(root: Path) -> list[str]:
    return write_notebook(root, "a.ipynb", "one = 1", "two = 2")


async def test_it_reads_a_notebook(robot: Robot, cells: list[str]) -> None:
    said = await robot.say("do_read", notebook="a.ipynb")
    assert said.startswith("Robot in a.ipynb: ")
    assert f"cell 2 (id {cells[1]}) code two = 2" in said


async def test_its_edits_happen_at_once_in_modes_that_allow_edits_and_can_be_undone(
    robot: Robot, cells: list[str]
) -> None:
    assert await robot.say("do_edit", notebook="a.ipynb", cells=cells) == "2 cells in capitals"
    assert await robot.sources("a.ipynb") == ["ONE = 1", "TWO = 2"]
    (call,) = [each for each in robot.app.ledger.since(0) if each.undoable]
    assert call.summary == "Edit 2 cells in a.ipynb: Made up (made-up)"
    await robot.say("undo_changes", notebook="a.ipynb", call=call.id)
    assert await robot.sources("a.ipynb") == ["one = 1", "two = 2"]


async def test_its_edits_are_one_change_of_the_document(robot: Robot, cells: list[str]) -> None:
    notebook = await robot.app.rooms.open("a.ipynb")
    sent: list[set[str]] = []
    end = notebook.on_change(sent.append)
    await robot.say("do_edit", notebook="a.ipynb", cells=cells)
    end()
    assert sent == [set(cells)]


class BrokenError(Exception):
    """Something that nobody expects fails."""


def break_the_second_text(patch: pytest.MonkeyPatch, notebook: LiveNotebook) -> None:
    done: list[Text] = []

    def splice(text: Text, splices: Sequence[Splice]) -> None:
        if done:
            raise BrokenError
        splice_shared(text, splices)
        done.append(text)

    patch.setattr(live_cells, "splice_shared", splice)


def break_what_follows(_patch: pytest.MonkeyPatch, notebook: LiveNotebook) -> None:
    def follow(cell_id: str, before: str, after: str) -> None:
        raise BrokenError

    notebook.on_edit(follow)


@pytest.mark.parametrize(
    ("breaks", "left"),
    [
        (break_the_second_text, ["ONE = 1", "two = 2"]),
        (break_what_follows, ["ONE = 1", "TWO = 2"]),
    ],
)
async def test_what_was_written_before_an_exception_can_be_undone(
    robot: Robot,
    cells: list[str],
    breaks: Callable[[pytest.MonkeyPatch, LiveNotebook], None],
    left: list[str],
) -> None:
    notebook = await robot.app.rooms.open("a.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        breaks(patch, notebook)
        assert "failed (BrokenError)" in await robot.fail(
            "do_edit", notebook="a.ipynb", cells=cells
        )
    notebook._edits.clear()
    assert await robot.sources("a.ipynb") == left
    (call,) = [each for each in robot.app.ledger.since(0) if each.undoable]
    assert call.state is CallState.FAILED
    await robot.say("undo_changes", notebook="a.ipynb", call=call.id)
    assert await robot.sources("a.ipynb") == ["one = 1", "two = 2"]


async def test_its_edits_ask_in_modes_that_ask_and_show_each_cell_after_the_edit(
    make_robot: MakeRobot, cells: list[str]
) -> None:
    robot = make_robot("ask")
    task = robot.start("do_edit", notebook="a.ipynb", cells=[cells[0]])
    request = await robot.request()
    assert request.action is not None
    assert request.action.preview is not None
    (item,) = request.action.preview.items
    assert (item.old, item.new) == ("one = 1", "ONE = 1")
    await robot.deny("not now")
    assert "not now" in (await task).text
    assert await robot.sources("a.ipynb") == ["one = 1", "two = 2"]


async def test_an_edit_is_computed_again_when_the_cell_changes_while_the_request_waits(
    make_robot: MakeRobot, cells: list[str]
) -> None:
    robot, other = make_robot("ask"), make_robot("edit", "Other")
    task = robot.start("do_edit", notebook="a.ipynb", cells=[cells[0]])
    first = (await robot.request()).action_hash
    await other.say("overwrite_cell_source", notebook="a.ipynb", cell=cells[0], source="three = 3")
    while (await robot.request()).action_hash == first:
        await robot.app.ledger.changed(await robot.request(), (await robot.request()).seq)
    await robot.allow()
    assert not (await task).is_error
    assert await robot.sources("a.ipynb") == ["THREE = 3", "two = 2"]


async def test_an_agent_that_may_only_look_cannot_edit_through_it(
    make_robot: MakeRobot, cells: list[str]
) -> None:
    words = await make_robot("look").fail("do_edit", notebook="a.ipynb", cells=cells)
    assert "does not allow editing" in words


async def test_other_actions_ask_with_the_tools_own_text(robot: Robot, cells: list[str]) -> None:
    task = robot.start("do_send", notebook="a.ipynb")
    request = await robot.request()
    assert request.summary == "Send a.ipynb away (made-up)"
    assert request.action is not None
    assert request.action.preview is not None
    assert request.action.preview.items[0].text == "To the archive."
    assert request.tool_class == "file"
    await robot.allow()
    assert (await task).text == "sent"


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("do_sneak", "is of class read, but edits cells. Nothing was done"),
        ("do_nag", "asked for permission more than once in one call"),
        ("do_stumble", "failed (AttributeError). Nothing was done"),
    ],
)
async def test_a_tool_that_breaks_a_rule_while_running_fails_and_is_named(
    robot: Robot, cells: list[str], tool: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = await robot.fail(tool, notebook="a.ipynb")
    assert f"The tool {tool} (from the package made-up) {words}" in said
    assert "not your fault" in said
    assert f"{tool} (from the package made-up)" in caplog.text
    assert (await robot.sources("a.ipynb"))[1] == "two = 2"
    assert ((await robot.sources("a.ipynb"))[0] == "ONE = 1") == (tool == "do_nag")


async def test_a_tool_that_does_not_ask_is_reported_unless_it_says_that_it_failed(
    robot: Robot,
) -> None:
    words = await robot.fail("do_forget")
    assert "is of class edit and finished without asking for permission" in words
    assert await robot.fail("do_forget", wrong=True) == "done without asking"


@pytest.mark.parametrize(("kind", "name"), [("plain", "ValueError"), ("exit", "SystemExit")])
async def test_an_exception_in_a_tool_becomes_a_clear_error_without_details(
    robot: Robot, kind: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = await robot.fail("do_raise", kind=kind)
    assert f"The tool do_raise (from the package made-up) failed ({name})." in words
    assert "somebody" not in words
    assert "Traceback" not in words
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    (call,) = [each for each in robot.app.ledger.since(0) if each.tool == "do_raise"]
    assert call.state is CallState.FAILED


async def test_an_error_meant_for_the_agent_reaches_the_agent(robot: Robot) -> None:
    assert await robot.fail("do_raise", kind="conflict") == "Cell 3 changed: read it again."


async def test_a_long_reply_is_cut_and_says_whose_it_was(robot: Robot) -> None:
    said = await robot.say("do_reply", kind="long")
    assert len(said) < robot.app.services.limits.text + 500
    assert said.startswith("begin")
    assert "characters left out" in said
    assert "The reply of do_reply (from the package made-up) was longer than 20,000" in said


async def test_images_are_limited_too(robot: Robot) -> None:
    small = await robot.call("do_reply", kind="small")
    assert [type(part) for part in small.parts][1] is ImagePart
    large = await robot.call("do_reply", kind="large")
    assert not any(isinstance(part, ImagePart) for part in large.parts)
    assert "The images of do_reply (from the package made-up) were left out" in large.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "returned str instead of"),
        ("number", "returned a Reply with other parts instead of"),
        ("svg", "returned a Reply with other parts instead of"),
    ],
)
async def test_a_result_that_is_not_a_reply_is_an_error_that_names_the_tool(
    robot: Robot, kind: str, words: str
) -> None:
    said = await robot.fail("do_reply", kind=kind)
    assert f"The tool do_reply (from the package made-up) {words}" in said


async def test_a_tool_that_never_answers_is_given_up(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limit, "ANSWER_SECONDS", 0.05)
    assert "was given up" in await robot.fail("do_hang")


async def test_what_a_client_sends_is_checked_against_its_schema(robot: Robot) -> None:
    with pytest.raises(Exception, match="should have at most 20 characters"):
        await robot.call("do_raise", kind="x" * 21)


async def test_clients_list_them_after_our_tools_and_can_call_them(
    app: JmcpLab, jp_serverapp: ServerApp, http_server: HTTPServer
) -> None:
    await app._start_jupyter_server_extension(jp_serverapp)
    _, token = app.agents.add("Claude")
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_serverapp.base_url}mcp"
    async with http_client(token) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, cache=None) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names[: len(TOOLS)] == list(TOOLS)
            assert names[len(TOOLS) :][:2] == ["do_read", "do_edit"]
            result = await client.call_tool("do_raise", {"kind": "plain"})
            assert result.is_error
            assert "made-up" in result.content[0].text


@pytest.mark.parametrize("jp_server_config", [{"other_tools": False}], indirect=True)
def test_a_setting_limits_the_server_to_its_own_tools(robot: Robot) -> None:
    assert robot.tools == list(TOOLS)
