"""The runs on all kernels of this server."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from ...errors import InvalidArgumentError, NotFoundError
from ...outputs.buffer import DEFAULT_LIMIT
from . import messages as words
from .kernel_queue import KernelQueue
from .progress import show_waiting
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from logging import Logger

    from jupyter_client.multikernelmanager import MultiKernelManager

    from ...outputs.cell_writer import OutputDocument
    from .run import Piece

MAX_ENDED_RUNS = 200
"""Maximum number of ended runs that are remembered for later questions."""

MAX_ENDED_WEIGHT = 20_000_000
"""Maximum characters of output that these may hold together."""


class Executor:
    """Runs code in kernels; a run outlives the caller that asked for it.

    Parameters
    ----------
    manager : MultiKernelManager
        The server's kernel manager.
    log : Logger
    output_limit : int or None, optional
        Maximum characters of output to keep for each cell: half for the beginning, the rest for the
        end. None or 0 means no limit.

    Notes
    -----
    Call every method in the thread of the event loop.
    """

    def __init__(
        self,
        manager: MultiKernelManager,
        log: Logger,
        *,
        output_limit: int | None = DEFAULT_LIMIT,
    ) -> None:
        self._manager = manager
        self._log = log
        self._output_limit = output_limit
        self._queues: dict[str, KernelQueue] = {}
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._last_kernel: dict[tuple[str, str], str] = {}

    def start(
        self,
        kernel_id: str,
        pieces: Sequence[Piece],
        *,
        owner: str,
        notebook: OutputDocument | None = None,
        path: str | None = None,
        stop_on_error: bool = True,
        on_change: Callable[[Run], None] | None = None,
        can_ask: Callable[[], bool] = lambda: False,
    ) -> Run:
        """Queue pieces of code, and return at once.

        Parameters
        ----------
        kernel_id : str
        pieces : sequence of Piece
        owner : str
            Owners take turns.
        notebook : LiveNotebook, optional
            The notebook that contains the pieces' cells. The caller keeps its room open until the
            run has ended.
        path : str, optional
            The path for lists; the default is the notebook's own.
        stop_on_error : bool
            Whether the first error ends this run. Other runs are never affected.
        on_change : Callable, optional
            Called when a piece begins or ends, after new output (at most twice a second), and when
            the run ends. It must not block.
        can_ask : Callable, optional
            Returns whether a person is there to answer the code's questions. If not, they fail at
            once.

        Raises
        ------
        InvalidArgumentError
            There is nothing to run.
        NotFoundError
            There is no such kernel.
        """
        if not pieces:
            raise InvalidArgumentError("There is nothing to run.")
        if kernel_id not in self._manager:
            raise NotFoundError(
                "The kernel is no longer running. Start one for the notebook with "
                "assign_kernel_to_notebook."
            )
        run = Run(
            kernel_id,
            list(pieces),
            owner=owner,
            notebook=notebook,
            path=path or getattr(notebook, "path", None),
            stop_on_error=stop_on_error,
            on_change=on_change,
            can_ask=can_ask,
        )
        self._add(run)
        return run

    def _add(self, run: Run) -> None:
        self._note_other_kernel(run)
        self._forget_old()
        queue = self._queue(run.kernel_id)
        if len(run.pieces) > 1 or not queue.free:
            show_waiting(run)
        self._runs[run.id] = run
        queue.add(run)

    async def interrupt(self, run: Run) -> None:
        """Stop a run; everything else in the kernel continues.

        A queued run is cancelled, and a running one is interrupted. This returns once the kernel
        was asked; `Run.wait` returns when the code has really ended.
        """
        if not run.done:
            await self._queues[run.kernel_id].interrupt(run)

    def get(self, run_id: str) -> Run | None:
        """Return a run by its id, while it is remembered."""
        return self._runs.get(run_id)

    def runs(self, owner: str | None = None, kernel_id: str | None = None) -> list[Run]:
        """Return the remembered runs, oldest first."""
        return [
            run
            for run in self._runs.values()
            if (owner is None or run.owner == owner)
            and (kernel_id is None or run.kernel_id == kernel_id)
        ]

    def forget_owner(self, owner: str) -> None:
        """Drop the records of an owner; runs in progress still run to their end."""
        for run in self.runs(owner):
            del self._runs[run.id]
        for key in [key for key in self._last_kernel if key[0] == owner]:
            del self._last_kernel[key]

    async def stop(self) -> None:
        """End all runs and connections when the server shuts down."""
        queues, self._queues = list(self._queues.values()), {}
        for queue in queues:
            await queue.stop()

    def _queue(self, kernel_id: str) -> KernelQueue:
        """Return the queue of a kernel, which the first run of it makes."""
        queue = self._queues.get(kernel_id)
        if queue is None:
            queue = self._queues[kernel_id] = KernelQueue(
                kernel_id, self._manager, self._log, self._output_limit
            )
        return queue

    def _note_other_kernel(self, run: Run) -> None:
        """Add a notice if the owner's notebook has another kernel now, as after culling."""
        if run.path is None:
            return
        before = self._last_kernel.get((run.owner, run.path))
        self._last_kernel[run.owner, run.path] = run.kernel_id
        if before not in (None, run.kernel_id):
            run.notice = words.OTHER_KERNEL

    def _forget_old(self) -> None:
        ended = [run for run in self._runs.values() if run.done]
        weight = sum(run.weight for run in ended)
        for index, run in enumerate(ended):
            if len(ended) - index <= MAX_ENDED_RUNS and weight <= MAX_ENDED_WEIGHT:
                break
            weight -= run.weight
            del self._runs[run.id]
        for kernel_id in [k for k in self._queues if k not in self._manager]:
            if self._queues[kernel_id].idle:
                del self._queues[kernel_id]
