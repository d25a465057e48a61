from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents.agent import Mode
from jmcp_lab.calls.call import Call, CallState, DecisionSource
from jmcp_lab.errors import ConflictError
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.merge import merge
from jmcp_lab.notebooks.outputs import read_outputs
from jmcp_lab.tools.dispatch import BEAT_SECONDS, Beats

from .conftest import LIMIT, MakeRobot, Robot, ids_in, write_notebook


async def edit_as_person(robot: Robot, path: str, cell_id: str, text: str) -> None:
    notebook = await robot.open(path)
    before = str(notebook.source(cell_id))
    cells.edit(notebook, cell_id, merge(before, text, before), "page")


def waiting_for(file: str) -> str:
    """Return code that goes on when a file appears in the notebook's folder."""
    return (
        f"import time, pathlib\nwhile not pathlib.Path({file!r}).exists():\n    time.sleep(0.02)\n"
    )


def printing_until(first: str, file: str, last: str) -> str:
    """Return code that prints, waits for a file and prints again."""
    return f"print({first!r}, flush=True)\n{waiting_for(file)}print({last!r})"


def calls_of(robot: Robot) -> list[Call]:
    """Return the runs that the agent asked for and that have got as far as the gate."""
    ledger = robot.app.ledger
    return [c for c in ledger.since(0) if c.tool == "execute_cell" and c.action is not None]


async def until_progress(robot: Robot, words: str) -> None:
    """Return when the agent's run says `words`."""
    async with asyncio.timeout(LIMIT):
        while True:
            for call in robot.app.ledger.active(robot.agent.id):
                run = robot.app.services.runs.get(call.id)
                if run is not None and words in run.progress():
                    return
            await asyncio.sleep(0.01)  # A run has no event for a line of output.


async def test_a_run_asks_shows_the_exact_code_and_puts_outputs_into_the_cell(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('hi')\n6 * 7")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    assert call.summary == "Run cell 1 in a.ipynb"
    assert call.action is not None
    assert call.action.preview is not None
    assert call.action.preview.items[0].text == "print('hi')\n6 * 7"
    await robot.allow()
    reply = await task
    assert not reply.is_error
    assert "hi" in reply.text
    assert "42" in reply.text
    notebook = await robot.open("a.ipynb")
    shared = notebook.cell(cell)
    assert shared is not None
    assert [o["output_type"] for o in read_outputs(shared)] == ["stream", "execute_result"]
    assert cells.view_by_id(notebook, cell).execution_count == 1


async def test_a_denied_run_runs_nothing_and_says_why(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "open('made', 'w')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.deny("Not on my disk.")
    reply = await task
    assert reply.is_error
    assert "Not on my disk." in reply.text
    assert await robot.app.sessions.list_kernels() == []
    assert not (root / "made").exists()


async def test_denied_code_is_not_inserted(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    task = robot.start("insert_execute_code_cell", notebook="a.ipynb", source="1 + 1")
    await robot.deny()
    assert (await task).is_error
    assert len((await robot.open("a.ipynb")).ids) == 1


async def test_a_cell_that_changes_before_the_decision_is_shown_anew(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('old')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    shown = call.action_hash
    await edit_as_person(robot, "a.ipynb", cell, "print('newer')")
    async with asyncio.timeout(LIMIT):
        while call.action_hash == shown:
            await robot.app.ledger.changed(call, call.seq)
    # The agent has not seen the new text, so the card cannot simply go on: it is told.
    reply_or_card = await asyncio.wait([task], timeout=0)
    assert not reply_or_card[0]
    await robot.allow()
    reply = await task
    assert "newer" in reply.text


async def test_several_cells_stop_at_the_first_error(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "print('one')", "1/0", "print('three')")
    reply = await robot.run("execute_cell", notebook="a.ipynb", all=True)
    assert reply.is_error
    assert "ZeroDivisionError" in reply.text
    assert "1 cell did not run" in reply.text
    notebook = await robot.open("a.ipynb")
    third = notebook.cell(ids[2])
    assert third is not None
    assert read_outputs(third) == []


async def test_a_run_outlives_the_hold_and_wait_gets_the_rest(robot: Robot, root: Path) -> None:
    source = printing_until("begun", "go", "over")
    (cell,) = write_notebook(root, "a.ipynb", source)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, hold=0.2)
    await robot.allow()
    reply = await task
    assert not reply.is_error
    assert "state: running" in reply.text
    (call,) = [c for c in robot.app.ledger.active(robot.agent.id) if c.tool == "execute_cell"]
    assert call.id in reply.text
    (root / "go").touch()
    rest = await robot.say("wait", call=call.id)
    assert "over" in rest
    assert call.state is CallState.DONE


async def test_wait_returns_early_on_output_when_asked(robot: Robot, root: Path) -> None:
    source = waiting_for("one") + printing_until("first", "two", "second")
    (cell,) = write_notebook(root, "a.ipynb", source)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, hold=0)
    # hold=0 returns at once, while the request still waits.
    reply = await task
    assert "state: waiting_for_approval" in reply.text
    call = await robot.allow()
    waiting = robot.start("wait", call=call.id, until="output", seconds=30)
    await asyncio.sleep(0)
    (root / "one").touch()
    assert "first" in (await waiting).text
    (root / "two").touch()
    await robot.say("wait", call=call.id)


async def test_wait_returns_at_once_on_output_that_the_agent_was_not_told_of(
    robot: Robot, root: Path
) -> None:
    source = waiting_for("one") + printing_until("1st", "two", "2nd")
    (cell,) = write_notebook(root, "a.ipynb", source)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, hold=0.2)
    call = await robot.allow()
    assert "1st" not in (await task).text
    (root / "one").touch()
    await until_progress(robot, "1st")
    # It came between two calls. Nothing more will come before the time is over.
    assert 'last output: "1st"' in await robot.say(
        "wait", call=call.id, until="output", seconds=300
    )
    (root / "two").touch()
    assert "2nd" in await robot.say("wait", call=call.id, seconds=300)
    assert robot.app.dispatcher._told == {}


async def test_a_call_that_runs_is_listed_with_its_progress(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", printing_until("epoch 1", "go", "over"))
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, hold=0.2)
    call = await robot.allow()
    await task
    await until_progress(robot, "epoch 1")
    listed = await robot.say("get_context")
    assert f"{call.id}: Run cell 1 in a.ipynb (running: " in listed
    assert 'last output: "epoch 1"' in listed
    (root / "go").touch()
    await robot.say("wait", call=call.id)
    assert call.id not in await robot.say("get_context")


async def test_progress_is_told_again_and_again_while_a_cell_is_silent(
    robot: Robot, root: Path
) -> None:
    source = "print('epoch 1\\x1b[0m\\nstate: \"done\"', flush=True)\n" + waiting_for("go")
    ids = write_notebook(root, "a.ipynb", source, "1")
    heard: list[str] = []

    async def hear(seconds: float, words: str) -> None:
        heard.append(words)

    async def heard_times(count: int, words: str) -> None:
        """Return when words have come so often since now."""
        heard.clear()
        async with asyncio.timeout(LIMIT):
            while sum(words in said for said in heard) < count:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)

    dispatcher = robot.app.dispatcher
    dispatcher.beat_seconds = 0.01
    arguments = {"notebook": "a.ipynb", "cells": ids}
    calling = dispatcher.call(robot.agent, "execute_cell", arguments, progress=hear)
    task = asyncio.create_task(calling)
    await heard_times(3, "Waiting for approval in JupyterLab")
    await robot.allow()
    # From now on nothing happens that could be told.
    await heard_times(3, """s, cell 1 of 2, last output: "state: 'done'\"""")
    assert re.fullmatch(r"""\d+ s, cell 1 of 2, last output: "state: 'done'\"""", heard[-1])
    (root / "go").touch()
    assert not (await task).is_error


