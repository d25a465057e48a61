"""Detect buttons in markdown that run a JupyterLab command when somebody presses them.

JupyterLab asks before it runs such a command, unless all code cells of the notebook are trusted. In
that case it also trusts the markdown, whoever wrote it. So a cell with a new button is marked as
not trusted. Pages then ask before the button does anything, until the person opens the cell's
source and runs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pycrdt import Map

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUSTED = "trusted"
"""The metadata key under which JupyterLab keeps a cell's trust; it is not saved."""

_ATTRIBUTE = "commandlinker"
_ANGLES = re.compile("[<>]")


def has_new_button(text: str, before: str = "") -> bool:
    """Return whether a text has a command button that was not in the earlier text."""
    return not _buttons(text) <= _buttons(before)


def _buttons(text: str) -> frozenset[str]:
    if _ATTRIBUTE not in text.lower():
        return frozenset()
    return frozenset(part for part in _ANGLES.split(text) if _ATTRIBUTE in part.lower())


def distrust(cell: Map[Any], before: str) -> None:
    """Mark a shared cell as untrusted if its changed text has a new button.

    Parameters
    ----------
    cell : Map
    before : str
        The text before the change.
    """
    metadata = cell.get("metadata")
    if (
        cell["cell_type"] == "markdown"
        and isinstance(metadata, Map)
        and metadata.get(TRUSTED) is not False
        and has_new_button(str(cell["source"]), before)
    ):
        metadata[TRUSTED] = False


def distrusted(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return a cell that is about to be created, marked as untrusted if it has a new button."""
    cell, text = dict(content), content.get("source", "")
    text = "".join(text) if isinstance(text, list) else str(text)
    if cell.get("cell_type") == "markdown" and has_new_button(text, before):
        cell["metadata"] = dict(cell.get("metadata") or {}) | {TRUSTED: False}
    return cell
