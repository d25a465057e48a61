"""Runs a Jupyter server in a separate process, with a base URL below the root."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import httpx2
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from .endpoint import http_client

TOKEN = "the-servers-own-token"


@dataclass
class Process:
    """A Jupyter server in a separate process."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/user/ann/"

    async def up(self) -> None:
        """Wait until the server answers."""
        async with asyncio.timeout(60), http_client(Authorization=f"token {TOKEN}") as http:
            while True:
                try:
                    if (await http.get(self.url + "api/status")).status_code == 200:
                        return
                except httpx2.TransportError:
                    assert self.popen.poll() is None, self.log.read_text()
                await asyncio.sleep(0.1)

    async def says(self, words: str) -> None:
        """Wait until the log contains these words."""
        async with asyncio.timeout(30):
            while words not in self.log.read_text():  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)

    async def log_in(self, http: httpx2.AsyncClient) -> None:
        """Log in as a browser does."""
        await http.get(self.url + "login")
        form = {"password": TOKEN, "_xsrf": http.cookies["_xsrf"]}
        assert (await http.post(self.url + "login", data=form)).status_code == 302
        http.headers["X-XSRFToken"] = http.cookies["_xsrf"]

    async def open_page(self, http: httpx2.AsyncClient) -> WebSocketClientConnection:
        """Listen to the server's events, as a page does."""
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        url = self.url.replace("http:", "ws:") + "api/events/subscribe"
        return await websocket_connect(HTTPRequest(url, headers={"Cookie": cookies}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    folder: Path,
    *arguments: str,
    beside: Path | None = None,
    terminal: int | None = None,
    unix_socket: Path | None = None,
    port: int | None = None,
    **environment: str,
) -> Process:
    """Start a server that keeps all its files in a folder.

    With `beside`, the folder of another server, it serves the root of that server for the same
    user. With `terminal`, the descriptor of a terminal, it runs in that terminal. With
    `unix_socket`, it listens on that socket instead of a port. With `port`, it takes the place of
    a server that ended.
    """
    places = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    env = dict(os.environ) | environment | {"JUPYTER_TOKEN": TOKEN}
    env |= {f"JUPYTER_{name}_DIR": str(folder / place) for name, place in places.items()}
    if beside is not None:
        env["JUPYTER_DATA_DIR"] = str(beside / "data")
    root = (beside or folder) / "work"
    root.mkdir(exist_ok=True)
    port, log = port or free_port(), folder / "log.txt"
    place = f"--ServerApp.port={port}" if unix_socket is None else f"--ServerApp.sock={unix_socket}"
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.root_dir={root}",
        place,
        "--ServerApp.port_retries=0",
        "--ServerApp.base_url=/user/ann/",
        '--ServerApp.jpserver_extensions={"jmcp_lab": True}',
        *arguments,
    ]
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=terminal is not None,
            preexec_fn=None if terminal is None else _take_terminal,
        )
    return Process(popen, port, log)


def _take_terminal() -> None:
    """Make standard input the controlling terminal of this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def end(process: Process) -> None:
    """Kill a server if a test left it running."""
    if process.popen.poll() is None:
        process.popen.kill()
    process.popen.wait()