def test_progress_is_told_every_two_seconds_however_much_happens_between() -> None:
    beats = Beats(BEAT_SECONDS)
    assert BEAT_SECONDS == 2
    assert beats.due(0)
    assert not beats.due(1.9)
    # What happened at 1.9 s must not put the next time off.
    assert beats.left(1.9) == pytest.approx(0.1)
    assert beats.due(2)
    assert beats.left(2) == 2
    assert beats.due(7.5)
    assert beats.left(7.5) == 2


async def test_another_agents_call_is_unknown(make_robot: MakeRobot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    one, two = make_robot(), make_robot()
    task = one.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await one.request()
    assert "Unknown call" in await two.fail("wait", call=call.id)
    await one.deny()
    await task


async def test_a_cancelled_call_that_waits_is_withdrawn_and_never_runs(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "open('made', 'w')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.state is CallState.CANCELLED
    assert call.decision is not None
    assert call.decision.source is DecisionSource.WITHDRAWN
    assert not (root / "made").exists()


async def test_a_cancelled_call_that_runs_goes_on(robot: Robot, root: Path) -> None:
    source = printing_until("begun", "go", "over")
    (cell,) = write_notebook(root, "a.ipynb", source)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.allow()
    await until_progress(robot, "begun")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (root / "go").touch()
    assert "over" in await robot.say("wait", call=call.id)


async def test_the_same_request_twice_makes_one_card_and_one_run(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "n = globals().get('n', 0) + 1\nprint('ran', n)")
    one = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.request()
    two = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    async with asyncio.timeout(LIMIT):
        while len(calls_of(robot)) < 2:  # noqa: ASYNC110 - a new call has no event
            await asyncio.sleep(0)
    await robot.allow()
    replies = await asyncio.gather(one, two)
    assert [("ran 1" in reply.text) for reply in replies] == [True, True]


async def test_allow_for_30_minutes_covers_runs_in_that_notebook_only(
    robot: Robot, root: Path
) -> None:
    (first,) = write_notebook(root, "a.ipynb", "print('a')")
    (other,) = write_notebook(root, "b.ipynb", "print('b')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=first)
    await robot.allow("allow_always")
    await task
    assert "a" in await robot.say("execute_cell", notebook="a.ipynb", cells=first)
    assert "9" in await robot.say("insert_execute_code_cell", notebook="a.ipynb", source="4 + 5")
    task = robot.start("execute_cell", notebook="b.ipynb", cells=other)
    await robot.deny()
    assert (await task).is_error


async def test_nobody_there_is_said_at_once_and_the_request_stays(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('late')")
    robot.app.pages._pages.clear()
    reply = await robot.call("execute_cell", notebook="a.ipynb", cells=cell)
    assert not reply.is_error
    assert "No JupyterLab window is open" in reply.text
    assert "/lab" in reply.text
    assert "token=" not in reply.text
    robot.app.pages.seen("opened")
    call = await robot.allow()
    assert "late" in await robot.say("wait", call=call.id)


async def test_code_outside_cells_runs_in_the_notebooks_kernel_and_leaves_no_trace(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "value = 5")
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    reply = await robot.run("execute_ipython", notebook="a.ipynb", code="%time value * 2")
    assert "10" in reply.text
    assert len((await robot.open("a.ipynb")).ids) == 1


async def test_an_interrupt_ends_the_agents_own_run(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(
        root, "a.ipynb", "import time\nprint('begun', flush=True)\ntime.sleep(600)"
    )
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.allow()
    await until_progress(robot, "begun")
    await robot.say("interrupt_notebook", notebook="a.ipynb")
    reply = await task
    assert reply.is_error
    assert "KeyboardInterrupt" in reply.text or "interrupt" in reply.text.lower()


async def test_stop_all_interrupts_denies_and_holds_until_resume(robot: Robot, root: Path) -> None:
    ids = write_notebook(
        root, "a.ipynb", "import time\nprint('begun', flush=True)\ntime.sleep(600)", "1"
    )
    running = robot.start("execute_cell", notebook="a.ipynb", cells=ids[0])
    await robot.allow()
    await until_progress(robot, "begun")
    waiting = robot.start("execute_cell", notebook="a.ipynb", cells=ids[1])
    await robot.request()
    assert await robot.app.control.stop_all("Ada") == (1, 1)
    assert (await running).is_error
    assert (await waiting).is_error
    paused = await robot.call("insert_cell", notebook="a.ipynb", source="x")
    assert not paused.is_error
    assert "paused" in paused.text
    assert len((await robot.open("a.ipynb")).ids) == 2
    robot.app.control.resume()
    await robot.say("insert_cell", notebook="a.ipynb", source="x")


async def test_a_killed_kernel_ends_the_run_and_says_what_is_lost(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "import os\nos._exit(1)")
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert reply.is_error
    assert "variables" in reply.text
    view = cells.view_by_id(await robot.open("a.ipynb"), cell)
    assert view.state == "idle"


async def test_auto_runs_in_its_notebooks_without_asking(make_robot: MakeRobot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('auto')")
    robot = make_robot(Mode.AUTO, notebooks=["a.ipynb"], until="30m")
    assert "auto" in await robot.say("execute_cell", notebook="a.ipynb", cells=cell)


async def test_markdown_cannot_run(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    said = await robot.say("insert_cell", notebook="a.ipynb", source="# T", type="markdown")
    assert "only code" in await robot.fail(
        "execute_cell", notebook="a.ipynb", cells=ids_in(said)[0]
    )


async def test_a_restart_always_asks_and_loses_the_variables(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "value = 5")
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.run("restart_notebook", notebook="a.ipynb", clear_outputs=True)
    reply = await robot.run("execute_ipython", notebook="a.ipynb", code="value")
    assert "NameError" in reply.text


async def test_what_code_asks_is_answered_by_the_person(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "name = input('Who? ')\nprint('Hi', name)")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.allow()
    async with asyncio.timeout(LIMIT):
        while call.question is None:
            await robot.app.ledger.changed(call, call.seq)
    assert call.question.prompt == "Who? "
    pending = await robot.say("wait", call=call.id, seconds=0)
    assert 'waiting for the user to answer "Who?"' in pending
    robot.app.control.answer_question(call.id, call.question.id, "Ada")
    reply = await task
    assert "Who? Ada\nHi Ada" in reply.text
    assert call.question is None
    with pytest.raises(ConflictError, match="no longer asked"):
        robot.app.control.answer_question(call.id, "q_0", "Grace")


async def test_a_question_that_nobody_answers_ends(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "input('Who? ')")
    robot.app.gate._expiry = timedelta(seconds=0.5)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "EOFError" in reply.text
    assert "gave no answer" in reply.text


async def test_with_no_page_open_a_question_is_refused_at_once(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "input('Who? ')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.request()
    robot.app.pages.forget("test")
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "no JupyterLab window was open" in reply.text
