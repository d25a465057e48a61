"""Merge changes that another program (git, an editor, a script) wrote to an open notebook's file.

jupyter-server-ydoc overwrites the document with the file, which loses everything unsaved. This
module does a three-way merge instead. It compares the file as of its last sync with the document,
the file now, and the document.

- A change that only the file has goes into the document.
- A change that only the document has stays.
- If both changed a cell's text, the file's change is applied as if somebody had typed it into the
  document: the merge works by lines, and within one line by characters.
- If both changed a cell's metadata or attachments, the cell gets the entries of both.
- If two values exclude each other, as outputs do, the document's value stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from pycrdt import Map

from ..codec.cell_form import source_of
from ..codec.fingerprint import LOOKS, RESULTS, CellVersion, Version, mark, metadata_of, renamed
from ..codec.values import document_form, format_number, well_formed
from ..notebooks import cells
from ..text.rebase import rebase, union_merge
from ..text.three_way_merge import splice

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook
    from ..text.three_way_merge import Splice

TextMerge = Callable[[str, str, str], list["Splice"]]
"""A function that rebases the change from one text to another onto a third; it always succeeds."""

OUTSIDE_ORIGIN = "jmcp:outside"
"""Origin of the transactions that bring a file's changes into the document."""


def merge_file(
    notebook: LiveNotebook,
    base: Version,
    content: dict[str, Any],
    merge: TextMerge = rebase,
    stored: Version | None = None,
) -> None:
    """Merge what another program changed in a notebook's file into the open document.

    Parameters
    ----------
    notebook : LiveNotebook
    base : Version
        The file as of its last sync with the document.
    content : dict
        The file now, as the contents manager reads it.
    merge : Callable
        Rebases the file's change of a text onto the text of the cell.
    stored : Version, optional
        How the file represented `base`, if it stores another form of it: for example, the same
        cells without their outputs. A part that still equals this version counts as unchanged.
    """
    stored = stored or base
    present = [
        (cell_id, str(cell["source"]))
        for cell_id, cell in zip(notebook.ids, notebook.ycells, strict=True)
    ]
    version = Version.of(content)
    there = _adopt_ids(notebook, stored.named(present), version, made_up=base.ids is None)
    old = dict(zip(there, base.cells, strict=True))
    present = list(zip(notebook.ids, (text for _, text in present), strict=True))
    # The file knows nothing of unsaved changes.
    new = version.named([(cell_id, cell.source) for cell_id, cell in there.items()])
    contents = {
        cell_id: {**cell, "id": cell_id}
        for cell_id, cell in zip(new, content["cells"], strict=True)
    }
    new |= {i: new[i].unless_kept(there[i], old[i]) for i in new if i in old}
    anew = {}
    for cell_id, cell in new.items():
        if cell == old.get(cell_id):
            continue
        if notebook.index(cell_id) is None:
            anew[cell_id] = contents[cell_id]
        else:
            made = _take_cell(notebook, old.get(cell_id), cell, contents[cell_id], merge)
            if made is not None:
                anew[cell_id] = made
    gone = [
        cell_id
        for cell_id, _ in present
        if cell_id in old
        and cell_id not in new
        and CellVersion.of(cells.whole(notebook, cell_id)) == old[cell_id]
    ]
    wanted = _order(notebook.ids, list(old), list(new), gone, anew)
    rearrange(notebook, wanted, anew, OUTSIDE_ORIGIN)
    _take_metadata(notebook, base, version.metadata_unless_kept(stored, base), content)


def _adopt_ids(
    notebook: LiveNotebook, old: dict[str, CellVersion], new: Version, *, made_up: bool
) -> dict[str, CellVersion]:
    """Rename cells in place to the ids that another program gave them; return `old` by the new ids.

    Recreating the cells instead would duplicate them: one copy would hold the unsaved changes.
    """
    if new.ids is None:
        return old
    sources = {i: cell.source for i, cell in zip(new.ids, new.cells, strict=True)}
    names = renamed({i: cell.source for i, cell in old.items()}, sources, made_up=made_up)
    names = {before: i for i, before in names.items() if notebook.index(i) is None}
    with notebook.transaction(OUTSIDE_ORIGIN):
        for before, cell_id in names.items():
            if (index := notebook.index(before)) is not None:
                notebook.ycells[index]["id"] = cell_id
    return {names.get(i, i): cell for i, cell in old.items()}


