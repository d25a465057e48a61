"""Outputs of a shared cell as nbformat has them, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Map, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOO_LARGE = 1 << 1023
"""Floats end between this and its double."""


def read_outputs(cell: Map[Any]) -> list[dict[str, Any]]:
    """Return the outputs of a shared cell as nbformat has them, whole numbers as ints."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, Array):
        return []
    return [cast("dict[str, Any]", _whole(output)) for output in outputs.to_py() or ()]


def shared_output(output: Mapping[str, Any]) -> Map[Any]:
    """Return an output in nbformat as the shared object that a cell holds."""
    shared = {key: _floats(value) for key, value in output.items()}
    if output.get("output_type") == "stream":
        text = output.get("text", "")
        shared["text"] = Text(text if isinstance(text, str) else "".join(text))
    return Map(shared)


def _floats(value: object) -> object:
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        # Beyond what a float can be, the digits are all that can be kept.
        return float(value) if abs(value) < _TOO_LARGE else str(value)
    return value


def _whole(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
