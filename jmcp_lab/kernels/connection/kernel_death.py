"""A dead kernel: how it died, and whether Jupyter will restart it."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from jupyter_client.multikernelmanager import MultiKernelManager

RESTART_SECONDS = 30.0
"""Maximum seconds that a run waits for a kernel to be restarted.

Jupyter checks its kernels every 3 s, and tries five times.
"""

LOOK_SECONDS = 0.1


class Lost(StrEnum):
    """Reasons why a kernel, or everything in it, is gone."""

    RESTARTED = "restarted"
    SHUT_DOWN = "shut_down"
    DIED = "died"
    KILLED = "killed"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    DEAD = "dead"
    UNREACHABLE = "unreachable"


async def started_again(kernel_id: str, manager: MultiKernelManager) -> None:
    """Return when a kernel is up, or nothing will restart it, or time is up.

    The kernel may have died, or somebody may be restarting it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + RESTART_SECONDS
    while loop.time() < end and kernel_id in manager:
        kernel: Any = manager.get_kernel(kernel_id)
        if not _is_between(kernel) and (not _is_looked_after(kernel) or await _is_alive(kernel)):
            return
        await asyncio.sleep(LOOK_SECONDS)


def is_restarting(kernel_id: str, manager: MultiKernelManager) -> bool:
    """Return whether somebody is currently ending or restarting a kernel."""
    return kernel_id in manager and _is_between(manager.get_kernel(kernel_id))


def _is_between(kernel: Any) -> bool:  # noqa: ANN401
    """Whether a kernel's process is ending, or the next one has not started yet."""
    return bool(getattr(kernel, "shutting_down", False)) or not getattr(kernel, "has_kernel", True)


def _is_looked_after(kernel: Any) -> bool:  # noqa: ANN401 - of any kind
    """Whether Jupyter restarts this kernel when it dies; Jupyter drops one that it gives up."""
    restarts = bool(getattr(kernel, "autorestart", False))
    return restarts and getattr(kernel, "_restarter", None) is not None


async def _is_alive(kernel: Any) -> bool:  # noqa: ANN401
    return bool(await ensure_async(cast("Awaitable[bool] | bool", kernel.is_alive())))


def how_it_died(kernel: Any) -> Lost:  # noqa: ANN401
    """Return how a kernel's process ended, as far as the system tells."""
    process = getattr(kernel.provisioner, "process", None)
    code = getattr(process, "returncode", None)
    if code == 0:
        return Lost.ENDED
    return Lost.KILLED if code == -getattr(signal, "SIGKILL", 9) else Lost.DIED
