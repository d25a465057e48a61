"""Merge a returning page whose Yjs history differs from the document's.

Yjs can merge two copies of one history. But the server rebuilds the document from the file when its
history was lost, is older than the page, or belongs to another server. Then the same cell has
different Yjs identities on the two sides, and exchanging Yjs updates would duplicate or corrupt it.
So the two are merged by content, in a three-way merge like the one for a file that another program
has written. The base is the file that the page's document was last synced with; the document itself
contains the hash of that file.

The page keeps its own cells, so that its cursor and scroll position stay. Changes that only the
server has are written into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Doc, Map

from ...codec.fingerprint import CellVersion, Version, renamed
from ...codec.values import document_form, format_number
from ...notebooks import cells
from ...notebooks.deltas import replacements
from ...notebooks.live_notebook import LiveNotebook
from ...text.diff import opcodes
from ...text.overlapping_merge import merge_overlapping
from ...text.three_way_merge import Splice
from ..external_changes import merge_file, rearrange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_ydoc import YNotebook
    from pycrdt import ArrayEvent

REJOIN_ORIGIN = "jmcp:rejoin"
"""Origin of the transactions that merge a page and the document."""

MARKS = "jmcp"
"""Root map of a shared document in which the server records the id of its history."""


@dataclass(frozen=True, slots=True)
class PageMarks:
    """What the document of a returning page records about itself.

    Attributes
    ----------
    history : str or None
        The id of its Yjs history.
    file : str or None
        The hash of the file that it was last synced with.
    """

    history: str | None
    file: str | None

    @classmethod
    def of(cls, update: bytes) -> PageMarks:
        """Read the marks that a page's document carries."""
        document: Doc[Any] = Doc()
        document.apply_update(update)
        history = document.get(MARKS, type=Map).get("history")
        file = document.get("state", type=Map).get("hash")
        return cls(
            history if isinstance(history, str) else None, file if isinstance(file, str) else None
        )


def merged_content(
    notebook: LiveNotebook, page: LiveNotebook, base: Version, make: Callable[[], YNotebook]
) -> tuple[list[str], dict[str, dict[str, Any]], dict[str, Any], dict[str, str]]:
    """Return the content that the document needs once it is merged with a page of another history.

    Parameters
    ----------
    notebook : LiveNotebook
        The open document; it is not changed.
    page : LiveNotebook
        A copy of the page's document.
    base : Version
        The common ancestor of both.
    make : Callable
        Returns an empty document.

    Returns
    -------
    tuple
        The ids of the cells in order, the cells by id, the document without cells, and the id that
        each cell has in the page.
    """
    content = page.document.get(deduplicate=False)
    for cell, cell_id in zip(content["cells"], page.ids, strict=True):
        cell["id"] = cell_id
    document = make()
    document.ydoc.apply_update(notebook.ydoc.get_update())
    present = LiveNotebook(document, lambda: notebook.path, notebook.file_id)
    names = dict(zip(page.ids, page.ids, strict=True))
    if base.ids is None and set(page.ids) & set(notebook.ids):
        # The file has no ids, but both sides share ids, so these come from the same loading.
        old = base.named([(cell["id"], str(cell["source"])) for cell in content["cells"]])
        base = Version(tuple(old), tuple(old.values()), base.metadata)
    elif base.ids is None:
        # Each loading has given the cells new ids, so match the cells by their texts.
        old = base.named([(i, str(notebook.source(i))) for i in notebook.ids])
        version = Version.of(content | {"cells": [_without_id(c) for c in content["cells"]]})
        new = version.named([(cell_id, cell.source) for cell_id, cell in old.items()])
        names = dict(zip(new, page.ids, strict=True))
        for cell, cell_id in zip(content["cells"], new, strict=True):
            cell["id"] = cell_id
        base = Version(tuple(old), tuple(old.values()), base.metadata)
    else:
        _name_as_before(present, base, page.ids)
    try:
        merge_file(present, base, content, merge_overlapping)
        wanted = list(present.ids)
        found = {cell_id: cells.whole(present, cell_id) for cell_id in wanted}
        rest = present.document.get_top()
    finally:
        present.close()
    return wanted, found, rest, {i: page_id for i, page_id in names.items() if i in found}


