"""A run: pieces of code that one owner asked for, and the result of each."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConflictError
from ...text.sanitize import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...calls.call import Question
    from ...outputs.cell_writer import OutputDocument
    from ..connection.execute_request import Execution
    from ..connection.output_sink import OutputSink


class StoppedError(Exception):
    """Somebody asked to stop before the code was in the kernel."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Code to run.

    Parameters
    ----------
    source : str
        Exactly what the kernel gets.
    cell_id : str or None
        The cell that contains the code and receives its outputs, or None.
    may_fail : bool
        Whether an error in it is expected, and does not stop the run. Its cell has the tag
        ``raises-exception``, which JupyterLab and nbclient respect as well.
    """

    source: str
    cell_id: str | None = None
    may_fail: bool = False


RUN_ID = re.compile(r"(r_[0-9a-f]{10})(?:/(\d{1,6}))?")
"""Pattern of a run's id; the number of a piece may follow after a slash, from 1."""

PATIENCE_SECONDS = 5.0
"""Seconds after a stop request until running code is reported as not reacting."""

MAX_QUOTED = 80
"""Maximum characters of the code's output or prompt that are quoted in a message about a run."""


class RunState(StrEnum):
    """The state of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DIED = "died"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.QUEUED, RunState.RUNNING)


@dataclass(slots=True)
class PieceResult:
    """The result of a piece.

    Attributes
    ----------
    status : str
        ``ok``, ``error``, ``aborted`` (it did not finish), ``changed`` or ``gone`` (its cell is no
        longer what the run was asked for, so it did not run) or ``skipped``.
    outputs : list of dict
        All its outputs in nbformat form, even if somebody has cleared the cell since.
    error : tuple or None
        The name and text of the exception.
    note : str or None
        Further information for the reader.
    """

    piece: Piece
    status: str
    execution_count: int | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: tuple[str, str] | None = None
    seconds: float = 0.0
    note: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it raised an unexpected error."""
        return self.status == "error" and not self.piece.may_fail


def _nobody() -> bool:
    return False


_SET: Final = asyncio.Event()
"""Shared event for what has happened in ended runs; a set event belongs to no event loop."""
_SET.set()

_UNSET: Final = asyncio.Event()
"""Shared event for what will never happen in ended runs."""


