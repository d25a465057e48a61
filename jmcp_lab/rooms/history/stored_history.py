"""The content of a document's history when it is opened."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Stored:
    """The content of a history when it is opened.

    Attributes
    ----------
    updates : list of bytes
        In order; empty if the document is new.
    history : str or None
        The id of the Yjs history that these updates belong to.
    file : tuple or None
        The hash and digest of the latest file that the document was synced with.
    intended : str or None
        The digest of what was about to be written, if the document was synced with no file since.
    unfinished : bytes or None
        The packed content that was about to be written, if no finished write was recorded.
    ahead : str or None
        The digest of a file that contains the whole history plus changes that could not be stored.
    """

    updates: list[bytes] = field(default_factory=list)
    history: str | None = None
    file: tuple[str, str] | None = None
    intended: str | None = None
    unfinished: bytes | None = None
    ahead: str | None = None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Self:
        """Read the content of a database.

        Raises
        ------
        sqlite3.DataError
            The content is not a valid history: it is corrupt, or another release has written it.
        """
        facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
        files = connection.execute("SELECT hash, digest FROM files ORDER BY number DESC LIMIT 1")
        found = connection.execute("SELECT data FROM updates ORDER BY number").fetchall()
        updates = [data for (data,) in found]
        if not all(isinstance(data, bytes) for data in updates):
            raise sqlite3.DataError("An update is not bytes")
        return cls(
            updates,
            facts.get("history"),
            files.fetchone(),
            facts.get("intended"),
            facts.get("unfinished"),
            facts.get("ahead"),
        )
