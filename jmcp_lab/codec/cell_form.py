"""Convert any cell of a file to its form in the shared document."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from pycrdt import Array, Map, Text

from .values import document_form, well_formed

TYPES: Final = ("code", "markdown", "raw")
STANDARD: Final = frozenset(
    ("id", "cell_type", "source", "metadata", "outputs", "execution_count", "attachments")
)
"""The cell keys that nbformat defines. Other keys of a file are kept outside the document."""


def text_form(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return the text form of a source, or of a stream's text."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return well_formed("".join(value))
    return well_formed(json.dumps(value))


def source_of(cell: dict[str, Any]) -> str:
    """Return the text of a cell in a file, or its text form if it is not a string."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else text_form(source)


def output_form(output: dict[str, Any]) -> dict[str, Any]:
    """Return the document form of an output."""
    form: dict[str, Any] = document_form(output)
    if output.get("output_type") == "stream":
        form["text"] = text_form(output.get("text", ""))
    return form


def cell_form(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the document form of a cell, with an id.

    A page draws no cell of an unknown type, and such a cell cannot run, so it becomes a raw cell.
    """
    kind = cell.get("cell_type")
    form: dict[str, Any] = {
        "id": document_id(cell) or new_id(),
        "cell_type": kind if kind in TYPES else "raw",
        "source": text_form(cell.get("source", "")),
        "metadata": _dict_form(cell.get("metadata")),
    }
    attachments = _dict_form(cell.get("attachments"))
    if kind == "code":
        outputs = cell.get("outputs")
        found = outputs if isinstance(outputs, list) else []
        form["outputs"] = [output_form(output) for output in found if isinstance(output, dict)]
        if "execution_count" in cell:
            count = document_form(cell["execution_count"])
            form["execution_count"] = count if isinstance(count, float) else None
        if "attachments" in cell:
            form["attachments"] = attachments
    elif attachments:
        form["attachments"] = attachments
    return form


def document_id(cell: dict[str, Any]) -> str | None:
    """Return the document's id for a cell of a file; None if the cell gets a new one there."""
    cell_id = cell.get("id")
    return well_formed(cell_id) if isinstance(cell_id, str) and cell_id else None


def new_id() -> str:
    """Return a new cell id."""
    return secrets.token_hex(4)


def _dict_form(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return document_form(value) if isinstance(value, dict) else {}


def shared_output(form: dict[str, Any]) -> Map[Any]:
    """Return the shared object for an output in document form."""
    if form.get("output_type") == "stream":
        return Map(form | {"text": Text(form["text"])})
    return Map(form)


def shared_cell(form: dict[str, Any]) -> Map[Any]:
    """Return the shared object for a cell in document form."""
    shared = form | {"source": Text(form["source"]), "metadata": Map(form["metadata"])}
    if form["cell_type"] == "code":
        shared["outputs"] = Array([shared_output(output) for output in form["outputs"]])
        shared["execution_state"] = "idle"
    return Map(shared)
