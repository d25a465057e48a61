"""Check the features that agents use with real kernels of several languages, and print a table.

The script starts every kernel below whose kernelspec Jupyter finds, and uses it through the same
code as the tools. For example Debian has IRkernel (r-cran-irkernel), npm has deno, and PyPI has
bash_kernel and xeus-python. Usage: ``python scripts/check_kernels.py [kernel names]``
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jmcp_lab.errors import ToolError  # noqa: E402
from jmcp_lab.kernels.introspection.questions import questions  # noqa: E402
from jmcp_lab.kernels.runs.executor import Executor  # noqa: E402
from jmcp_lab.kernels.runs.run import Piece, Run, RunState  # noqa: E402
from tests.kernels.conftest import Bench, until  # noqa: E402

WITHIN = 60.0
"""Maximum number of seconds for each step."""

LOG = logging.getLogger("check_kernels")


@dataclass(frozen=True)
class Language:
    """Code for a kernel in its own language."""

    run: str  # Prints 42.
    stream: str  # Prints `began` and never ends.
    fail: str
    complete: str
    completion: str
    inspect: str


PYTHON = Language(
    run="print(6 * 7)",
    stream="import time\nprint('began', flush=True)\nwhile True: time.sleep(0.05)",
    fail="1/0",
    complete="prin",
    completion="print",
    inspect="print",
)
LANGUAGES = {
    "python3": PYTHON,
    "ir": Language(
        run="cat(6 * 7)",
        stream="cat('began'); flush.console(); repeat Sys.sleep(0.05)",
        fail="stop('no')",
        complete="prin",
        completion="print",
        inspect="paste",
    ),
    "bash": Language(
        run="echo $((6 * 7))",
        stream="echo began; while true; do sleep 0.05; done",
        fail="false",
        complete="prin",
        completion="printf",
        inspect="printf",
    ),
    "deno": Language(
        run="console.log(6 * 7)",
        stream="console.log('began'); while (true) await new Promise(go => setTimeout(go, 50));",
        fail="throw new Error('no')",
        complete="conso",
        completion="console",
        inspect="console",
    ),
    "xpython": PYTHON,
}


class Kernel:
    """A running kernel, with the steps of the check.

    Parameters
    ----------
    manager : AsyncMappingKernelManager
    kernel_id : str
    language : Language
    """

    def __init__(
        self, manager: AsyncMappingKernelManager, kernel_id: str, language: Language
    ) -> None:
        self._manager = manager
        self._id = kernel_id
        self._language = language
        self._executor = Executor(manager, LOG)

    def _start(self, bench: Bench) -> Run:
        cells = zip(bench.notebook.ids, bench.document.ycells, strict=True)
        pieces = [Piece(str(cell["source"]), cell_id) for cell_id, cell in cells]
        return self._executor.start(self._id, pieces, owner="a", notebook=bench.notebook)

    async def run(self) -> str:
        """Run a cell."""
        bench = Bench(self._language.run)
        run = self._start(bench)
        await run.wait()
        said = bench.text().strip()
        return "ok" if run.state is RunState.DONE and said == "42" else f"{run.state}: {said!r}"

    async def error(self) -> str:
        """Run a cell that fails, and check that the next one does not run."""
        bench = Bench(self._language.fail, self._language.run)
        run = self._start(bench)
        await run.wait()
        told = [output["output_type"] for output in bench.outputs(0)]
        ended = [result.status for result in run.results]
        return "ok" if "error" in told and ended == ["error", "skipped"] else f"{told}, {ended}"

    async def stream(self) -> str:
        """Wait for output of a cell that is still running, and interrupt it."""
        bench = Bench(self._language.stream)
        run = self._start(bench)
        await until(lambda: run.state.ended or "began" in bench.text(), WITHIN)
        if run.state.ended:
            return f"ended: {run.state}"
        await self._executor.interrupt(run)
        await run.wait()
        return "ok" if run.state is RunState.INTERRUPTED else f"{run.state}: {run.message}"

    async def complete(self) -> str:
        """Complete a word."""
        code = self._language.complete
        async with questions(self._manager.get_kernel(self._id), LOG) as asked:
            found = await asked.complete(code, len(code))
        # Some kernels complete a function with an opening bracket.
        return "ok" if any(each.startswith(self._language.completion) for each in found) else "none"

    async def inspect(self) -> str:
        """Inspect a name."""
        code = self._language.inspect
        async with questions(self._manager.get_kernel(self._id), LOG) as asked:
            return "ok" if await asked.inspect(code, len(code)) else "it says nothing"

    async def restart(self) -> str:
        """Restart the kernel while a cell is running, and run another cell."""
        bench = Bench(self._language.stream)
        run = self._start(bench)
        await until(lambda: run.state.ended or "began" in bench.text(), WITHIN)
        await self._manager.restart_kernel(self._id)
        await run.wait()
        return await self.run() if run.state is RunState.DIED else f"{run.state}: {run.message}"

    async def end(self) -> None:
        """Shut the kernel down."""
        await self._executor.stop()
        # A kernel that dies at every start is given up by the manager, and is gone by now.
        if self._id in self._manager:
            await self._manager.shutdown_kernel(self._id, now=True)


STEPS: dict[str, Callable[[Kernel], Awaitable[str]]] = {
    "run": Kernel.run,
    "error": Kernel.error,
    "complete": Kernel.complete,
    "inspect": Kernel.inspect,
    "restart under a run": Kernel.restart,
    "stream, interrupt": Kernel.stream,
    "run after it": Kernel.run,
}


async def check(name: str) -> list[str]:
    """Return the result of each step."""
    manager: Any = AsyncMappingKernelManager()
    try:
        async with asyncio.timeout(WITHIN):
            kernel_id = await manager.start_kernel(kernel_name=name)
    except Exception as error:
        return [f"does not start: {type(error).__name__}"] * len(STEPS)
    kernel = Kernel(manager, kernel_id, LANGUAGES[name])
    said = []
    try:
        for step in STEPS.values():
            try:
                async with asyncio.timeout(WITHIN):
                    said.append(await step(kernel))
            except TimeoutError:
                said.append(f"not within {WITHIN:.0f} s")
            except ToolError as error:
                said.append(str(error))
    finally:
        await kernel.end()
    return said


def main() -> int:
    """Print the table; return 1 if anything failed."""
    found = KernelSpecManager().find_kernel_specs()
    chosen = sys.argv[1:] or [name for name in LANGUAGES if name in found]
    failed = not chosen
    print("| kernel |", " | ".join(STEPS), "|")
    print("| --- |", " | ".join("---" for _ in STEPS), "|", flush=True)
    for name in chosen:
        said = asyncio.run(check(name))
        failed = failed or any(each != "ok" for each in said)
        print(f"| {name} |", " | ".join(said), "|", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
