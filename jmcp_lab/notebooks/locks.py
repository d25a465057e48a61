"""Locked cells: those whose metadata forbids changes.

JupyterLab respects ``editable`` and ``deletable``. The source and type of a cell that is not
editable cannot be changed, and a cell that is not deletable cannot be deleted. Moving it, running
it and clearing its outputs remain allowed. nbgrader writes both keys when it generates the
students' version of an assignment; its ``nbgrader`` key says what they will be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pycrdt import Map

from ..errors import ToolError
from .cell_order import has_nothing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .live_notebook import LiveNotebook


class LockedError(ToolError):
    """A cell is locked against what an agent wants to do."""

    default_code = "locked"


class Locks(NamedTuple):
    """The reasons why a cell is locked.

    Parameters
    ----------
    edits : str
        The metadata that locks source and type; empty if nothing does.
    deletion : str
        The metadata that forbids deleting the cell; empty if nothing does.
    """

    edits: str = ""
    deletion: str = ""

    def words(self) -> str:
        """Return the locks as text for the line about a cell; empty if there are none."""
        said = ["not editable"] if self.edits else []
        return ", ".join(said + (["not deletable"] if self.deletion else []))


def locks_of(cell: Map[object] | None) -> Locks:
    """Return what locks a shared cell."""
    if cell is None or has_nothing_in(cell, "metadata"):
        return Locks()
    metadata = cell.get("metadata")
    if not isinstance(metadata, Map) or not len(metadata):
        return Locks()
    by_nbgrader = _by_nbgrader(metadata.get("nbgrader"))
    return Locks(
        "editable: false" if metadata.get("editable") is False else by_nbgrader.edits,
        "deletable: false" if metadata.get("deletable") is False else by_nbgrader.deletion,
    )


def _by_nbgrader(found: object) -> Locks:
    """Return what nbgrader's own preprocessor ``LockCells`` would lock."""
    said = found.to_py() if isinstance(found, Map) else found
    if not isinstance(said, dict):
        return Locks()
    if said.get("solution"):
        return Locks(deletion="nbgrader: a solution")
    if said.get("task"):
        return Locks(deletion="nbgrader: a task")
    if said.get("grade"):
        return Locks("nbgrader: a test", "nbgrader: a test")
    return Locks("nbgrader: locked", "nbgrader: locked") if said.get("locked") else Locks()


def check_editable(notebook: LiveNotebook, cell_id: str, name: Callable[[str], str]) -> None:
    """Check that an agent may change the source and the type of a cell.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_id : str
    name : Callable
        Returns the name of a cell for the reply, from its id.

    Raises
    ------
    LockedError
    """
    if why := locks_of(notebook.cell(cell_id)).edits:
        raise LockedError(
            f"{name(cell_id).capitalize()} is locked ({why}): only the user can change it, so "
            "nothing was changed. You can still run it and clear its outputs. Put your text into "
            "another cell, or ask the user to unlock it."
        )


def check_deletable(
    notebook: LiveNotebook, cell_ids: Sequence[str], name: Callable[[str], str]
) -> None:
    """Check that an agent may delete cells.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_ids : sequence of str
    name : Callable
        Returns the name of a cell for the reply, from its id.

    Raises
    ------
    LockedError
    """
    with notebook.reading():
        found = [locks_of(notebook.cell(cell_id)).deletion for cell_id in cell_ids]
    for why, cell_id in zip(found, cell_ids, strict=True):
        if why:
            raise LockedError(
                f"{name(cell_id).capitalize()} is locked ({why}): only the user can delete it, so "
                "nothing was deleted. Leave it out, or ask the user to unlock it."
            )
