"""Kernels of a kernel gateway, the whole way from the tools: `--gateway-url`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayMappingKernelManager
from traitlets.config import Config

from jmcp_lab.agents.modes import AUTO

from ..support.robots import MakeRobot, Robot, write_notebook

START_SECONDS = 60.0


class Gateway:
    """A jupyter-kernel-gateway of its own process, which can go and come back."""

    def __init__(self, folder: Path, *, lists: bool) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._folder = folder
        self._lists = lists
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "kernel_gateway", "--KernelGatewayApp.auth_token=t"),
                f"--KernelGatewayApp.port={self.port}",
                "--KernelGatewayApp.port_retries=0",
                f"--JupyterWebsocketPersonality.list_kernels={self._lists}",
            ],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < end, "the gateway does not start"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


@pytest.fixture(
    params=[pytest.param(True, marks=pytest.mark.long), False], ids=["listing", "no listing"]
)
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    GatewayClient.clear_instance()
    found = Gateway(tmp_path, lists=request.param)
    found.start()
    yield found
    found.stop()
    # It belongs to the class, and outlives the server.
    GatewayMappingKernelManager._kernels.clear()
    GatewayClient.clear_instance()


@pytest.fixture
def jp_server_config(jp_server_config: Config, gateway: Gateway) -> Config:
    settings = {
        "url": f"http://127.0.0.1:{gateway.port}",
        "auth_token": "t",
        "gateway_retry_max": 0,
    }
    return jp_server_config | Config({"GatewayClient": settings})


@pytest.fixture
def robot(make_robot: MakeRobot) -> Robot:
    return make_robot(AUTO, notebooks=("a.ipynb",), until="stop")


async def test_a_notebook_runs_and_can_be_asked_stopped_and_given_another_kernel(
    robot: Robot, root: Path
) -> None:
    one, endless, after = write_notebook(
        root, "a.ipynb", "answer = 6 * 7\nprint(answer)", "while True: pass", "print(answer)"
    )
    assert "python3" in await robot.say("list_kernels")
    assert "42" in await robot.say("execute_cell", notebook="a.ipynb", cells=one)
    assert "answer" in await robot.say("inspect_variables", notebook="a.ipynb")
    found = await robot.say("inspect_code", notebook="a.ipynb", code="answ", cursor=4)
    assert "answer" in found
    kernels = await robot.say("list_kernels")
    assert "a.ipynb" in kernels
    running = await robot.say("execute_cell", notebook="a.ipynb", cells=endless, hold=0)
    assert "running" in running
    await robot.say("interrupt_notebook", notebook="a.ipynb")
    assert "42" in await robot.say("execute_cell", notebook="a.ipynb", cells=after)
    assert "Restarted" in (await robot.run("restart_notebook", notebook="a.ipynb")).text
    assert "NameError" in await robot.fail("execute_cell", notebook="a.ipynb", cells=after)
    given = await robot.run("assign_kernel_to_notebook", notebook="a.ipynb", kernel="python3")
    assert "now runs on python3" in given.text
    session = await robot.app.services.sessions.find("a.ipynb")
    assert session is not None
    assert session.language == "python"


async def test_a_missing_gateway_is_reported_and_works_when_it_is_back(
    robot: Robot, root: Path, gateway: Gateway
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print(6 * 7)")
    gateway.stop()
    for tool, arguments in (
        ("list_kernels", {}),
        ("execute_cell", {"notebook": "a.ipynb", "cells": cell}),
        ("assign_kernel_to_notebook", {"notebook": "a.ipynb", "kernel": "python3"}),
    ):
        said = await robot.fail(tool, **arguments)
        assert "kernel gateway" in said, said
        assert "127.0.0.1" not in said
        assert "defect" not in said
    # What needs no kernel goes on.
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="print(42)")
    gateway.start()
    assert "42" in await robot.say("execute_cell", notebook="a.ipynb", cells=cell)


async def test_losing_the_gateway_ends_the_run_and_runs_work_when_it_is_back(
    robot: Robot, root: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.kernels.connection.gateway.PAUSE_SECONDS", 0.05)
    endless, after = write_notebook(root, "a.ipynb", "print('began')\nwhile True: pass", "1")
    running = await robot.say("execute_cell", notebook="a.ipynb", cells=endless, hold=0)
    call = json.dumps(running).split("call: ")[1].split(" ")[0]
    gateway.stop()
    said = (await robot.call("wait", call=call, seconds=60)).text
    assert "gateway" in said
    gateway.start()
    assert "[output 1" in await robot.say("execute_cell", notebook="a.ipynb", cells=after)
