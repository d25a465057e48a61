"""Builds the actions of all tools: what a card shows, and what a decision about it covers.

A decision covers the items of the preview and the details, but not the sentences beside the items:
these name cells by their position, which may change while a person reads. So each sentence comes
with what a decision covers of it, as a `Note`, and no builder can show one without the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..calls.call import Action, Preview, PreviewItem, Target, ToolClass
from ..files.names import shown
from .wording import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..kernels.sessions import SessionInfo
    from ..notebooks.live_notebook import LiveNotebook
    from .shown_kernel import ShownKernel
    from .tool import Tool

MAX_SUMMARY = 200
"""Maximum number of characters of the line that says what a tool of another package asks for."""

_Items = tuple[PreviewItem, ...]


class Note(NamedTuple):
    """A sentence on a card beside the items.

    Parameters
    ----------
    words : str
        The sentence; empty if the items say it already.
    marks : tuple of str, optional
        What a decision covers of it, such as ids in place of positions. Without them a decision
        covers the sentence itself.
    """

    words: str
    marks: tuple[str, ...] | None = None

    @property
    def covered(self) -> tuple[str, ...]:
        """What a decision covers of the sentence."""
        if self.marks is None:
            return (self.words,) if self.words else ()
        return self.marks


def edit_action(
    tool: str,
    notebook: LiveNotebook,
    cell_ids: Sequence[str],
    summary: str,
    items: _Items,
    *notes: Note,
) -> Action:
    """Return the action of a tool that changes cells."""
    return Action(
        tool=tool,
        tool_class=ToolClass.EDIT,
        summary=summary,
        target=_in_notebook(notebook, cell_ids, notebook.kernel_name),
        preview=_preview(items, notes, notebook.language),
        details=_covered(notes),
    )


def run_action(
    tool: str,
    notebook: LiveNotebook,
    cell_ids: Sequence[str],
    summary: str,
    items: _Items,
    kernel: ShownKernel,
    *notes: Note,
    guarded: str | None = None,
) -> Action:
    """Return the action of a tool that runs code in the kernel of a notebook."""
    target = _in_notebook(notebook, cell_ids, kernel.name, kernel.id)
    action = _run(tool, summary, target, items, notebook.language, kernel, notes)
    return replace(action, guarded=guarded)


def run_in_session_action(
    tool: str,
    session: SessionInfo,
    summary: str,
    items: _Items,
    kernel: ShownKernel,
    *notes: Note,
) -> Action:
    """Return the action of a tool that runs code in a kernel that is named by its id."""
    target = Target(
        path=session.path or None, kernel=session.kernel_name, kernel_id=session.kernel_id
    )
    return _run(tool, summary, target, items, session.language, kernel, notes)


def _run(
    tool: str,
    summary: str,
    target: Target,
    items: _Items,
    language: str,
    kernel: ShownKernel,
    notes: tuple[Note, ...],
) -> Action:
    notes = (*notes, Note(kernel.words, kernel.others))
    return Action(
        tool=tool,
        tool_class=ToolClass.RUN,
        summary=summary,
        target=target,
        preview=Preview("code", items, language, _words(notes)),
        details=_covered(notes),
        others=kernel.others,
    )


def kernel_action(
    tool: str,
    notebook: LiveNotebook,
    summary: str,
    words: str,
    *,
    guarded: str | None = None,
    interrupt: bool = False,
    kernel: ShownKernel | None = None,
) -> Action:
    """Return the action of a tool that changes or interrupts a notebook's kernel."""
    name = notebook.kernel_name if kernel is None else kernel.name
    return Action(
        tool=tool,
        tool_class=ToolClass.KERNEL,
        summary=summary,
        target=_in_notebook(notebook, (), name, None if kernel is None else kernel.id),
        preview=_preview((PreviewItem(summary, text=words),)),
        guarded=guarded,
        interrupt=interrupt,
        others=() if kernel is None else kernel.others,
    )


def inspect_action(
    tool: str, notebook: LiveNotebook, kernel: str, summary: str, words: str, *, used: bool
) -> Action:
    """Return the action of a tool that asks a running kernel something.

    `used` tells whether somebody has run code in this kernel, or allowed it.
    """
    return Action(
        tool=tool,
        tool_class=ToolClass.INSPECT,
        summary=summary,
        target=_in_notebook(notebook, (), kernel),
        preview=_preview((PreviewItem(summary, text=words),)),
        used_kernel=used,
    )


def read_secret_action(tool: str, path: str, on_disk: str) -> Action:
    """Return the action of reading a file that may hold secrets; links lead to `on_disk`."""
    return Action(
        tool=tool,
        tool_class=ToolClass.READ,
        summary=f"Read {file_name(path)}, which may hold secrets",
        target=Target(path=path),
        preview=_preview((PreviewItem(path, text=f"The agent reads {on_disk}."),)),
        guarded="it may hold secrets",
    )


def file_action(
    tool: str,
    path: str,
    summary: str,
    item: PreviewItem,
    *notes: Note,
    creates: bool,
    runs: str | None = None,
) -> Action:
    """Return the action of a tool that writes a file; `runs` says how it runs by itself, if so."""
    guarded = None if creates else "it overwrites a file"
    if runs is not None:
        summary, guarded = f"{summary}, which runs by itself", "it runs by itself"
        notes = (Note(runs), *notes)
    return Action(
        tool=tool,
        tool_class=ToolClass.FILE,
        summary=summary,
        target=Target(path=path),
        preview=_preview((item,), notes, "text"),
        guarded=guarded,
        creates=creates,
        details=_covered(notes),
    )


def package_action(
    tool: Tool, package: str, what: str, details: str, notebook: LiveNotebook | None
) -> Action:
    """Return what a tool of another package asks for, in its own words."""
    target = Target()
    if notebook is not None:
        target = _in_notebook(notebook, (), notebook.kernel_name)
    item = PreviewItem(f"{tool.title} ({package})", text=details or what)
    return Action(
        tool=tool.name,
        tool_class=tool.tool_class,
        summary=shown(f"{what[:MAX_SUMMARY]} ({package})"),
        target=target,
        preview=_preview((item,)),
        details=(package, what, details),
    )


def at_cell(action: Action, notebook: LiveNotebook, cell_id: str) -> Action:
    """Return an action with a cell as its target that did not exist when it was allowed."""
    here = _in_notebook(notebook, (cell_id,), None)
    target = replace(action.target, cell_ids=here.cell_ids, positions=here.positions)
    return replace(action, target=target)


def _in_notebook(
    notebook: LiveNotebook,
    cell_ids: Sequence[str],
    kernel: str | None,
    kernel_id: str | None = None,
) -> Target:
    return Target(
        path=notebook.path,
        cell_ids=tuple(cell_ids),
        positions=tuple(notebook.position(cell_id) or 0 for cell_id in cell_ids),
        kernel=kernel,
        file_id=notebook.identity.id,
        kernel_id=kernel_id,
    )


def _preview(items: _Items, notes: tuple[Note, ...] = (), language: str = "python") -> Preview:
    """Return a preview of changes, or of texts that describe what will happen."""
    kind = "diff" if all(item.text is None for item in items) else "text"
    return Preview(kind, items, language, _words(notes))


def _words(notes: tuple[Note, ...]) -> str:
    return " ".join(note.words for note in notes if note.words)


def _covered(notes: tuple[Note, ...]) -> tuple[str, ...]:
    return tuple(mark for note in notes for mark in note.covered)
