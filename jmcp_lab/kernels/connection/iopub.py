"""Read what a kernel publishes without losing messages and without blocking the server.

An asyncio reader with ZMQ's default high-water mark of 1000 messages loses output, and with it the
idle status, when a kernel prints faster than the event loop reads. So a thread drains the socket,
without a high-water mark, and the event loop processes the messages in slices.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.client import KernelClient

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from jupyter_client.manager import KernelManager

BATCH_SECONDS = 0.03
"""Seconds between two batches of messages while a kernel floods."""

SLICE_SECONDS = 0.02
"""Maximum seconds that the event loop works on messages before other tasks run."""

HEAVY_SECONDS = 0.005
"""Seconds of work, as for an image of some megabytes, after which other tasks run before its
writing.
"""

PAUSE_SECONDS = 0.001
"""Minimum seconds for other tasks between two slices."""

PROMPT_WAKES = 8
"""Maximum immediate wake-ups in one batch time, so that a short run does not wait."""


class Handover:
    """Passes raw messages from a reading thread to the event loop, in batches.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
    handle : Callable
        Called on the event loop with each raw message.
    done : Callable
        Called on the event loop after each batch.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handle: Callable[[Any], None],
        done: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._handle = handle
        self._done = done
        self._raw: deque[Any] = deque()
        self._pending = False
        self._closed = False
        self._window = 0.0
        self._wakes = 0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, raw: object) -> None:
        """Pass on a message; the reading thread calls this."""
        self._raw.append(raw)
        if not self._pending and not self._closed:
            self._pending = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                # The event loop is closed, so nothing will process messages any more.
                self._closed = True

    def close(self) -> None:
        """Stop passing on messages."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._raw.clear()

    def _wake(self) -> None:
        now = self._loop.time()
        if now - self._window >= BATCH_SECONDS:
            self._window, self._wakes = now, 0
        self._wakes += 1
        if self._wakes <= PROMPT_WAKES:
            self._drain()
        elif not self._closed:
            self._timer = self._loop.call_later(self._window + BATCH_SECONDS - now, self._drain)

    def _drain(self) -> None:
        if self._closed:
            return
        # Reset this first, so that a message that arrives during the work wakes the loop again.
        self._pending = False
        start = self._loop.time()
        end = start + SLICE_SECONDS
        while self._raw:
            self._handle(self._raw.popleft())
            if self._closed:
                return
            if self._loop.time() >= end:
                # Pause even if the queue is empty now: the thread may be about to add the next
                # message.
                self._pending = True
                self._timer = self._loop.call_later(PAUSE_SECONDS, self._drain)
                break
        if self._loop.time() - start < HEAVY_SECONDS:
            self._done()
        else:
            self._loop.call_soon(self._finish)

    def _finish(self) -> None:
        if not self._closed:
            self._done()


class ZmqReader:
    """Reads the iopub socket of a local kernel in a thread.

    Parameters
    ----------
    manager : KernelManager
    put : Callable
        Receives the frames of each message. It runs in the thread and must not raise.

    Notes
    -----
    jupyter_client creates the socket, because it knows TCP, IPC and CurveZMQ. The high-water mark
    must
    be set before the socket connects, so it is set on the context, from which new sockets inherit
    it.
    """

    def __init__(self, manager: KernelManager, put: Callable[[list[bytes]], None]) -> None:
        self._put = put
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._client = _sync_client(manager, self._context)
        self._socket = self._client.connect_iopub()
        address = f"inproc://stop-{id(self)}"
        self._stop_here = self._context.socket(zmq.PAIR)
        self._stop_there = self._context.socket(zmq.PAIR)
        self._stop_there.bind(address)
        self._stop_here.connect(address)
        self._thread = threading.Thread(target=self._read, name="jmcp-lab-iopub", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and free its sockets."""
        if self._thread.ident is not None:
            self._stop_here.send(b"")
            self._thread.join()
        for socket in (self._socket, self._stop_there, self._stop_here):
            socket.close(linger=0)
        self._context.term()

    def _read(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._stop_there, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._stop_there in ready:
                return
            self._put(self._socket.recv_multipart())


def _sync_client(manager: KernelManager, context: zmq.Context[Any]) -> KernelClient:
    """Return a client of the kernel whose sockets a thread can use."""
    info: dict[str, Any] = dict(manager.get_connection_info(session=True))
    for key in ("curve_publickey", "curve_secretkey"):
        if isinstance(info.get(key), str):
            info[key] = info[key].encode("ascii")
    return KernelClient(**info, context=context)
