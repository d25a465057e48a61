"""What the history of a document says when it is opened."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Stored:
    """What a history says when it is opened.

    Attributes
    ----------
    updates : list of bytes
        In their order; none when the document is new.
    history : str or None
        The id of the Yjs history that these updates belong to.
    file : tuple or None
        Hash and digest of the latest file that the document has met.
    intended : str or None
        Digest of what was about to be written, if the document has met no file since.
    unfinished : bytes or None
        What was about to be written, as it was packed, if nobody has said that it was.
    ahead : str or None
        Digest of a file that says all that the history says, and more: that could not be stored.
    """

    updates: list[bytes] = field(default_factory=list)
    history: str | None = None
    file: tuple[str, str] | None = None
    intended: str | None = None
    unfinished: bytes | None = None
    ahead: str | None = None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Self:
        """Read it.

        Raises
        ------
        sqlite3.DataError
            It says what no history does: it is harmed, or another release has written it.
        """
        facts = dict(connection.execute("SELECT name, value FROM facts").fetchall())
        files = connection.execute("SELECT hash, digest FROM files ORDER BY number DESC LIMIT 1")
        found = connection.execute("SELECT data FROM updates ORDER BY number").fetchall()
        updates = [data for (data,) in found]
        if not all(isinstance(data, bytes) for data in updates):
            raise sqlite3.DataError("An update is no bytes")
        return cls(
            updates,
            facts.get("history"),
            files.fetchone(),
            facts.get("intended"),
            facts.get("unfinished"),
            facts.get("ahead"),
        )
