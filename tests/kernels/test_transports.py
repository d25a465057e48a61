"""Kernels over TCP, IPC and with CurveZMQ, half silent, behind a gateway, of other languages."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayMappingKernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config

from jmcp_lab.kernels.introspection.questions import questions
from jmcp_lab.kernels.runs.executor import Executor
from jmcp_lab.kernels.runs.run import Piece, Run, RunState

from .conftest import LOG, Bench, assert_complete, until
from .test_running import start

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Language:
    """What a kernel is asked to do, in its own language."""

    two: str
    flood: str
    endless: str
    fail: str
    again: str


PYTHON = Language(
    two="print(1+1)",
    flood="for i in range(3000): print(i, flush=True)",
    endless="while True: pass",
    fail="1/0",
    again="print('again')",
)
BASH = Language(
    two="echo $((1+1))",
    flood="for ((i=0; i<3000; i++)); do echo $i; done",
    endless="while true; do sleep 0.05; done",
    fail="false",
    again="echo again",
)


def working(run: Run) -> bool:
    return run.execution is not None and run.execution.started


async def try_everything(
    manager: Any,  # noqa: ANN401
    kernel_id: str,
    language: Language = PYTHON,
) -> None:
    """Run, flood, fail, interrupt, restart: what must work with every kernel."""
    executor = Executor(manager, LOG)
    try:
        bench = Bench(language.two, language.flood, language.endless)
        first = start(executor, kernel_id, bench)
        await until(
            lambda: first.current == 2 and bool(first.execution and first.execution.started)
        )
        assert bench.text(0) == "2\n"
        assert_complete(bench.text(1), 3000, first.results[1])
        await executor.interrupt(first)
        await first.wait()
        assert first.state is RunState.INTERRUPTED
        assert [bench.page.state(index) for index in range(3)] == ["idle"] * 3
        failing = Bench(language.fail, language.again)
        stopped = start(executor, kernel_id, failing)
        await stopped.wait()
        assert [result.status for result in stopped.results] == ["error", "skipped"]
        assert failing.outputs(0)[0]["output_type"] == "error"
        assert failing.page.state(1) == "idle"
        endless = executor.start(kernel_id, [Piece(language.endless)], owner="a")
        await until(lambda: working(endless))
        restarted = await manager.restart_kernel(kernel_id)
        async with asyncio.timeout(20):
            await endless.wait()
        assert endless.state is RunState.DIED
        if restarted is not None:
            await restarted
        again = executor.start(kernel_id, [Piece(language.again)], owner="a")
        await again.wait()
        assert again.results[0].outputs[0]["text"] == "again\n"
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


async def test_a_kernel_that_is_silent_on_its_control_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "kernels" / "quiet" / "kernel.json"
    spec.parent.mkdir(parents=True)
    program = Path(__file__).parents[1] / "support" / "quiet_kernel.py"
    argv = [sys.executable, str(program), "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Quiet", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    manager = AsyncMappingKernelManager()
    kernel_id = await manager.start_kernel(kernel_name="quiet")
    try:
        await try_everything(manager, kernel_id)
        async with questions(manager.get_kernel(kernel_id), LOG) as asked:
            assert "print" in await asked.complete("pri", 3)
    finally:
        await manager.shutdown_kernel(kernel_id, now=True)


STRANGE_KEY = pytest.mark.filterwarnings(
    # bash_kernel 0.10 installs a kernelspec with a key that traitlets does not know.
    r"ignore:(?s).*KernelSpec.*codemirror_mode:DeprecationWarning"
)


@pytest.fixture
def bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install the kernelspec of the bash kernel, and return its name."""
    program = [sys.executable, "-m", "bash_kernel.install", "--prefix", str(tmp_path)]
    subprocess.run(program, check=True, capture_output=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    return "bash"


@STRANGE_KEY
async def test_a_kernel_of_another_language(bash: str) -> None:
    manager = AsyncMappingKernelManager()
    kernel_id = await manager.start_kernel(kernel_name=bash)
    try:
        await try_everything(manager, kernel_id, BASH)
    finally:
        await manager.shutdown_kernel(kernel_id, now=True)


@STRANGE_KEY
async def test_an_interrupt_by_the_person_is_reported_in_another_language(bash: str) -> None:
    manager = AsyncMappingKernelManager()
    kernel_id = await manager.start_kernel(kernel_name=bash)
    executor = Executor(manager, LOG)
    try:
        bench = Bench(f"echo began; {BASH.endless}", BASH.again)
        run = start(executor, kernel_id, bench)
        await until(lambda: bench.text() == "began\n")
        await manager.interrupt_kernel(kernel_id)
        await run.wait()
        assert run.state is RunState.FAILED
        # On a busy computer bash_kernel may miss its shell's prompt, and then says nothing.
        said = ("as after an interrupt.", "without reporting a result.")
        assert (run.message or "").endswith(said)
        assert [bench.page.state(index) for index in range(2)] == ["idle", "idle"]
    finally:
        await executor.stop()
        await manager.shutdown_kernel(kernel_id, now=True)


GATEWAYS = {
    "kernel gateway": (
        *("kernel_gateway", "--KernelGatewayApp.auth_token=t", "--KernelGatewayApp.port={port}"),
        "--KernelGatewayApp.port_retries=0",
    ),
    "jupyter server": (
        *("jupyter_server", "--allow-root", "--port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=t", "--ServerApp.root_dir={folder}"),
    ),
}


@pytest.fixture(params=GATEWAYS.values(), ids=GATEWAYS)
def gateway(
    jp_asyncio_loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    unused_tcp_port: int,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """Start a program whose kernels are used over HTTP: the gateway itself, or another server."""
    url = f"http://127.0.0.1:{unused_tcp_port}"
    GatewayClient.clear_instance()
    client = GatewayClient.instance()
    client.url = url
    client.auth_token = "t"

    async def begin() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m"),
            *(each.format(port=unused_tcp_port, folder=tmp_path) for each in request.param),
            "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=0",
            cwd=tmp_path,
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
