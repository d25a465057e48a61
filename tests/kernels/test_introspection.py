from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import zmq

from jmcp_lab.kernels.introspection.questions import questions
from jmcp_lab.kernels.runs.run import Piece

from .conftest import LOG

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import KernelManager
    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor

SLOW = (
    "import time\n"
    "class Slow:\n    def __repr__(self):\n        while True: time.sleep(0.01)\n"
    "first, slow, last = 1, Slow(), 3"
)


def connecting_late(client: AsyncKernelClient, nudges: int) -> None:
    """Let a client hear what its kernel publishes only after so many requests on control."""
    start, sent = client.start_channels, 0

    def start_channels(**kinds: Any) -> None:
        start(**kinds)
        client.iopub_channel.socket.setsockopt(zmq.UNSUBSCRIBE, b"")
        send = client.control_channel.send

        def count(message: dict[str, Any]) -> None:
            nonlocal sent
            sent += 1
            if sent == nudges:
                client.iopub_channel.socket.setsockopt(zmq.SUBSCRIBE, b"")
            send(message)

        client.control_channel.send = count

    client.start_channels = start_channels


async def test_an_endless_repr_is_interrupted_over_a_late_connection(
    jp_serverapp: ServerApp, executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = executor.start(kernel_id, [Piece(SLOW)], owner="a")
    await run.wait()
    kernel: KernelManager = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    made = kernel.client

    def client() -> AsyncKernelClient:
        found = made()
        connecting_late(found, nudges=3)
        return found

    monkeypatch.setattr(kernel, "client", client)
    async with questions(kernel, LOG, seconds=1.0) as asked:
        # Without what the kernel publishes, its own question looks like a cell of somebody else.
        report = await asked.variables(None, most=10, width=40)
    said = {each["name"]: each.get("preview") for each in report["variables"]}
    assert said["first"] == "1"
    assert said["slow"] == "(its repr takes too long)"
