"""Protects what people are doing in a notebook from agents' edits.

Yjs cannot move a cell or change its type: the cell is deleted and recreated. That would lose a
person's caret in it, and the outputs that a page is writing into it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..calls.call import CallState, DecisionSource
from ..errors import ConflictError
from ..notebooks.cell_order import plain
from .wording import cell_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls.call import Call
    from ..notebooks.live_notebook import LiveNotebook
    from .services import Services

START_SECONDS = 10.0
"""Seconds within which a run that a page started must have reached the kernel."""


@dataclass(frozen=True, slots=True)
class People:
    """What people are doing in one notebook.

    Parameters
    ----------
    services : Services
    notebook : LiveNotebook
    kernel_id : str or None
        Id of the notebook's kernel.
    """

    services: Services
    notebook: LiveNotebook
    kernel_id: str | None

    def check(self, cell_ids: Sequence[str], done: str, call: Call | None = None) -> None:
        """Make sure that these cells may be recreated, or lose their outputs.

        Parameters
        ----------
        cell_ids : sequence of str
        done : str
            Past participle of the edit that is refused otherwise, for example ``moved``.
        call : Call, optional
            Call that makes the change. Where a person is asked about this very change, or has
            allowed it, their caret does not prevent it.

        Raises
        ------
        ConflictError
        """
        self.check_runs(cell_ids, done)
        if call is not None and _asked(call):
            return
        carets = self.notebook.carets()
        for cell_id in cell_ids:
            if cell_id in carets:
                raise ConflictError(
                    f"The user's cursor is in {cell_name(self.notebook, cell_id)}, so nothing was "
                    f"{done}: they may be typing. You can still change its text with edit_cell. "
                    "Otherwise try again when they have moved on; get_context shows where they "
                    "are."
                )

    def check_runs(self, cell_ids: Sequence[str], done: str) -> None:
        """Make sure that none of these cells is running.

        Raises
        ------
        ConflictError
        """
        with self.notebook.reading():
            running = [cell_id for cell_id in cell_ids if self.runs(cell_id)]
        for cell_id in running:
            name = cell_name(self.notebook, cell_id)
            if self._run_by_agent(cell_id):
                raise ConflictError(
                    f"An agent's run of {name} has not finished, so nothing was {done}. Wait until "
                    "it has finished, or stop it with interrupt_notebook."
                )
            raise ConflictError(
                f"The user is running {name}, so nothing was {done}. Wait until it has finished."
            )

    def runs(self, cell_id: str) -> bool:
        """Return whether a cell really is running or queued.

        A page that was closed during a run leaves its [*] behind.
        """
        if cell_id in self.notebook.run_in_pages():
            return True
        cell = self.notebook.cell(cell_id)
        if cell is None or plain(cell, "execution_state")[0] != "running":
            return False
        began = self.notebook.state_changed.get(cell_id, 0.0)
        recent = time.monotonic() - began < START_SECONDS
        return recent or self._run_by_agent(cell_id) or self._kernel_busy()

    def _kernel_busy(self) -> bool:
        sessions = self.services.sessions
        if self.kernel_id is None or not sessions.runs(self.kernel_id):
            return False
        return getattr(sessions.kernel(self.kernel_id), "execution_state", "busy") != "idle"

    def _run_by_agent(self, cell_id: str) -> bool:
        return any(
            not run.done
            and getattr(run.notebook, "file_id", None) == self.notebook.file_id
            and any(piece.cell_id == cell_id for piece in run.pieces[len(run.results) :])
            for run in self.services.executor.runs()
        )


async def people_in(services: Services, notebook: LiveNotebook) -> People:
    """Return what people are doing in a notebook; each check looks again."""
    session = await services.sessions.find(notebook.path)
    return People(services, notebook, None if session is None else session.kernel_id)


def _asked(call: Call) -> bool:
    decision = call.decision
    by_person = decision is not None and decision.source is DecisionSource.USER
    return call.state is CallState.WAITING or by_person
