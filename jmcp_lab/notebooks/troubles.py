"""What a person must know of open documents: one is not saved, or there are two versions."""

from __future__ import annotations

from dataclasses import dataclass

from .save_errors import save_failure_message


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A document that is not what its file says at present, and cannot be by itself.

    Parameters
    ----------
    path : str
    words : str
        Why, and what has to be done about it.
    """

    path: str
    words: str

    @classmethod
    def of(cls, path: str, error: BaseException) -> Unsaved:
        """Return a document whose last save did not work."""
        return cls(path, save_failure_message(path, error))


@dataclass(frozen=True, slots=True)
class Copy:
    """Another version of a document, in a file of its own, where nobody knows which is newer.

    Parameters
    ----------
    path : str
        Of the document.
    copy : str
        Of the other version.
    why : str
        How it came to be.
    """

    path: str
    copy: str
    why: str


@dataclass(frozen=True, slots=True)
class Troubles:
    """All of these on one server."""

    unsaved: tuple[Unsaved, ...] = ()
    copies: tuple[Copy, ...] = ()
