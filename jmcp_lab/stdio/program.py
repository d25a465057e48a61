"""Runs the bridge on this process's standard streams. Nothing that takes long is imported here."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .bridge import Bridge
from .offer import Offer
from .standard_input import StandardInput
from .standard_output import StandardOutput

if TYPE_CHECKING:
    from .way import Way


def run(url: str | None, token_file: Path | None) -> int:
    """Serve the client until it ends, and return the exit status."""
    try:
        asyncio.run(_serve(url, token_file))
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(url: str | None, token_file: Path | None) -> None:
    here = Path.cwd()

    def make_way() -> Way:
        from .way import Way

        return Way(here, _programs(), url, token_file)

    lines = StandardInput()
    loop = asyncio.get_running_loop()

    def broken() -> None:
        with suppress(RuntimeError):  # The event loop has ended.
            loop.call_soon_threadsafe(lines.end)

    output = StandardOutput(broken)
    try:
        offer = Offer(lambda: _programs() / "tools", url or str(here))
        await Bridge(make_way, offer, output.write, _tell).run(lines)
    finally:
        output.end()


def _programs() -> Path:
    """Return the folder of what the programs of all clients keep."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "jmcp_lab" / "programs"


def _tell(words: str) -> None:
    """Write to standard error, which clients keep as the log of a program."""
    sys.stderr.write(f"jmcp-lab stdio: {words}\n")
    sys.stderr.flush()
