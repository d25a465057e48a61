"""Questions of running code: a person answers what ``input()`` asks, or refuses."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any

from ...calls.call import Question
from ...server.containment import contained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..connection.kernel_connection import KernelBridge
    from ..connection.output_sink import OutputSink
    from .run import Run

END_OF_INPUT = "\x04"
"""Answer that ipykernel turns into an ``EOFError`` (``Kernel._input_request``)."""

HIDDEN = "········"
"""Placeholder for a password, as in JupyterLab."""

MAX_PROMPT = 2000

_log = logging.getLogger("jmcp_lab")


class Asking:
    """Passes the questions of one execution to the run's followers, and the answers back.

    The cell shows prompt and answer as a terminal would, and a password as dots.

    Parameters
    ----------
    run : Run
    sink : OutputSink
        Receives the execution's output.
    bridge : KernelBridge
        The kernel that waits.
    """

    def __init__(self, run: Run, sink: OutputSink, bridge: KernelBridge) -> None:
        self._run = run
        self._sink = sink
        self._bridge = bridge
        self._task: asyncio.Task[None] | None = None
        self.refused = False

    def start(self, content: Mapping[str, Any]) -> None:
        """Ask a question of the kernel's."""
        self._task = asyncio.create_task(self._ask(content))

    async def end(self) -> None:
        """Drop an open question, because the code has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._run.asked(None, None)

    async def _ask(self, content: Mapping[str, Any]) -> None:
        try:
            with contained():
                await self._put(content)
        except Exception:
            # Without an answer, the code would wait for ever for a question that nobody sees.
            _log.exception("An input request of running code could not be shown")
            self.refused = True
            self._bridge.answer(END_OF_INPUT)

    async def _put(self, content: Mapping[str, Any]) -> None:
        # Earlier output comes on another channel, and must be above the question.
        await self._bridge.caught_up()
        prompt = str(content.get("prompt") or "")[:MAX_PROMPT]
        question = Question(f"q_{secrets.token_hex(5)}", prompt, bool(content.get("password")))
        self._sink.print(prompt)
        self._run.asked(question, self._answer)
        if not self._run.can_ask():
            # A person was there when the code was sent, but is not any more.
            self._run.answer(question.id, None)

    def _answer(self, question: Question, value: str | None) -> None:
        if value is None or value == END_OF_INPUT:
            self.refused = True
            self._sink.print("\n")
            self._bridge.answer(END_OF_INPUT)
            return
        self._sink.print(f"{HIDDEN if question.password else value}\n")
        self._bridge.answer(value)
