"""What kernels publish that no other kernel would: a run goes on, and shows what can be shown."""

from __future__ import annotations

import asyncio
import logging
import queue
from typing import TYPE_CHECKING, Any

import pytest

from jmcp_lab.kernels.connection.channels import LocalChannels
from jmcp_lab.kernels.runs.run import RunState

from .conftest import Bench
from .test_running import start

if TYPE_CHECKING:
    from jmcp_lab.kernels.runs.executor import Executor

SEND = """
import json
kernel = get_ipython().kernel
kernel.session.pack = lambda message: json.dumps(message, default=str).encode()
def send(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
"""
"""Sends what IPython would not; escapes what ipykernel leaves as it is."""

DISPLAY: dict[str, Any] = {"output_type": "display_data", "data": {}, "metadata": {}}


def display(**data: object) -> dict[str, Any]:
    return {**DISPLAY, "data": {kind.replace("_", "/"): value for kind, value in data.items()}}


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def error(*traceback: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "E", "evalue": "v", "traceback": list(traceback)}


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("stream", {"name": "stdout", "text": "half \ud83d"}, [stream("half \ufffd")]),
        ("stream", {"name": "stdout", "text": ["a\n", "b"]}, [stream("a\nb")]),
        (
            "display_data",
            {"data": {"text/plain": "\ude00 half"}},
            [display(text_plain="\ufffd half")],
        ),
        (
            "display_data",
            {"data": {"application/json": {"key": 10**400, "next": 2**53}}},
            [display(application_json={"key": str(10**400), "next": 2**53})],
        ),
        ("display_data", {"data": ["no", "bundle"], "transient": "none"}, [DISPLAY]),
        ("error", {"ename": "E", "evalue": "v", "traceback": "a\nb"}, [error("a\nb")]),
        ("error", {"ename": "E", "evalue": "v", "traceback": [None, 1]}, [error("None", "1")]),
        ("error", {"ename": "E", "evalue": "v", "traceback": 7}, [error()]),
        ("update_display_data", {"data": {}, "transient": {"display_id": ["x"]}}, []),
    ],
)
async def test_a_run_continues_after_an_unusual_message(
    executor: Executor, kernel_id: str, kind: str, content: object, shown: list[dict[str, Any]]
) -> None:
    bench = Bench(f"{SEND}send({kind!r}, {content!r})\n'after'", "'next'")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    assert [bench.page.state(index) for index in range(2)] == ["idle", "idle"]
    *before, after = bench.outputs(0)
    assert before == shown
    assert after["data"]["text/plain"] == "'after'"


async def test_an_error_that_is_only_in_the_reply_is_shown(
    executor: Executor, kernel_id: str
) -> None:
    # ipykernel cannot publish half of an emoji, and prints the reason into its own log.
    bench = Bench("raise ValueError('half \\ud83d')")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.FAILED
    [output] = bench.outputs()
    assert output["output_type"] == "error"
    assert (output["ename"], output["evalue"]) == run.results[0].error
    assert run.results[0].outputs == [output]


async def test_a_reply_taken_earlier_does_not_count_as_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channels = LocalChannels.__new__(LocalChannels)
    channels._log = logging.getLogger("jmcp_lab")
    answers: list[Any] = [queue.Empty(), {"n": 1}]
    taken: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive() -> dict[str, Any]:
        if not answers:
            await asyncio.Event().wait()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    reading = asyncio.create_task(channels._read(receive, taken.put_nowait))
    async with asyncio.timeout(60):
        assert await taken.get() == {"n": 1}
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert "dropped" not in caplog.text
