"""Buttons in markdown that run a command of JupyterLab when they are pressed.

JupyterLab asks before it runs such a command, unless all code cells of the notebook are trusted:
then it trusts the markdown too, whoever wrote it. So a cell in which a button is new says that it
is not trusted, and pages ask before that button does anything, until the person opens the text of
the cell and runs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pycrdt import Map

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUSTED = "trusted"
"""The key in a cell's metadata that JupyterLab keeps its trust under; it is not saved."""

_ATTRIBUTE = "commandlinker"
_ANGLES = re.compile("[<>]")


def has_new_button(text: str, before: str = "") -> bool:
    """Return whether a text has a button that runs a command and was not in it before."""
    return not _buttons(text) <= _buttons(before)


def _buttons(text: str) -> frozenset[str]:
    if _ATTRIBUTE not in text.lower():
        return frozenset()
    return frozenset(part for part in _ANGLES.split(text) if _ATTRIBUTE in part.lower())


def distrust(cell: Map[Any], before: str) -> None:
    """Take the trust from a cell of a document whose text has just changed, where it has to go.

    Parameters
    ----------
    cell : Map
    before : str
        Its text before.
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
    """Return a cell that is about to be made, without trust where it has to go."""
    cell, text = dict(content), content.get("source", "")
    text = "".join(text) if isinstance(text, list) else str(text)
    if cell.get("cell_type") == "markdown" and has_new_button(text, before):
        cell["metadata"] = dict(cell.get("metadata") or {}) | {TRUSTED: False}
    return cell
