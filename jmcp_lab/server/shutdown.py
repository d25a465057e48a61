"""Shut down the server in order: handle every signal that asks for it, and let nothing block it.

Jupyter Server stops in order on SIGTERM, and on SIGINT if it has a terminal for its question.
Without one (systemd, JupyterHub, nohup, CI, Windows), SIGINT breaks its event loop, and SIGHUP
kills the process at once, so unsaved changes are lost. And a single kernel that never started keeps
a stopping server alive for ever, with its port closed.
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
"""Signals that ask a program to end; not every system has all of them."""

PATIENCE_SECONDS = 10.0
"""Seconds after the first signal from which another one ends the server with its default action."""


class Signals:
    """Stops a server in order on each such signal that nothing else handles.

    Parameters
    ----------
    serverapp : ServerApp
    clock : callable, optional
        Returns the seconds of a monotonic clock.
    """

    def __init__(
        self, serverapp: ServerApp, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._serverapp = serverapp
        self._clock = clock
        self._asked: float | None = None
        self._before: dict[int, Handler] = {}

    def follow(self) -> None:
        """Handle the signals from now on.

        Ignored signals stay ignored, such as SIGHUP under nohup. Signals that others handle stay
        theirs, such as Jupyter's question after a Ctrl-C in a terminal.
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
        """Restore the handlers of the signals that are still ours."""
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
"""Maximum seconds that the ending process waits for working threads."""

WORKERS = ("AnyIO worker thread", "asyncio_")
"""Name prefixes of threads in which an event loop runs blocking work, such as writing a file."""


def let_threads_end(log: logging.Logger) -> None:
    """Let the process end even if its event loop was stopped before all its tasks had ended.

    A thread of anyio ends with the task for which it was started. Jupyter Server stops its event
    loop whatever tasks are left, and Python then waits for their threads for ever. It also waits
    for every thread that is blocked by a drive that does not answer.
    """
    ending = threading.Event()
    waiting = threading.Thread(
        target=_end_workers, args=(ending, log), name="jmcp end", daemon=True
    )
    waiting.start()
    # This must run just before Python waits for its threads, and no public function runs that
    # early. The callback registered last is called first, and `concurrent.futures` waits for its
    # own threads in one.
    threading._register_atexit(ending.set)  # type: ignore[attr-defined]


def _end_workers(ending: threading.Event, log: logging.Logger) -> None:
    ending.wait()
    workers = [thread for thread in threading.enumerate() if thread.name.startswith(WORKERS)]
    for thread in workers:
        if (stop := getattr(thread, "stop", None)) is not None:
            # The thread finishes the work that it has begun.
            stop()
    end = time.monotonic() + STUCK_SECONDS
    for thread in workers:
        thread.join(max(end - time.monotonic(), 0))
    if any(thread.is_alive() for thread in workers):
        log.error(
            "The server stops although it is still reading or writing a file: its drive or service "
            "may not be responding. Unsaved changes of live documents are in their history and "
            "come back when the documents are opened again."
        )
        logging.shutdown()
        os._exit(1)


def end_whatever_kernels_do(serverapp: ServerApp, ended: Callable[[], None]) -> None:
    """Let a server end even if one of its kernels never started or cannot be shut down.

    jupyter_client 8 keeps the ids of failed starts among the kernels to shut down. Jupyter Server 2
    does not know them, and the resulting error leaves its event loop running.

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
            serverapp.log.warning("Not every kernel was shut down cleanly: %s", error_name(error))
            serverapp.log.debug("Not every kernel was shut down cleanly", exc_info=error)
        finally:
            ended()

    serverapp.cleanup_kernels = cleanup_kernels  # type: ignore[method-assign]