def _take_cell(
    notebook: LiveNotebook,
    old: CellVersion | None,
    new: CellVersion,
    content: dict[str, Any],
    merge: TextMerge,
) -> dict[str, Any] | None:
    """Change a cell's text in place; return the whole cell if it must be recreated.

    Once a page has drawn a cell, it does not follow every change outside the text.
    """
    cell_id = content["id"]
    cell = cells.whole(notebook, cell_id)
    source = source_of(cell)
    splices = union_merge(new.source, source)
    if old is not None:
        splices = merge(old.source, new.source, source)
        present = CellVersion.of(cell)
        merged = dict(cell)
        if new.looks != old.looks:
            alone = present.looks == old.looks
            merged = _with(merged, content, LOOKS) if alone else _with_both(merged, content)
            _trust(merged, cell)
        if new.results != old.results and present.results == old.results:
            merged = _with(merged, content, RESULTS)
            _trust(merged, content)
        if merged.get("cell_type") == "code":
            merged = {"outputs": [], "execution_count": None} | merged
        else:
            merged = {key: value for key, value in merged.items() if key not in RESULTS}
        if CellVersion.of(merged) != present:
            return merged | {"source": splice(source, splices)}
    if splices:
        cells.edit(notebook, cell_id, splices, OUTSIDE_ORIGIN)
    return None


def _with(cell: dict[str, Any], other: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key not in keys}
    return kept | {key: other[key] for key in keys if key in other}


def _with_both(cell: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a cell with the metadata and attachments of both, such as a tag or a pasted image.

    Nothing records which side removed an entry, so an entry that either side has stays.
    """
    keys = ["metadata"] if cell.get("cell_type") == "code" else ["metadata", "attachments"]
    both = {key: (other.get(key), cell.get(key) or {}) for key in keys}
    return cell | {
        key: {**theirs, **ours} for key, (theirs, ours) in both.items() if isinstance(theirs, dict)
    }


def _trust(cell: dict[str, Any], source: dict[str, Any]) -> None:
    """Give a cell the trust of the cell that its outputs come from."""
    cell["metadata"] = {k: v for k, v in cell.get("metadata", {}).items() if k != "trusted"}
    if "trusted" in source.get("metadata", {}):
        cell["metadata"]["trusted"] = source["metadata"]["trusted"]


def _order(
    present: list[str], old: list[str], new: list[str], gone: Iterable[str], anew: Iterable[str]
) -> list[str]:
    """Return the ids of all cells that the merged notebook has, in order."""
    left = set(gone)
    here = [cell_id for cell_id in present if cell_id not in left]
    there = set(here).union(anew)
    file = [cell_id for cell_id in new if cell_id in there]
    both = set(old) & set(new)
    moved = [i for i in old if i in both] != [i for i in new if i in both]
    return _woven(file, here) if moved else _woven(here, file)


def _woven(first: list[str], second: list[str]) -> list[str]:
    """Return `first` plus the ids only in `second`, each after its predecessor in `second`."""
    known = set(first)
    following: dict[str | None, list[str]] = {}
    last = None
    for cell_id in second:
        if cell_id in known:
            last = cell_id
        else:
            following.setdefault(last, []).append(cell_id)
    woven = following.get(None, [])
    for cell_id in first:
        woven += [cell_id, *following.get(cell_id, [])]
    return woven


def rearrange(
    notebook: LiveNotebook, wanted: list[str], anew: dict[str, dict[str, Any]], origin: str
) -> None:
    """Give the notebook exactly the `wanted` cells, in order, and recreate as few as possible."""
    if not wanted:
        # This happens when an empty file is opened.
        cells.insert(notebook, 0, [cells.NewCell("")], origin)
        wanted = notebook.ids[:1]
    ids = list(notebook.ids)
    blocks = SequenceMatcher(None, ids, wanted, autojunk=False).get_matching_blocks()
    staying = {cell_id for block in blocks for cell_id in ids[block.a : block.a + block.size]}
    contents = {
        cell_id: anew.get(cell_id) or cells.whole(notebook, cell_id)
        for cell_id in wanted
        if cell_id in anew or cell_id not in staying
    }
    if contents or ids != wanted:
        cells.arrange(notebook, wanted, contents, origin)


def _take_metadata(
    notebook: LiveNotebook, base: Version, marks: dict[str, int], content: dict[str, Any]
) -> None:
    present, new = notebook.document.get_metadata(), metadata_of(content)
    changed = {
        key
        for key in {*base.metadata, *marks}
        if marks.get(key) != base.metadata.get(key) == _mark(present, key)
    }
    minor = format_number(content.get("nbformat_minor", 5))
    with notebook.transaction(OUTSIDE_ORIGIN):
        if minor > float(notebook.meta.get("nbformat_minor", 5)):
            notebook.meta["nbformat_minor"] = minor
        shared = notebook.meta.get("metadata")
        if not isinstance(shared, Map):
            return
        for key in changed:
            if key in new:
                notebook.document.learn_metadata(key, new[key])
                shared[well_formed(key)] = document_form(new[key], 1)
            else:
                del shared[well_formed(key)]


def _mark(metadata: dict[str, Any], key: str) -> int | None:
    return mark(metadata[key]) if key in metadata else None
