"""Outputs of a shared cell as nbformat has them, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Map

from . import cell_form
from .values import file_form

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_outputs(cell: Map[Any]) -> list[dict[str, Any]]:
    """Return the outputs of a shared cell as nbformat has them, whole numbers as ints."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, Array):
        return []
    return [cast("dict[str, Any]", file_form(output)) for output in outputs.to_py() or ()]


def shared_output(output: Mapping[str, Any]) -> Map[Any]:
    """Return an output in nbformat as the shared object that a cell holds."""
    return cell_form.shared_output(cell_form.output_form(dict(output)))
