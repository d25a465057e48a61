"""Gives tools of other packages notebooks to read, and edits and actions that pass the gate.

This interface is small on purpose, because it stays the same from release to release. Every method
that changes something passes the gate itself, so no such tool can forget to ask.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..calls.call import Action, PreviewItem, ToolClass
from ..errors import InvalidArgumentError, ToolError
from ..files.names import shown
from ..notebooks import cells as live_cells
from ..notebooks.changes import Edited
from ..notebooks.live_notebook import agent_origin
from ..notebooks.locks import check_editable
from ..notebooks.merges import Merges
from ..runtime.actions import edit_action, package_action
from ..runtime.wording import cell_name, cells_title, file_name
from ..tools.arguments import check_length, normalize_newlines
from .origin import OtherPackageError, OtherTool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..notebooks.live_notebook import LiveNotebook
    from ..runtime.services import CallContext
    from ..text.three_way_merge import Splice

MAX_EDITED_CELLS = 50
"""Maximum number of cells that one call may edit; a person has to review them."""

_log = logging.getLogger("jmcp_lab")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it was when it was read.

    Parameters
    ----------
    id : str
        Full id.
    position : int
        Position, counted from 1.
    type : str
        ``code``, ``markdown`` or ``raw``.
    source : str
        Text of the cell.
    """

    id: str
    position: int
    type: str
    source: str


class OpenNotebook:
    """A notebook that a call has opened; this object is valid until the call ends."""

    def __init__(self, live: LiveNotebook) -> None:
        self._live = live

    @property
    def path(self) -> str:
        """The path relative to the server's root folder."""
        return self._live.path

    @property
    def name(self) -> str:
        """The path, escaped so that a reply can contain it whatever characters it has."""
        return self._live.shown

    def cells(self) -> list[Cell]:
        """Return all cells as they are now, in the order of the notebook."""
        return [_cell(live_cells.view(self._live, index)) for index in range(len(self._live.ids))]

    def cell(self, ref: str) -> Cell:
        """Return the cell with an id, or with a unique prefix of an id.

        Raises
        ------
        NotFoundError
        """
        return _cell(live_cells.view_by_id(self._live, live_cells.find(self._live, ref)))

    def cell_name(self, cell_id: str) -> str:
        """Return how replies name a cell, for example ``cell 3 (id 1a2b3c4d)``."""
        return cell_name(self._live, cell_id)


def _cell(view: live_cells.CellView) -> Cell:
    return Cell(view.id, view.position, view.type, view.source)


class ToolContext:
    """One call of a tool of another package; the tool's function gets it as first argument.

    Attributes
    ----------
    asked : bool
        Whether the call has passed the gate.
    """

    def __init__(self, context: CallContext, origin: OtherTool) -> None:
        self._context = context
        self._origin = origin
        self._asking = False
        self.asked = False

    @property
    def agent_label(self) -> str:
        """What the person called the agent."""
        return self._context.agent.label

    async def open(self, notebook: str | None = None) -> OpenNotebook:
        """Open a notebook by its path, or the agent's current one.

        Raises
        ------
        ToolError
            The notebook cannot be opened, or none is named and the agent has no current one.
        """
        return OpenNotebook(await self._context.open(notebook))

    async def edit_cells(
        self, notebook: OpenNotebook, changes: Mapping[str, Callable[[str], str]]
    ) -> list[str]:
        """Change the text of cells after the agent's mode or the person allows it.

        Parameters
        ----------
        notebook : OpenNotebook
        changes : mapping of str to Callable
            For the full id of each cell, a function that returns the new text for the present
            text. It is called again when somebody changes the cell while a person looks at the
            request, so it must be fast and have no side effects.

        Returns
        -------
        list of str
            Ids of the cells whose text has changed.

        Raises
        ------
        DeniedError
            The mode or the person says no.
        ToolError
        """
        live = notebook._live
        self._may(ToolClass.EDIT, "edits cells")
        if not 1 <= len(changes) <= MAX_EDITED_CELLS:
            raise InvalidArgumentError(f"Edit 1 to {MAX_EDITED_CELLS} cells at once.")
        edits = _Edits(self._origin, live, changes)
        await edits.look_ahead()
        await self._context.permit(edits.resolve, live)
        self.asked = True
        done: list[Edited] = []
        try:
            edits.apply(agent_origin(self._context.agent.id))
        finally:
            # Yjs keeps what was written before an exception, so that must be undoable as well.
            done = edits.done()
            for edit in done:
                self._context.wrote(live, edit.cell_id, edit.before, edit.after)
            self._context.record(live, *done)
        return [edit.cell_id for edit in done]

    async def ask(
        self, what: str, *, details: str = "", notebook: OpenNotebook | None = None
    ) -> None:
        """Ask for permission, and return when the agent's mode or the person allows the action.

        This is for tools of every class except ``info`` and ``read`` that do something other than
        editing cells. Do exactly what `what` and `details` say, right after this returns.

        Parameters
        ----------
        what : str
            One line that starts with a verb, for example ``Send a.ipynb to the archive``.
        details : str, optional
            Everything that the person has to know to decide. A decision is valid for exactly this
            text.
        notebook : OpenNotebook, optional
            Notebook that the action is about.

        Raises
        ------
        DeniedError
            The mode or the person says no.
        """
        self._may(None, "asks for permission")
        live = notebook._live if notebook is not None else None
        tool, package = self._origin.tool, self._origin.package
        await self._context.permit(
            partial(package_action, tool, package, what, details, live), live
        )
        self.asked = True

    def _may(self, wanted: ToolClass | None, does: str) -> None:
        """Refuse an action that the class of the tool does not cover.

        Raises
        ------
        OtherPackageError
        """
        found = self._origin.tool.tool_class
        if found in (ToolClass.INFO, ToolClass.READ) or wanted not in (None, found):
            problem = f"is of class {found.value}, but {does}. Nothing was done."
        elif self._asking:
            problem = (
                "asked for permission more than once in one call. Only the first action was done, "
                "if any."
            )
        else:
            self._asking = True
            return
        raise OtherPackageError(self._origin, problem)


