"""Cells that are locked: what their metadata says that nobody is to change.

JupyterLab heeds ``editable`` and ``deletable``: the source of a cell that is not editable cannot
be typed in and its type cannot be changed, one that is not deletable cannot be deleted. Moving
it, running it and clearing its outputs stay allowed. nbgrader writes both when it makes the
students' version of an assignment, and ``nbgrader`` says what they are to be.
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
    """What locks a cell.

    Parameters
    ----------
    edits : str
        What in its metadata says that its source and type stay; empty when nothing does.
    deletion : str
        The same for the cell itself.
    """

    edits: str = ""
    deletion: str = ""

    def words(self) -> str:
        """Return what holds, for the line about a cell; empty when nothing does."""
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
    """Make sure that an agent may change the source and the type of a cell.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_id : str
    name : Callable
        Returns what the reply calls a cell, by its id.

    Raises
    ------
    LockedError
    """
    if why := locks_of(notebook.cell(cell_id)).edits:
        raise LockedError(
            f"{name(cell_id).capitalize()} is locked ({why}): only the user can change it, so "
            "nothing was changed. It can be run, and its outputs cleared. Put what is new into "
            "another cell, or ask the user to unlock it."
        )


def check_deletable(
    notebook: LiveNotebook, cell_ids: Sequence[str], name: Callable[[str], str]
) -> None:
    """Make sure that an agent may delete cells.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_ids : sequence of str
    name : Callable
        Returns what the reply calls a cell, by its id.

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
