"""Short questions to a running kernel that leave nothing in its history or in a notebook.

They use the kernel's shell channel, so a kernel that runs a cell answers only after it. A busy
kernel is not asked at all, because a request cannot be withdrawn.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async

from ...errors import UnavailableError
from . import completing
from . import in_kernel_report as probe
from .connections import connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from logging import Logger

    from jupyter_client.manager import KernelManager

    from .connections import Connection

IDLE_SECONDS = 5.0
"""Maximum seconds to wait for a kernel to become idle before it counts as busy."""

ANSWER_SECONDS = 10.0
"""Maximum seconds to wait for an answer."""

STOP_SECONDS = 3.0
"""Maximum seconds that an interrupted question may take to end."""

LISTEN_SECONDS = 2.0
"""Maximum seconds to wait for the first message that a kernel publishes to us."""

NUDGE_SECONDS = 0.1

POLL_SECONDS = 0.02

_EXPRESSION = (
    "(lambda space: (__import__('builtins').exec(__import__('builtins').compile("
    "{source!r}, '<jmcp_lab>', 'exec'), space), space['report']("
    "__import__('IPython').get_ipython(), {names!r}, {most}, {width}))[1])"
    "({{'__name__': 'jmcp_lab_probe'}})"
)
_MAX_ANSWER = 2_000_000


class KernelQuestions:
    """A connection to one running kernel for a few questions; `questions` creates it.

    Parameters
    ----------
    kernel : KernelManager
    connection : Connection
        An open connection.
    seconds : float
        Maximum seconds for an answer.
    """

    def __init__(self, kernel: KernelManager, connection: Connection, seconds: float) -> None:
        self._kernel = kernel
        self._connection = connection
        self._seconds = seconds
        self._working_on: str | None = None
        self._heard = asyncio.Event()

    async def listen(self) -> None:
        """Return when the kernel's published messages arrive here; earlier ones are lost.

        An idle kernel does not always answer on the control channel, so this waits at most
        `LISTEN_SECONDS`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_SECONDS):
                while not self._heard.is_set():
                    self._connection.nudge()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(NUDGE_SECONDS):
                            await self._heard.wait()

    async def used(self) -> bool:
        """Return whether anybody has ever run code in this kernel.

        The kernel counts executions. A silent, empty request returns the count.
        """
        reply = await self._ask("execute_request", _silent({}))
        return int(reply.get("execution_count") or 0) > 0

    async def variables(
        self, names: Sequence[str] | None, *, most: int, width: int
    ) -> dict[str, Any]:
        """Return the result of `probe.report` about variables of an IPython kernel.

        Raises
        ------
        UnavailableError
            The kernel is busy, does not answer, or is not an IPython kernel.
        """
        chosen = None if names is None else list(names)
        expression = _EXPRESSION.format(
            source=inspect.getsource(probe), names=chosen, most=most, width=width
        )
        reply = await self._ask("execute_request", _silent({"report": expression}))
        answer = (reply.get("user_expressions") or {}).get("report")
        if not isinstance(answer, dict):
            raise UnavailableError(
                "The kernel does not answer as an IPython kernel does. Use execute_ipython with "
                "code of its language, or inspect_code."
            )
        if answer.get("status") != "ok":
            raise UnavailableError(
                f"The variables could not be inspected ({str(answer.get('ename'))[:60]}). Use "
                "execute_ipython to print what you need."
            )
        return _parsed(answer)

    async def inspect(self, code: str, cursor: int) -> str | None:
        """Return what the kernel knows about the name at `cursor`, as plain text, or None."""
        content = {"code": code, "cursor_pos": cursor, "detail_level": 0}
        reply = await self._ask("inspect_request", content)
        if reply.get("status") != "ok" or not reply.get("found"):
            return None
        data = reply.get("data") or {}
        for kind in ("text/plain", "text/markdown"):
            if isinstance(data.get(kind), str):
                return str(data[kind])
        return None

    async def complete(self, code: str, cursor: int) -> list[str]:
        """Return possible completions of the code before `cursor`.

        If the kernel runs Python, call `completing_runs` first.
        """
        reply = await self._ask("complete_request", {"code": code, "cursor_pos": cursor})
        found = reply.get("matches") if reply.get("status") == "ok" else None
        matches = [match for match in found or [] if isinstance(match, str)]
        start = reply.get("cursor_start")
        if _is_inside_line(code, start if isinstance(start, int) else cursor, cursor):
            # IPython offers its magics for any word that is still empty.
            matches = [match for match in matches if not match.startswith("%")]
        return matches

    async def completing_runs(self, code: str, cursor: int) -> str | None:
        """Return a message how a Python kernel would run code to complete this, or None."""
        names = completing.imported(code, cursor)
        reply = await self._ask("execute_request", _silent({"c": completing.question(names)}))
        return completing.refusal(names, (reply.get("user_expressions") or {}).get("c"))

    # -- asking --------------------------------------------------------------------------------

    async def _ask(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """Return the content of the kernel's reply.

        Raises
        ------
        UnavailableError
            It is busy, or does not answer in time.
        """
        for _ in range(2):
            await self._idle()
            reply = await self._answer(kind, content)
            # When a cell fails, the kernel aborts the requests queued right behind it.
            if reply.get("status") != "aborted":
                return reply
        raise UnavailableError(_BUSY)

    async def _idle(self) -> None:
        end = time.monotonic() + IDLE_SECONDS
        # There is no event for the server's record of the state.
        while getattr(self._kernel, "execution_state", None) == "busy":
            if time.monotonic() > end:
                raise UnavailableError(_BUSY)
            await asyncio.sleep(POLL_SECONDS)

    async def _answer(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        msg_id = self._connection.request(kind, content)
        with suppress(TimeoutError):
            return await self._reply(msg_id, self._seconds)
        if self._working_on != msg_id:
            # Somebody else's cell came first, and is not ours to interrupt.
            raise UnavailableError(_BUSY)
        await ensure_async(cast("Any", self._kernel).interrupt_kernel())
        with suppress(TimeoutError):
            return await self._reply(msg_id, STOP_SECONDS)
        raise UnavailableError(
            f"The kernel did not answer within {self._seconds:.0f} s. The repr of one of the "
            "objects may never finish. Name other variables."
        )

    async def _reply(self, msg_id: str, seconds: float) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                reply = await self._connection.reply()
                if (reply.get("parent_header") or {}).get("msg_id") == msg_id:
                    return dict(reply["content"])

    async def follow(self) -> None:
        """Record what the kernel works on, until cancelled."""
        while True:
            message = await self._connection.published()
            self._heard.set()
            if message["msg_type"] == "status":
                parent = (message.get("parent_header") or {}).get("msg_id")
                busy = message["content"].get("execution_state") == "busy"
                self._working_on = parent if busy else None


_BUSY = (
    "The kernel is busy with a cell and answers nothing else until the cell has finished. Call "
    "again later; list_kernels shows its state."
)


@asynccontextmanager
async def questions(
    kernel: KernelManager, log: Logger, *, seconds: float = ANSWER_SECONDS
) -> AsyncIterator[KernelQuestions]:
    """Connect to a running kernel for a few questions.

    Parameters
    ----------
    kernel : KernelManager
    log : Logger
    seconds : float, optional
        Maximum seconds for each answer.
    """
    connected = connection(kernel, log)
    await connected.open()
    asked = KernelQuestions(kernel, connected, seconds)
    following = asyncio.create_task(asked.follow(), name="jmcp-lab-questions")
    try:
        await asked.listen()
        yield asked
    finally:
        following.cancel()
        (ended,) = await asyncio.gather(following, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):
            log.warning("A kernel's status message could not be handled: %s", ended)
        await connected.close()


def _silent(expressions: dict[str, str]) -> dict[str, Any]:
    """Return an execute request that only evaluates expressions and leaves no trace."""
    return {
        "code": "",
        "silent": True,
        "store_history": False,
        "user_expressions": expressions,
        "allow_stdin": False,
        "stop_on_error": False,
    }


def _parsed(answer: dict[str, Any]) -> dict[str, Any]:
    """Parse the report in an evaluated expression, which comes from the user's own process."""
    shown = (answer.get("data") or {}).get("text/plain")
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        if isinstance(shown, str) and len(shown) <= _MAX_ANSWER:
            found = json.loads(ast.literal_eval(shown))
            if isinstance(found, dict) and isinstance(found.get("variables"), list):
                return found
    raise UnavailableError(
        "The kernel's answer about its variables could not be read. Use execute_ipython to print "
        "what you need."
    )


def _is_inside_line(code: str, start: int, cursor: int) -> bool:
    """Return whether a completed word is no magic: it has no %, and is not the first word."""
    before = code[:start].rpartition("\n")[2]
    return bool(before.strip()) and "%" not in code[start:cursor] and not before.endswith("%")
