from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents.modes import AUTO
from jmcp_lab.calls.call import Call, CallState, DecisionSource
from jmcp_lab.errors import ConflictError
from jmcp_lab.kernels.sessions import SessionInfo
from jmcp_lab.notebooks import cells
from jmcp_lab.text.three_way_merge import merge

from ..support.outputs import read_outputs
from ..support.robots import LIMIT, MakeRobot, Robot, ids_in, write_notebook
from ..support.room_page import until
from ..support.waiting import printing_until, until_progress


async def edit_as_person(robot: Robot, path: str, cell_id: str, text: str) -> None:
    notebook = await robot.open(path)
    before = str(notebook.source(cell_id))
    cells.edit(notebook, cell_id, merge(before, text, before), "page")


def calls_of(robot: Robot) -> list[Call]:
    """Return the runs that the agent asked for and that have got as far as the gate."""
    ledger = robot.app.ledger
    return [c for c in ledger.since(0) if c.tool == "execute_cell" and c.action is not None]


async def test_a_run_asks_with_the_exact_code_and_puts_outputs_into_the_cell(
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


async def test_a_cell_that_changes_before_the_decision_is_shown_again(
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
    assert "Not run: cell " in reply.text
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


async def test_another_agents_call_is_unknown(make_robot: MakeRobot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    one, two = make_robot(), make_robot()
    task = one.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await one.request()
    assert "Unknown call" in await two.fail("wait", call=call.id)
    await one.deny()
    await task


async def test_a_cancelled_waiting_call_is_withdrawn_and_never_runs(
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


async def test_a_request_stays_while_anybody_waits_for_it(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "'ran'")
    first = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    impatient = [
        robot.start("wait", call=call.id),
        robot.start("execute_cell", notebook="a.ipynb", cells=cell),
    ]
    await until(lambda: robot.app.dispatcher._attached[call.id] == 3)
    for task in impatient:
        task.cancel()
    await asyncio.wait(impatient)
    assert call.state is CallState.WAITING
    await robot.allow()
    assert "ran" in (await first).text


async def test_a_cancelled_running_call_continues(robot: Robot, root: Path) -> None:
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


async def test_the_reply_says_at_once_that_no_window_is_open_and_the_request_stays(
    robot: Robot, root: Path
) -> None:
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


async def test_stop_all_interrupts_denies_and_pauses_until_resume(robot: Robot, root: Path) -> None:
    ids = write_notebook(
        root, "a.ipynb", "import time\nprint('begun', flush=True)\ntime.sleep(600)", "1"
    )
    running = robot.start("execute_cell", notebook="a.ipynb", cells=ids[0])
    await robot.allow()
    await until_progress(robot, "begun")
    waiting = robot.start("execute_cell", notebook="a.ipynb", cells=ids[1])
    await robot.request()
    assert await robot.app.supervisor.stop_all("Ada") == (1, 1)
    assert (await running).is_error
    assert (await waiting).is_error
    paused = await robot.call("insert_cell", notebook="a.ipynb", source="x")
    assert paused.is_error
    assert "paused" in paused.text
    assert len((await robot.open("a.ipynb")).ids) == 2
    robot.app.supervisor.resume()
    await robot.say("insert_cell", notebook="a.ipynb", source="x")


async def test_a_paused_agent_cannot_read_either(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "secret = 1")
    notebook = {"notebook": "a.ipynb"}
    reads: dict[str, dict[str, str]] = {"read_cells": notebook, "use_notebook": notebook}
    reads |= {"get_context": {}, "list_files": {}}
    robot.app.agents.update(robot.agent.id, paused=True)
    for tool, arguments in reads.items():
        said = await robot.fail(tool, **arguments)
        assert said.startswith("The user has paused you, so nothing was done.")
        assert "Resume" in said
    assert robot.agent.current is None
    robot.app.agents.update(robot.agent.id, paused=False)
    assert "secret" in await robot.say("read_cells", **notebook)


async def test_stop_all_ends_a_run_whose_kernel_still_starts(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "open('ran', 'w').close()")
    sessions = robot.app.services.sessions
    start, starts, may_start = sessions.start, asyncio.Event(), asyncio.Event()

    async def slow_start(path: str, kernel_name: str | None = None) -> SessionInfo:
        starts.set()
        await may_start.wait()
        return await start(path, kernel_name)

    monkeypatch.setattr(sessions, "start", slow_start)
    running = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.allow()
    await starts.wait()
    assert await robot.app.supervisor.stop_all("Ada") == (1, 0)
    may_start.set()
    assert (await running).is_error
    assert not (root / "ran").exists()
    robot.app.supervisor.resume()
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert (root / "ran").exists()


@pytest.mark.parametrize("how", ["stop", "revoke"])
async def test_a_stopped_or_revoked_agent_runs_nothing_more(
    robot: Robot, root: Path, how: str
) -> None:
    ids = write_notebook(
        root, "a.ipynb", "import time\nprint('begun', flush=True)\ntime.sleep(600)", "1"
    )
    running = robot.start("execute_cell", notebook="a.ipynb", cells=ids)
    await robot.allow()
    await until_progress(robot, "begun")
    control = robot.app.supervisor
    if how == "stop":
        assert await control.stop_agent(robot.agent.id, "Ada") == (1, 0)
        assert robot.agent.paused
    else:
        await control.revoke_agent(robot.agent.id)
    reply = await running
    assert "KeyboardInterrupt" in reply.text
    assert "Not run: cell " in reply.text


async def test_a_killed_kernel_ends_the_run_and_says_what_is_lost(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "import os\nos._exit(1)")
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert reply.is_error
    assert "variables" in reply.text
    view = cells.view_by_id(await robot.open("a.ipynb"), cell)
    assert view.state == "idle"


async def test_auto_runs_in_its_notebooks_without_asking(make_robot: MakeRobot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('auto')")
    robot = make_robot(AUTO, notebooks=["a.ipynb"], until="30m")
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


async def test_an_input_request_is_answered_by_the_person(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "name = input('Who? ')\nprint('Hi', name)")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.allow()
    async with asyncio.timeout(LIMIT):
        while call.question is None:
            await robot.app.ledger.changed(call, call.seq)
    assert call.question.prompt == "Who? "
    pending = await robot.say("wait", call=call.id, seconds=0)
    assert 'waiting for the user to answer "Who?"' in pending
    robot.app.supervisor.answer_question(call.id, call.question.id, "Ada")
    reply = await task
    assert "Who? Ada\nHi Ada" in reply.text
    assert call.question is None
    with pytest.raises(ConflictError, match="no longer asked"):
        robot.app.supervisor.answer_question(call.id, "q_0", "Grace")


async def test_a_question_that_nobody_answers_expires(robot: Robot, root: Path) -> None:
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
