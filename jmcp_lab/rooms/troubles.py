"""What a person must know of open documents: one is not saved, or there are two versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..files.names import shown
from ..files.save_errors import SaveFailure, failure_of, save_failure_message, words_of
from ..server.containment import error_name


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A document that is not what its file says at present, and cannot be by itself.

    Parameters
    ----------
    path : str
    words : str
        Why, and what has to be done about it.
    kind : str
        ``not_saved``, where saving is tried again; ``page_apart``, where a page has what the
        document has not; or ``no_notebook``, where the file is none any more.
    """

    path: str
    words: str
    kind: Literal["not_saved", "page_apart", "no_notebook"] = "not_saved"

    @classmethod
    def of(cls, path: str, error: BaseException) -> Unsaved:
        """Return a document whose last save did not work."""
        return cls(path, save_failure_message(path, error))

    @classmethod
    def in_page(cls, path: str, error: BaseException) -> Unsaved:
        """Return a document of which a page could not be brought together with it."""
        failure = failure_of(error)
        refused = f"an error on this server ({error_name(error)})."
        cause = refused if failure is SaveFailure.REFUSED else words_of(failure)
        # A notification shows the beginning: what to do comes first.
        return cls(
            path,
            f"Keep the page of '{shown(path)}' open: what was typed there is there only. The page "
            f"could not be brought together with its document: {cause} It is tried again.",
            "page_apart",
        )

    @classmethod
    def in_file(cls, path: str, why: str) -> Unsaved:
        """Return a notebook whose file is none any more."""
        return cls(
            path,
            f"The file '{shown(path)}' is no notebook any more. Yours is open and whole: save it "
            "to put it back, and what is in the file is kept in a copy beside it. Or repair the "
            "file, and it is read again. Another program changed it, as git does at a merge "
            f"conflict ({why}).",
            "no_notebook",
        )


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
