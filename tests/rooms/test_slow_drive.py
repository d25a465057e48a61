"""A drive that does not answer: whoever needs it is told, and all others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets.config import Config

from jmcp_lab.calls.call import Call, CallState, ToolClass
from jmcp_lab.errors import UnavailableError
from jmcp_lab.rooms import openings
from jmcp_lab.runtime import time_limit as answering

from ..support.clock import ClockLoop
from ..support.robots import LIMIT, MakeRobot, Robot, write_notebook


@pytest.fixture(params=[False, True], ids=["live", "files"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    return jp_server_config | Config({"YDocExtension": {"disable_rtc": request.param}})


class Drive:
    """Of what lies on it, whatever is called ``stuck``, nothing is read until it `answers`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = asyncio.Event()
        self.asked = asyncio.Event()
        for name in ("_read_notebook", "_read_file"):
            monkeypatch.setattr(AsyncLargeFileManager, name, self._slow(name))

    def _slow(self, name: str) -> Callable[..., Awaitable[object]]:
        plain = getattr(AsyncLargeFileManager, name)

        async def read(manager: object, os_path: str, *how: Any, **options: Any) -> object:
            if "stuck" in str(os_path):
                self.asked.set()
                await self.answers.wait()
            return await plain(manager, os_path, *how, **options)

        return read


async def test_a_notebook_on_a_slow_drive_delays_no_other_and_opens_later(
    make_robot: MakeRobot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "stuck.ipynb", "x = 1")
    write_notebook(root, "good.ipynb", "y = 1")
    one, two = make_robot(label="One"), make_robot(label="Two")
    drive = Drive(monkeypatch)
    first = one.start("read_cells", notebook="stuck.ipynb")
    async with asyncio.timeout(LIMIT):
        await drive.asked.wait()
    assert "y = 1" in await two.say("read_cells", notebook="good.ipynb")
    await two.say("insert_cell", notebook="good.ipynb", source="z = 1")
    with monkeypatch.context() as patch:
        patch.setattr(openings, "OPEN_SECONDS", 0.01)
        for tool in ("read_cells", "delete_cell"):
            said = await two.fail(tool, notebook="stuck.ipynb", cells=["1"])
            assert "'stuck.ipynb' is still not open" in said
            assert "does not respond" in said
            assert str(root) not in said
    assert not first.done()
    drive.answers.set()
    assert "x = 1" in (await first).text
    assert "x = 1" in await two.say("read_cells", notebook="stuck.ipynb")


async def test_a_call_that_reads_from_a_slow_drive_ends(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "stuck.txt").write_text("text")
    Drive(monkeypatch)
    monkeypatch.setattr(answering, "ANSWER_SECONDS", 0.01)
    assert "may not be responding" in await robot.fail("read_file", path="stuck.txt")


@pytest.mark.parametrize("state", [state for state in CallState if not state.ended])
def test_only_calls_that_asked_nobody_are_given_up(state: CallState) -> None:
    async def story() -> None:
        call = Call("c", "a", "Robot", "t", ToolClass.EDIT, {}, datetime.now(UTC), state=state)
        async with answering.answering(call):
            await asyncio.sleep(10 * answering.ANSWER_SECONDS)

    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        if state is CallState.RECEIVED:
            with pytest.raises(UnavailableError, match="Nothing was changed"):
                runner.run(story())
        else:
            runner.run(story())
