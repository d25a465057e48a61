"""Mentions the folders that a new file needs on the card, in the decision and in the reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..files.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls.call import Action


def with_folders(action: Action, folders: Sequence[str]) -> Action:
    """Return the action of creating a file, extended by the folders that it creates."""
    if not folders or action.preview is None:
        return action
    words = f"{action.preview.words} Also creates {_named(folders)}.".strip()
    return replace(
        action,
        preview=replace(action.preview, words=words),
        details=(*action.details, *folders),
    )


def made_folders(folders: Sequence[str]) -> str:
    """Return the end of a reply, which names the created folders; empty if there are none."""
    return f" Created {_named(folders)} for it." if folders else ""


def _named(folders: Sequence[str]) -> str:
    names = ", ".join(f"{shown(folder)}/" for folder in folders)
    return f"the {'folder' if len(folders) == 1 else 'folders'} {names}"