def _name_as_before(present: LiveNotebook, base: Version, taken: Sequence[str]) -> None:
    """Where a program gave cells new ids, restore the ids that the page knows."""
    old = {i: cell.source for i, cell in base.named([]).items()}
    new = dict(zip(present.ids, (str(cell["source"]) for cell in present.ycells), strict=True))
    for cell_id, before in renamed(old, new, made_up=False).items():
        index = present.index(cell_id)
        if index is not None and cell_id not in taken:
            with present.transaction(REJOIN_ORIGIN):
                present.ycells[index]["id"] = before


def _without_id(cell: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key != "id"}


def adopt(
    notebook: LiveNotebook,
    update: bytes,
    wanted: list[str],
    found: dict[str, dict[str, Any]],
    rest: dict[str, Any],
    names: dict[str, str],
) -> None:
    """Apply a page's Yjs history to the document, and give the document the wanted content.

    Parameters
    ----------
    notebook : LiveNotebook
    update : bytes
        Everything that the page has.
    wanted, found, rest, names
        As `merged_content` returns them.
    """
    theirs = _take_update(notebook, update)
    wanted = [names.get(cell_id, cell_id) for cell_id in wanted]
    contents = {names.get(cell_id, cell_id): cell for cell_id, cell in found.items()}
    _keep_one_of_each(notebook, theirs, set(wanted))
    anew = {cell_id: contents[cell_id] for cell_id in wanted if cell_id not in set(notebook.ids)}
    for cell_id in notebook.ids:
        if not _match(notebook, cell_id, contents[cell_id]):
            anew[cell_id] = contents[cell_id] | {"id": cell_id}
    for cell_id in anew:
        anew[cell_id] = anew[cell_id] | {"id": cell_id}
    rearrange(notebook, wanted, anew, REJOIN_ORIGIN)
    _match_rest(notebook, rest)


def _take_update(notebook: LiveNotebook, update: bytes) -> list[bool]:
    """Apply a page's update; return for each cell whether the update added it."""
    theirs = [False] * len(notebook.ids)

    def follow(event: ArrayEvent) -> None:
        for index, deleted, inserted in replacements(cast("Any", event).delta):
            theirs[index : index + deleted] = [True] * len(inserted)

    subscription = notebook.ycells.observe(follow)
    try:
        with notebook.transaction(REJOIN_ORIGIN):
            notebook.ydoc.apply_update(update)
    finally:
        notebook.ycells.unobserve(subscription)
    return theirs


def _keep_one_of_each(notebook: LiveNotebook, theirs: list[bool], wanted: set[str]) -> None:
    """Remove unwanted cells; of two cells with one id, keep the page's."""
    chosen: dict[str, int] = {}
    for index, cell_id in enumerate(notebook.ids):
        if cell_id in wanted and (cell_id not in chosen or theirs[index]):
            chosen[cell_id] = index
    keep = set(chosen.values())
    with notebook.transaction(REJOIN_ORIGIN):
        for index in reversed(range(len(theirs))):
            if index not in keep:
                del notebook.ycells[index]


def _match(notebook: LiveNotebook, cell_id: str, content: dict[str, Any]) -> bool:
    """Give a cell the wanted content in place; return False if it must be recreated."""
    cell = cells.whole(notebook, cell_id)
    present, new = CellVersion.of(cell), CellVersion.of(content)
    if present.looks != new.looks:
        return False
    if present.results != new.results:
        cells.clear_outputs(notebook, [cell_id], REJOIN_ORIGIN)
        cells.set_outputs(
            notebook,
            cell_id,
            content.get("outputs") or [],
            content.get("execution_count"),
            REJOIN_ORIGIN,
        )
    if present.source != new.source:
        cells.edit(notebook, cell_id, differences(present.source, new.source), REJOIN_ORIGIN)
    return True


def _match_rest(notebook: LiveNotebook, rest: dict[str, Any]) -> None:
    """Give the notebook the wanted metadata."""
    metadata = notebook.metadata
    wanted = dict(rest.get("metadata") or {})
    with notebook.transaction(REJOIN_ORIGIN):
        for key in ("nbformat", "nbformat_minor"):
            if key in rest and notebook.meta.get(key) != rest[key]:
                notebook.meta[key] = format_number(rest[key])
        shared = notebook.meta.get("metadata")
        if not isinstance(shared, Map):
            notebook.meta["metadata"] = Map(document_form(wanted))
            return
        for key, value in wanted.items():
            if metadata.get(key) != value:
                shared[key] = document_form(value, 1)
        for key in metadata:
            if key not in wanted:
                del shared[key]


