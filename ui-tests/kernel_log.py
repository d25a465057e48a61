"""Lets kernels log to a file of their own, so that the server's log is only about the server.

A kernel inherits the server's standard error. A kernel that is shut down while it starts or answers
may write an error there, which is not a fault of the server.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager


class LoggedKernelManager(ServerKernelManager):
    """Start each kernel with its standard error appended to the file that the tests name."""

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        path = Path(os.environ["JMCP_UI_KERNEL_LOG"])
        # The process keeps its own descriptor of the file after this one is closed.
        with path.open("ab") as log:  # noqa: ASYNC230 - a small file, once a kernel
            await super()._async_launch_kernel(kernel_cmd, **options, stderr=log)
