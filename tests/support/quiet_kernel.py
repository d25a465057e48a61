"""An IPython kernel that handles only a shutdown on its control channel, like IRkernel."""

from __future__ import annotations

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp


class QuietKernel(IPythonKernel):
    """A kernel that answers requests only on its shell channel."""

    async def process_control(self, msg: list[Any]) -> None:
        if any(b"shutdown_request" in bytes(frame) for frame in msg):
            await super().process_control(msg)


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=QuietKernel)
