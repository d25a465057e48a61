"""The end of the server: every way to ask for it is heard, and nothing keeps it from coming.

Jupyter Server stops in order on SIGTERM, and on SIGINT where it has a terminal to ask in. Without
one (systemd, JupyterHub, nohup, CI, Windows) SIGINT breaks its event loop, and SIGHUP ends the
process on the spot: what was not saved is lost. And one kernel that never started keeps a server
that was asked to stop alive for ever, with its port closed.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - see `let_threads_end`
import logging
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from .containment import contained, error_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from jupyter_server.serverapp import ServerApp

    Handler = Callable[[int, FrameType | None], Any] | int | None

ASKED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""The signals that ask a program to end; not every system has all of them."""

PATIENCE_SECONDS = 10.0
"""So long after the first of them, another one ends the server as if nobody had taken it."""


class Signals:
    """Stops a server in order on each signal that asks for it and that nobody else takes.

    Parameters
    ----------
    serverapp : ServerApp
    clock : callable, optional
        Seconds on a clock that is never set back.
    """

    def __init__(
        self, serverapp: ServerApp, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._serverapp = serverapp
        self._clock = clock
        self._asked: float | None = None
        self._before: dict[int, Handler] = {}

    def follow(self) -> None:
        """Take the signals from now on.

        One that is ignored stays so, as SIGHUP under nohup; and what others do with one stays
        theirs, as Jupyter's question at a Ctrl-C in a terminal.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        free = (signal.SIG_DFL, signal.default_int_handler, self._serverapp._signal_stop)
        for name in ASKED:
            number = getattr(signal, name, None)
            if number is not None and (before := signal.getsignal(number)) in free:
                self._before[number] = before
                signal.signal(number, self._on_signal)

    def leave(self) -> None:
        """Give back the signals that are still ours."""
        for number, before in self._before.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, before)
        self._before.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = self._clock()
        if self._asked is None:
            self._asked = now
            self._serverapp._signal_stop(number, frame)
        elif now - self._asked > PATIENCE_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


STUCK_SECONDS = 5.0
"""How long the process waits at its end for threads that are at work."""

WORKERS = ("AnyIO worker thread", "asyncio_")
"""How the threads are called in which a loop has done what would block it, as writing a file."""


def let_threads_end(log: logging.Logger) -> None:
    """Let the process end although the event loop was stopped before all of its tasks had ended.

    A thread of anyio ends with the task that it first worked for. Jupyter Server stops its loop
    whatever tasks are left, and Python then waits for their threads for ever. And it waits for
    every thread that a drive holds up which does not answer.
    """
    ending = threading.Event()
    waiting = threading.Thread(
        target=_end_workers, args=(ending, log), name="jmcp end", daemon=True
    )
    waiting.start()
    # Just before Python waits for its threads; nothing with a public name comes so early. What is
    # registered last is called first, and `concurrent.futures` waits there for its own.
    threading._register_atexit(ending.set)  # type: ignore[attr-defined]


def _end_workers(ending: threading.Event, log: logging.Logger) -> None:
    ending.wait()
    workers = [thread for thread in threading.enumerate() if thread.name.startswith(WORKERS)]
    for thread in workers:
        if (stop := getattr(thread, "stop", None)) is not None:
            # It does to its end what it has begun.
            stop()
    end = time.monotonic() + STUCK_SECONDS
    for thread in workers:
        thread.join(max(end - time.monotonic(), 0))
    if any(thread.is_alive() for thread in workers):
        log.error(
            "The server ends although it is still reading or writing a file: the drive or service "
            "that this is on may not answer. What live documents have not saved is in their "
            "history, and comes back when they are opened again."
        )
        logging.shutdown()
        os._exit(1)


def end_whatever_kernels_do(serverapp: ServerApp, ended: Callable[[], None]) -> None:
    """Let a server end although a kernel of it never started, or cannot be shut down.

    jupyter_client 8 keeps the ids of failed starts among the kernels to shut down; Jupyter
    Server 2 does not know them, and the error leaves its loop running.

    Parameters
    ----------
    serverapp : ServerApp
    ended : callable
        Called when everything is saved and the kernels are gone.
    """
    plain = serverapp.cleanup_kernels

    async def cleanup_kernels() -> None:
        manager: Any = serverapp.kernel_manager
        pending = getattr(manager, "_pending_kernels", {})
        for kernel_id, start in list(pending.items()):
            if start.done() and kernel_id not in manager:
                del pending[kernel_id]
        try:
            with contained():
                await plain()
        except Exception as error:
            serverapp.log.warning("Not every kernel was shut down in order: %s", error_name(error))
            serverapp.log.debug("Not every kernel was shut down in order", exc_info=error)
        finally:
            ended()

    serverapp.cleanup_kernels = cleanup_kernels  # type: ignore[method-assign]
