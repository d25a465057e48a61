"""An IPython kernel that says nothing on its control channel but to end, as IRkernel does."""

from __future__ import annotations

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp


class QuietKernel(IPythonKernel):
    """A kernel that hears questions on its shell channel only."""

    async def process_control(self, msg: list[Any]) -> None:
        if any(b"shutdown_request" in bytes(frame) for frame in msg):
            await super().process_control(msg)


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=QuietKernel)
