"""Kernels over TCP, IPC and with CurveZMQ, and behind a gateway."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayMappingKernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config

from jmcp_lab.kernels.executor import Executor
from jmcp_lab.kernels.run import Piece, Run, RunState

from .conftest import LOG, Bench, assert_complete, until
from .test_running import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOOD = "for i in range(3000): print(i, flush=True)"


def working(run: Run) -> bool:
    return run.execution is not None and run.execution.started


async def try_everything(manager: Any, kernel_id: str) -> None:  # noqa: ANN401
    """Run, flood, interrupt, restart: what must work however the kernel is reached."""
    executor = Executor(manager, LOG)
    try:
        bench = Bench("1+1", FLOOD, "while True: pass")
        first = start(executor, kernel_id, bench)
        await until(
            lambda: first.current == 2 and bool(first.execution and first.execution.started)
        )
        assert bench.outputs(0)[0]["data"]["text/plain"] == "2"
        assert_complete(bench.text(1), 3000, first.results[1])
        await executor.interrupt(first)
        await first.wait()
        assert first.state is RunState.INTERRUPTED
        endless = executor.start(kernel_id, [Piece("while True: pass")], owner="a")
        await until(lambda: working(endless))
        restarted = await manager.restart_kernel(kernel_id)
        async with asyncio.timeout(20):
            await endless.wait()
        assert endless.state is RunState.DIED
        if restarted is not None:
            await restarted
        again = executor.start(kernel_id, [Piece("'again'")], owner="a")
        await again.wait()
        assert again.results[0].outputs[0]["data"]["text/plain"] == "'again'"
    finally:
        await executor.stop()


@pytest.mark.parametrize(
    "config",
    [
        {"KernelManager": {"transport": "tcp"}},
        {"KernelManager": {"transport": "ipc"}},
        {"MappingKernelManager": {"transport_encryption": "required"}},
    ],
    ids=["tcp", "ipc", "curve"],
)
async def test_a_local_kernel(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The name of a socket file may have about a hundred characters.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "r")
    manager = AsyncMappingKernelManager(config=Config(config))
    kernel_id = await manager.start_kernel()
    try:
        await try_everything(manager, kernel_id)
    finally:
        await manager.shutdown_kernel(kernel_id, now=True)


@pytest.fixture
def gateway(
    jp_asyncio_loop: asyncio.AbstractEventLoop, tmp_path: Path, unused_tcp_port: int
) -> Iterator[str]:
    """Start a server whose kernels are used over HTTP."""
    url = f"http://127.0.0.1:{unused_tcp_port}"
    GatewayClient.clear_instance()
    client = GatewayClient.instance()
    client.url = url
    client.auth_token = "t"

    async def begin() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jupyter_server", "--allow-root"),
            *(f"--port={unused_tcp_port}", "--ServerApp.port_retries=0"),
            "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=0",
            *("--IdentityProvider.token=t", f"--ServerApp.root_dir={tmp_path}"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return process

    process = jp_asyncio_loop.run_until_complete(begin())
    yield url
    os.killpg(process.pid, signal.SIGTERM)
    jp_asyncio_loop.run_until_complete(process.wait())
    GatewayClient.clear_instance()


async def test_a_kernel_behind_a_gateway(gateway: str) -> None:
    manager = GatewayMappingKernelManager()
    kernel_id = await manager.start_kernel(kernel_name="python3")
    try:
        await try_everything(manager, kernel_id)
    finally:
        await manager.shutdown_kernel(kernel_id)


@pytest.fixture
def unused_tcp_port(http_server_port: tuple[Any, int]) -> int:
    socket, port = http_server_port
    socket.close()
    return port
