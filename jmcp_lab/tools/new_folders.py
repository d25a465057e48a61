"""Mentions the folders that a new file needs on the card, in the decision and in the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..files.names import shown
from ..runtime.actions import Note

if TYPE_CHECKING:
    from collections.abc import Sequence


def new_folders(folders: Sequence[str]) -> Note:
    """Return what the card says about the folders that a new file needs."""
    return Note(f"Also creates {_named(folders)}." if folders else "", tuple(folders))


def made_folders(folders: Sequence[str]) -> str:
    """Return the end of a reply, which names the created folders; empty if there are none."""
    return f" Created {_named(folders)} for it." if folders else ""


def _named(folders: Sequence[str]) -> str:
    names = ", ".join(f"{shown(folder)}/" for folder in folders)
    return f"the {'folder' if len(folders) == 1 else 'folders'} {names}"