class Run:
    """Pieces of code that run one after the other, whether or not anybody waits for them.

    Attributes
    ----------
    current : int or None
        The index of the piece that is in the kernel.
    started, ended : float or None
        Seconds since the epoch.
    message : str or None
        What happened, unless the run simply finished.
    notice : str or None
        What happened to the kernel since this owner's last run.
    question : Question or None
        The question that the code waits for.
    can_ask : Callable
        Returns whether a person is there who could answer it.
    """

    __slots__ = (
        "_answer",
        "_ended",
        "_last_words",
        "_on_change",
        "_stop_requested_at",
        "can_ask",
        "created",
        "current",
        "ended",
        "execution",
        "for_next_kernel",
        "id",
        "kernel_id",
        "message",
        "notebook",
        "notice",
        "outputs_seen",
        "owner",
        "path",
        "piece_started",
        "pieces",
        "question",
        "results",
        "shown_waiting",
        "sink",
        "started",
        "state",
        "stop_on_error",
        "stop_requested",
        "weight",
    )

    def __init__(
        self,
        kernel_id: str,
        pieces: list[Piece],
        *,
        owner: str,
        notebook: OutputDocument | None,
        path: str | None,
        stop_on_error: bool,
        on_change: Callable[[Run], None] | None,
        can_ask: Callable[[], bool],
    ) -> None:
        self.id = f"r_{secrets.token_hex(5)}"
        self.kernel_id = kernel_id
        self.pieces = pieces
        self.owner = owner
        self.notebook = notebook
        self.path = path
        self.stop_on_error = stop_on_error
        self.state = RunState.QUEUED
        self.results: list[PieceResult] = []
        self.current: int | None = None
        self.created = time.time()
        self.started: float | None = None
        self.ended: float | None = None
        self.message: str | None = None
        self.notice: str | None = None
        self.question: Question | None = None
        self.can_ask = can_ask
        self._answer: Callable[[Question, str | None], None] | None = None
        self.outputs_seen = 0
        self.weight = 0
        # These attributes are internal to the queue.
        self.execution: Execution | None = None
        self.sink: OutputSink | None = None
        self.shown_waiting: set[str] = set()
        self.for_next_kernel = False  # requested while the previous one was ending
        self.stop_requested = asyncio.Event()
        self._stop_requested_at: float | None = None
        self.piece_started: float | None = None
        self._on_change = on_change
        self._ended = asyncio.Event()
        self._last_words: str | None = None

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self._ended.is_set()

    async def wait(self) -> None:
        """Return when the run has ended; cancelling the wait does not affect the run."""
        await self._ended.wait()

    @property
    def last_line(self) -> str | None:
        """The last line of text printed by the current piece, or by the last one."""
        return (self.sink.buffer.last_line or None) if self.sink is not None else self._last_words

    def partial_outputs(self) -> list[dict[str, Any]]:
        """Return the outputs so far of the piece that is in the kernel."""
        return self.sink.buffer.outputs() if self.sink is not None and not self.done else []

    def answer(self, question_id: str, value: str | None) -> None:
        """Answer the code's question; None refuses, which the code gets as the end of input.

        Raises
        ------
        ConflictError
            It was answered already, or the code asks something else by now.
        """
        question, answer = self.question, self._answer
        if question is None or answer is None or question.id != question_id:
            raise ConflictError("This question is no longer asked.", code="answered")
        self.asked(None, None)
        answer(question, value)

    def progress(self) -> str:
        """Return the run's progress: ``12 s, cell 2 of 5, last output: "epoch 3/10"``.

        Text from the code is in quotes, so that a model does not take it for our words.
        """
        if self.state is RunState.QUEUED:
            return "waiting for the kernel"
        seconds = (self.ended or time.time()) - (self.started or self.created)
        words = [f"{seconds:.0f} s"]
        if len(self.pieces) > 1 and not self.done:
            now = min(len(self.results) + 1, len(self.pieces))
            words.append(f"cell {now} of {len(self.pieces)}")
        if not self.done and self.execution is not None and not self.execution.started:
            words.append("waiting for the kernel")
        if self.ignores_stop:
            words.append("asked to stop but does not react; restarting the kernel ends it")
        if self.question is not None:
            asks = quoted(self.question.prompt, MAX_QUOTED) or "an input request"
            words.append(f"waiting for the user to answer {asks}")
        elif said := quoted(self.last_line or "", MAX_QUOTED):
            words.append(f"last output: {said}")
        return ", ".join(words)

    # -- for the queue -------------------------------------------------------------------------

    async def first(self, *futures: asyncio.Future[Any], timeout: float | None = None) -> None:
        """Return when one of the futures is done.

        Raises
        ------
        StoppedError
            Somebody asked to stop meanwhile.
        """
        stop = asyncio.create_task(self.stop_requested.wait())
        try:
            await asyncio.wait(
                [*futures, stop], timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stop.cancel()
            await asyncio.gather(stop, return_exceptions=True)
        if self.stop_requested.is_set():
            raise StoppedError

    def asked(
        self, question: Question | None, answer: Callable[[Question, str | None], None] | None
    ) -> None:
        """Record the code's question, or that it no longer asks anything."""
        if question is not self.question:
            self.question, self._answer = question, answer
            self.changed()

    def request_stop(self) -> None:
        """Ask the run to end as soon as it can."""
        if self.done:
            return
        if self._stop_requested_at is None:
            self._stop_requested_at = time.monotonic()
        self.stop_requested.set()

    @property
    def ignores_stop(self) -> bool:
        """Whether code is still running some time after it was interrupted."""
        asked = self._stop_requested_at
        waited = time.monotonic() - asked if asked is not None else 0.0
        return not self.done and waited > PATIENCE_SECONDS

    def changed(self) -> None:
        """Notify the run's followers."""
        if self._on_change is not None:
            self._on_change(self)

    def finish(self, state: RunState, message: str | None = None) -> None:
        """End the run and mark its remaining pieces as skipped."""
        if self.done:
            return
        skipped = self.pieces[len(self.results) :]
        self.results.extend(PieceResult(piece, "skipped") for piece in skipped)
        self.state = state
        self.message = message or self.message
        self.current = None
        self.ended = time.time()
        self.execution = None
        self._ended.set()
        self.changed()
        self._lighten()

    def _lighten(self) -> None:
        """Release what an ended run no longer needs, as some hundred runs are remembered."""
        self._last_words = self.last_line
        self.sink = None
        self._on_change = None
        self._answer = None
        self.can_ask = _nobody
        # Tasks that wait hold a reference to the original event.
        self._ended = _SET
        self.stop_requested = _SET if self.stop_requested.is_set() else _UNSET
