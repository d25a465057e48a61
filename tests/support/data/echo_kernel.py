"""A kernel of a language that is not Python: it prints the code."""

from __future__ import annotations

from typing import Any, ClassVar

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class EchoKernel(Kernel):
    """Prints what it is given."""

    implementation = "echo"
    implementation_version = "1"
    banner = "echo"
    language_info: ClassVar = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    async def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        if not silent:
            self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code})
        return {"status": "ok", "execution_count": self.execution_count, "user_expressions": {}}

    async def do_inspect(self, code: str, *_: Any, **__: Any) -> dict[str, Any]:
        data = {"text/plain": f"Docs of {code}"}
        return {"status": "ok", "found": True, "data": data, "metadata": {}}

    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        matches = [f"{code}_loud", f"{code}_twice"]
        return {
            "status": "ok",
            "matches": matches,
            "cursor_start": 0,
            "cursor_end": cursor_pos,
            "metadata": {},
        }


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=EchoKernel)