@dataclass(frozen=True, slots=True)
class _Edit:
    """The edit of one cell."""

    cell_id: str
    before: str
    after: str
    splices: list[Splice]


class _Edits:
    """The edits of one call, computed from the present text of the cells."""

    def __init__(
        self,
        origin: OtherTool,
        live: LiveNotebook,
        changes: Mapping[str, Callable[[str], str]],
    ) -> None:
        self._origin = origin
        self._live = live
        self._changes = dict(changes)
        self._merges = Merges()
        self.found: list[_Edit] = []

    async def look_ahead(self) -> None:
        """Compare long texts off the event loop, before `resolve` needs the result."""
        texts = []
        for cell_id in self._changes:
            with suppress(ToolError):
                before = live_cells.view_by_id(self._live, cell_id).source
                texts.append((before, self._after(cell_id, before), before))
        await self._merges.ahead(texts)

    def resolve(self) -> Action:
        """Compute the edits from the present text of the cells, and return their action.

        Raises
        ------
        ToolError
        """
        self.found = []
        for cell_id in self._changes:
            before = live_cells.view_by_id(self._live, cell_id).source
            after = self._after(cell_id, before)
            splices = self._merges.merge(before, after, before)
            if splices:
                check_editable(self._live, cell_id, partial(cell_name, self._live))
            self.found.append(_Edit(cell_id, before, after, splices))
        items = tuple(
            PreviewItem(
                f"Cell {self._live.position(e.cell_id)}", e.cell_id, old=e.before, new=e.after
            )
            for e in self.found
        )
        ids = [edit.cell_id for edit in self.found]
        tool = self._origin.tool
        what = f"Edit {cells_title(self._live, ids)} in {file_name(self._live.path)}"
        summary = f"{what}: {shown(tool.title)} ({self._origin.package})"
        return edit_action(tool.name, self._live, ids, summary, items)

    def apply(self, origin: str) -> None:
        """Write what the last `resolve` found, as one change."""
        wanted = {edit.cell_id: edit.splices for edit in self.found if edit.splices}
        live_cells.edit_all(self._live, wanted, origin)

    def done(self) -> list[Edited]:
        """Return what was written, which is a part of the edits if writing them failed."""
        with self._live.reading():
            now = {edit.cell_id: self._live.source(edit.cell_id) for edit in self.found}
        return [
            Edited(edit.cell_id, edit.before, text)
            for edit in self.found
            if (text := now[edit.cell_id]) not in (None, edit.before)
        ]

    def _after(self, cell_id: str, before: str) -> str:
        try:
            after = self._changes[cell_id](before)
            return normalize_newlines(check_length(after))
        except ToolError:
            raise
        except Exception as error:
            # The gate computes this again while a person looks at it, and handles only ToolErrors.
            _log.exception("The tool %s failed", self._origin.full_name)
            problem = f"failed ({type(error).__name__}). Nothing was done."
            raise OtherPackageError(self._origin, problem) from None
