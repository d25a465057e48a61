"""A server extension for the fuzzer only, which records when and where the event loop is blocked.

Each line of the file that ``JMCP_HEARTBEAT`` names is a JSON object: ``at`` (seconds since the
epoch), ``late`` (how long the loop was blocked), ``work`` (its thread's CPU time in that time),
``blocked`` (`late` without the time that a thread of this process waited for a CPU) and ``where``
(what the threads did in that time).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "benchmarks"))

from in_process import WaitsForCpu

if TYPE_CHECKING:
    from types import FrameType

    from jupyter_server.serverapp import ServerApp

STEP_SECONDS = 0.005
WORTH_SECONDS = 0.05
"""Minimum duration in seconds of a block to record."""
LOOK_SECONDS = 0.04

_kept: list[asyncio.Task[None]] = []


PLACES = 9
"""Maximum number of functions of this package to name, the innermost ones."""


class _Watch:
    """Samples all threads from a separate thread while the loop is blocked."""

    def __init__(self) -> None:
        self.beat = time.perf_counter()
        self._seen: Counter[str] = Counter()
        self._loop_thread = threading.get_ident()
        threading.Thread(target=self._look, daemon=True, name="heartbeat").start()

    def begin(self, now: float) -> None:
        """Start to wait for the next beat."""
        self.beat = now
        self._seen = Counter()

    def where(self) -> list[str]:
        """Return the most frequent places of the loop's thread and of other busy threads."""
        return [f"{place} ({times} x)" for place, times in self._seen.most_common(3)]

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            if time.perf_counter() - self.beat < LOOK_SECONDS:
                continue
            frames = sys._current_frames()
            for thread in threading.enumerate():
                frame = frames.get(thread.ident or 0)
                if thread.ident == self._loop_thread:
                    self._seen[_places(frame)] += 1
                elif thread.name.startswith("jmcp") and _works(frame):
                    self._seen[f"{thread.name}: {_places(frame)}"] += 1


def _works(frame: FrameType | None) -> bool:
    waiting = ("threading", "queue", "selectors", "thread", "subprocess")
    return frame is not None and Path(frame.f_code.co_filename).stem not in waiting


def _places(frame: FrameType | None) -> str:
    """Return the innermost functions of this package, and the function that they last called."""
    found = traceback.extract_stack(frame)
    own = [each for each in found if "jmcp_lab" in each.filename][-PLACES:]
    last = found[-1:] if found[-1:] != own[-1:] else []
    return " > ".join(f"{Path(each.filename).stem}.{each.name}" for each in [*own, *last])


async def _beat(path: str) -> None:
    watch = _Watch()
    with WaitsForCpu() as waits, Path(path).open("a", buffering=1) as file:  # noqa: ASYNC230
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            watch.begin(before)
            await asyncio.sleep(STEP_SECONDS)
            late = time.perf_counter() - before - STEP_SECONDS
            work = time.thread_time() - worked
            waited = waits.longest()
            if late > WORTH_SECONDS:
                blocked = max(work, late - waited)
                found = {"at": time.time(), "late": late, "work": work, "blocked": blocked}
                print(json.dumps(found | {"where": watch.where()}), file=file)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "heartbeat"}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    async def begin() -> None:
        _kept.append(asyncio.create_task(_beat(os.environ["JMCP_HEARTBEAT"])))

    serverapp.io_loop.add_callback(begin)
