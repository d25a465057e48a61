"""Convert the outputs of a shared cell to nbformat and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from ..server.garbage_collector import collector_paused
from . import cell_form

if TYPE_CHECKING:
    from collections.abc import Mapping


def document_outputs(cell: Map[Any]) -> list[Any]:
    """Return the outputs of a shared cell with all numbers as floats, which is faster."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, Array):
        return []
    with collector_paused():
        return list(outputs.to_py() or ())


def document_output(cell: Map[Any], index: int) -> Any:  # noqa: ANN401 - JSON
    """Return one output as `document_outputs` does; None if it no longer exists."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, Array) or index >= len(outputs):
        return None
    with collector_paused():
        found = outputs[index]
        return found.to_py() if isinstance(found, Map) else found


def only_output(cell: Map[Any], index: int) -> list[Any]:
    """Return a list as long as a shared cell's outputs, with None for all but one of them."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, Array):
        return []
    return [document_output(cell, at) if at == index else None for at in range(len(outputs))]


def has_error(cell: Map[Any]) -> bool:
    """Return whether a shared cell's outputs include an error, without reading large outputs."""
    outputs = cell.get("outputs")
    return isinstance(outputs, Array) and any(
        isinstance(output, Map) and output.get("output_type") == "error" for output in outputs
    )


def shared_output(output: Mapping[str, Any]) -> Map[Any]:
    """Return the shared object for an output in nbformat form."""
    return cell_form.shared_output(cell_form.output_form(dict(output)))
