"""Runs a real `jupyter lab` in its own process and its own folders."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

START_LIMIT = 90.0
"""Maximum number of seconds for a start; a cold, busy machine needs half of it."""

STOP_LIMIT = 20.0
"""Maximum number of seconds for the server and its kernels to stop."""

_QUESTION = "Shut down this Jupyter server"

_TRACEBACK = "Traceback (most recent call last)"

_KNOWN_TRACEBACKS: tuple[tuple[str, str], ...] = (
    (
        r"RuntimeError: WebsocketServer not running",
        "jupyter-server-ydoc 3.0.4 stops its room server also when no room was ever opened",
    ),
    (
        r"'NoneType' object has no attribute 'kernel_ws_protocol'",
        "jupyter_server 2.21.1 when a page leaves while its socket to a kernel is being opened",
    ),
    (
        r"await fut\n\s*tornado\.iostream\.StreamClosedError|raise WebSocketClosedError\(\)",
        "jupyter_server 2.21.1 writes to a page that has just left, and awaits it nowhere",
    ),
)
"""Tolerated tracebacks of other packages: (regular expression, reason)."""


def free_port() -> int:
    """Return a free TCP port on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class LabServer:
    """Starts and stops one `jupyter lab`.

    Parameters
    ----------
    folder
        Folder for all files of this server: its root, its Jupyter folders and its log.
    base_url
        Prefix of every address, with a slash at both ends.
    arguments
        Further arguments of the command line.
    terminal
        Whether to start it in a terminal, where it asks for confirmation after Ctrl-C.
    python
        Interpreter whose JupyterLab to start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        base_url: str = "/",
        arguments: Sequence[str] = (),
        terminal: bool = False,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.log_path = folder / "server.log"
        self.base_url = base_url
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self._arguments = list(arguments)
        self._python = python
        # The second end is the server's standard input; the first end writes to it.
        self._terminal = os.openpty() if terminal else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server with the prefix and a trailing slash."""
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    @property
    def mcp_url(self) -> str:
        """Address that agents connect to."""
        return f"{self.url}mcp"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def __enter__(self) -> Self:
        """Start the server and wait until it answers."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server, and raise if its log has a traceback."""
        self.stop()
        for end in self._terminal or ():
            os.close(end)
        if error is None:
            self.check_log()

    def start(self) -> None:
        """Start the process and wait until it answers (again on the same port and token)."""
        self._wait_until_ready(self.spawn())

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process."""
        self.root.mkdir(parents=True, exist_ok=True)
        command = [
            self._python,
            "-m",
            "jupyterlab",
            f"--config={Path(__file__).with_name('jupyter_server_test_config.py')}",
            f"--ServerApp.port={self.port}",
            f"--ServerApp.base_url={self.base_url}",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            *self._arguments,
        ]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=self._terminal[1] if self._terminal else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # As in a separate terminal: Linux first divides the CPUs between sessions, and the
                # session of the tests is busy.
                start_new_session=True,
            )
        return self._process

    def stop(self, ask: signal.Signals = signal.SIGTERM) -> float:
        """Stop the server as an operator would; return the seconds that it took."""
        process, self._process = self._process, None
        if process is None:
            return 0.0
        started = time.monotonic()
        asked = self.log.count(_QUESTION)
        process.send_signal(ask)
        try:
            if ask is signal.SIGINT and self._terminal:
                self._say_yes(process, asked)
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            # The server then logs the stack of each thread.
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise AssertionError(
                f"the server did not stop within {STOP_LIMIT:.0f} s\n{self._tail()}"
            ) from None
        return time.monotonic() - started

    def kill(self) -> None:
        """Kill the server, so that it cannot clean up anything."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait()

    def _say_yes(self, process: subprocess.Popen[bytes], asked: int) -> None:
        """Confirm the question that the server asks after Ctrl-C in a terminal."""
        assert self._terminal is not None
        end = time.monotonic() + STOP_LIMIT
        while process.poll() is None and self.log.count(_QUESTION) == asked:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(process.args, STOP_LIMIT)
            time.sleep(0.01)
        os.write(self._terminal[0], b"y\n")

    def check_log(self) -> None:
        """Raise if the log has a traceback that is not a tolerated one of another package."""
        lines = self.log.splitlines()
        for number, line in enumerate(lines):
            if _TRACEBACK not in line:
                continue
            excerpt = "\n".join(lines[max(0, number - 3) : number + 40])
            if not any(re.search(pattern, excerpt) for pattern, _ in _KNOWN_TRACEBACKS):
                raise AssertionError(f"the server logged a traceback:\n{excerpt}")

    def environment(self) -> dict[str, str]:
        """Return the environment for the server, and for programs that have to find it."""
        environment = {
            name: value
            for name, value in os.environ.items()
            # Tokens and paths of the person who runs the tests must not leak in.
            if not name.startswith(("JUPYTER", "JPY_"))
        }
        for kind in ("config", "data", "runtime"):
            environment[f"JUPYTER_{kind.upper()}_DIR"] = str(self.folder / kind)
        environment["IPYTHONDIR"] = str(self.folder / "ipython")
        if path := os.environ.get("JMCP_UI_JUPYTER_PATH"):
            # Folder of another build of the front end than the installed one.
            environment["JUPYTER_PATH"] = path
        environment["JMCP_UI_YSTORE"] = str(self.folder / "ystore.db")
        environment["JMCP_UI_KERNEL_LOG"] = str(self.folder / "kernels.log")
        environment["PYTHONFAULTHANDLER"] = "1"
        # The debugger's warning about frozen modules is noise in the log of each kernel.
        environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        return environment

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if process.poll() is not None:
                raise AssertionError(f"jupyter lab ended at its start\n{self._tail()}")
            request = urllib.request.Request(
                f"{self.url}api/status", headers={"Authorization": f"token {self.token}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"jupyter lab did not answer in {START_LIMIT:.0f} s\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.splitlines()[-40:])
