from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from jmcp_lab.runtime.dispatcher import BEAT_SECONDS, ProgressTicker

from ..support.robots import LIMIT, Robot, write_notebook
from ..support.waiting import printing_until, until_progress, waiting_for


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


async def test_wait_returns_at_once_for_unreported_output(robot: Robot, root: Path) -> None:
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
    assert robot.app.dispatcher._outputs_reported == {}


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


async def test_progress_is_repeated_while_a_cell_is_silent(robot: Robot, root: Path) -> None:
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


def test_progress_is_reported_every_two_seconds_however_much_happens() -> None:
    beats = ProgressTicker(BEAT_SECONDS)
    assert BEAT_SECONDS == 2
    assert beats.due(0)
    assert not beats.due(1.9)
    # What happened at 1.9 s must not put the next time off.
    assert beats.left(1.9) == pytest.approx(0.1)
    assert beats.due(2)
    assert beats.left(2) == 2
    assert beats.due(7.5)
    assert beats.left(7.5) == 2
