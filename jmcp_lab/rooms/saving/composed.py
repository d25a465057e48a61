"""Compose the content to write to a notebook's file: the old content plus the changes.

A shared document cannot hold everything that a file can, and it renames some things. So the content
does not come from the document alone. Unchanged cells, unchanged metadata and every key unknown to
the document stay as they are in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...codec.fingerprint import DEFAULTS, LOOKS, RESULTS, CellVersion, mark, metadata_of
from ...codec.values import format_number
from ...notebooks import cells

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ...notebooks.live_notebook import LiveNotebook

IDS_SINCE = (4, 5)
"""The first nbformat version in which cells have ids."""


def composed(
    notebook: LiveNotebook,
    file: Mapping[str, Any],
    known: Mapping[str, dict[str, Any]],
    touched: Collection[str],
) -> dict[str, Any] | None:
    """Return the content to write, or None if the file already has all of it.

    Parameters
    ----------
    notebook : LiveNotebook
    file : mapping
        The file's content as of its last sync with the document.
    known : mapping
        The file's cells, by the ids that the document gives them.
    touched : collection of str
        The ids of cells that may differ from the file's.
    """
    version = _version(notebook, file)
    written = [
        _cell(notebook, cell_id, known.get(cell_id), touched=cell_id in touched)
        for cell_id in notebook.ids
    ]
    metadata = _metadata(notebook, file)
    same_cells = len(written) == len(file["cells"]) and all(
        cell is known.get(cell_id) for cell_id, cell in zip(notebook.ids, written, strict=True)
    )
    if same_cells and list(known) == notebook.ids and metadata is None and version == _of(file):
        return None
    return {
        **file,
        **({} if version == _of(file) else {"nbformat": version[0], "nbformat_minor": version[1]}),
        "metadata": dict(file.get("metadata") or {}) if metadata is None else metadata,
        "cells": [
            _with_id(cell, cell_id if version >= IDS_SINCE else None)
            for cell_id, cell in zip(notebook.ids, written, strict=True)
        ],
    }


def _of(file: Mapping[str, Any]) -> tuple[int, int]:
    numbers = file.get("nbformat", 4), file.get("nbformat_minor", 5)
    return int(format_number(numbers[0])), int(format_number(numbers[1]))


def _version(notebook: LiveNotebook, file: Mapping[str, Any]) -> tuple[int, int]:
    """Return the nbformat version: an edit may have raised it, and nothing lowers it."""
    meta = notebook.meta
    return max(_of(file), (int(meta.get("nbformat", 4)), int(meta.get("nbformat_minor", 5))))


def _with_id(cell: dict[str, Any], cell_id: str | None) -> dict[str, Any]:
    if cell.get("id") == cell_id:
        return cell
    rest = {key: value for key, value in cell.items() if key != "id"}
    return rest if cell_id is None else {"id": cell_id, **rest}


def _cell(
    notebook: LiveNotebook, cell_id: str, old: dict[str, Any] | None, *, touched: bool
) -> dict[str, Any]:
    """Return a cell to write: the file's own object unless the cell has changed."""
    if old is not None and not touched:
        return old
    cell = cells.whole(notebook, cell_id)
    if old is None:
        return cell
    before, now = CellVersion.of(old), CellVersion.of(cell)
    if before == now:
        return old
    changed: list[str] = []
    if before.source != now.source:
        changed.append("source")
    if before.looks != now.looks:
        changed += LOOKS
    if before.results != now.results:
        changed += RESULTS
    kept = {key: value for key, value in old.items() if key not in changed}
    new = kept | {key: cell[key] for key in changed if key in cell}
    return _with_trust(new, cell)


def _with_trust(new: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any]:
    """Tell the contents manager whether the outputs may run scripts; a file cannot say this."""
    metadata = {k: v for k, v in (new.get("metadata") or {}).items() if k != "trusted"}
    trusted = (cell.get("metadata") or {}).get("trusted")
    if trusted is not None:
        metadata["trusted"] = trusted
    return new | {"metadata": metadata}


def _metadata(notebook: LiveNotebook, file: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the notebook's metadata, or None if it equals the file's."""
    now, before = notebook.document.get_metadata(), metadata_of(dict(file))
    changed = {
        key for key in {*now, *before} if key not in now or mark(now[key]) != _mark(before, key)
    }
    # Opening a document that lacks these adds them.
    changed -= {k for k in DEFAULTS if k not in now and k not in (file.get("metadata") or {})}
    if not changed:
        return None
    kept = {k: v for k, v in (file.get("metadata") or {}).items() if k not in changed}
    return kept | {key: now[key] for key in now if key in changed}


def _mark(metadata: dict[str, Any], key: str) -> int | None:
    return mark(metadata[key]) if key in metadata else None