def differences(old: str, new: str) -> list[Splice]:
    """Return the splices that turn `old` into `new`, by characters within differing lines."""
    return [
        Splice(start, end, new[first:last])
        for kind, start, end, first, last in opcodes(old, new)
        if kind != "equal"
    ]


def removed_while_away(page: Doc[Any], update: bytes) -> dict[str, str]:
    """Return the cells of a document that another one has removed or recreated: id and text.

    Parameters
    ----------
    page : Doc
        A copy of the document; this function applies the update to it.
    update : bytes
        Everything that the other document has.
    """
    shared = page.get("cells", type=Array)
    before = [(str(cell["id"]), str(cell["source"])) for cell in shared]
    gone: dict[str, str] = {}
    places = list(range(len(before)))

    def follow(event: ArrayEvent) -> None:
        for index, deleted, inserted in replacements(cast("Any", event).delta):
            gone.update(before[place] for place in places[index : index + deleted] if place >= 0)
            places[index : index + deleted] = [-1] * len(inserted)

    subscription = shared.observe(follow)
    page.apply_update(update)
    shared.unobserve(subscription)
    return gone


def typed_into_removed(
    notebook: LiveNotebook,
    gone: Mapping[str, str],
    contents: Mapping[str, dict[str, Any]],
    known: Mapping[str, str],
) -> list[str]:
    """Merge text that was typed into cells which the other side removed.

    Parameters
    ----------
    notebook : LiveNotebook
        The open document, after it was merged with the page.
    gone : Mapping
        As `removed_while_away` returns it.
    contents : Mapping
        The whole cells as they were before, by id, in order.
    known : Mapping
        The texts before that typing, by cell id. A cell without an entry is new since then.

    Returns
    -------
    list of str
        The ids of deleted cells that were restored.
    """
    back = []
    for cell_id, typed in gone.items():
        before = known.get(cell_id)
        if typed == (before or ""):
            continue
        present = notebook.source(cell_id)
        if present is not None:
            # Both sides have what an agent wrote before it moved the cell.
            cells.edit(notebook, cell_id, merge_overlapping(before, typed, present), REJOIN_ORIGIN)
        else:
            at = _beside(notebook, list(contents), cell_id)
            cell = contents[cell_id] | {"source": typed}
            cells.insert_whole(notebook, at, cell, REJOIN_ORIGIN)
            back.append(cell_id)
    return back


def restored_messages(notebook: LiveNotebook, back: Sequence[str]) -> list[str]:
    """Return the messages for agents about deleted cells that were restored."""
    return [
        f"Somebody typed in cell {notebook.position(cell_id)} (id {cell_id}) without knowing that "
        "it was deleted, so the cell is back. Read it before you go on."
        for cell_id in back
    ]


class LeftBehind:
    """The cells that were removed while a page was away, and that the page still shows.

    Text that is typed there before the page receives the document's state is rescued as well.

    Parameters
    ----------
    notebook : LiveNotebook
    page : Doc
        A copy of the page's document.
    contents : dict
        The whole cells of the page, by id, in order.
    gone : dict
        As `removed_while_away` returns it.
    """

    def __init__(
        self,
        notebook: LiveNotebook,
        page: Doc[Any],
        contents: dict[str, dict[str, Any]],
        gone: dict[str, str],
    ) -> None:
        self._notebook = notebook
        self._page = page
        self._contents = contents
        self._texts = gone

    def feed(self, update: bytes) -> list[str]:
        """Merge what a later update of the page has typed; return messages about restored cells."""
        self._page.apply_update(update)
        shared = self._page.get("cells", type=Array)
        found = {str(cell["id"]): str(cell["source"]) for cell in shared}
        typed = {i: found[i] for i, text in self._texts.items() if found.get(i, text) != text}
        known, self._texts = self._texts, self._texts | typed
        back = typed_into_removed(self._notebook, typed, self._contents, known)
        return restored_messages(self._notebook, back)


def _beside(notebook: LiveNotebook, order: Sequence[str], cell_id: str) -> int:
    """Return the index after the nearest preceding cell that still exists."""
    for above in reversed(order[: list(order).index(cell_id)]):
        if (index := notebook.index(above)) is not None:
            return index + 1
    return 0
