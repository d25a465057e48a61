"""Provides code for cells that waits for the test, and waits for the progress of runs."""

from __future__ import annotations

import asyncio

from .robots import LIMIT, Robot


def waiting_for(file: str) -> str:
    """Return code that continues when a file appears in the notebook's folder."""
    return (
        f"import time, pathlib\nwhile not pathlib.Path({file!r}).exists():\n    time.sleep(0.02)\n"
    )


def printing_until(first: str, file: str, last: str) -> str:
    """Return code that prints, waits for a file and prints again."""
    return f"print({first!r}, flush=True)\n{waiting_for(file)}print({last!r})"


async def until_progress(robot: Robot, words: str) -> None:
    """Wait until the progress of an agent's run contains `words`."""
    async with asyncio.timeout(LIMIT):
        while True:
            for call in robot.app.ledger.active(robot.agent.id):
                run = robot.app.services.runs.get(call.id)
                if run is not None and words in run.progress():
                    return
            await asyncio.sleep(0.01)  # A run has no event for a line of output.
