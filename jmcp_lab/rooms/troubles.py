"""Problems of open documents that need a person: unsaved changes, or two versions of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..files.names import shown
from ..files.save_errors import SaveFailure, failure_of, save_failure_message, words_of
from ..server.containment import error_name


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A document that differs from its file and cannot fix that by itself.

    Parameters
    ----------
    path : str
    words : str
        The reason, and what the person has to do about it.
    kind : str
        ``not_saved`` if saving is being retried; ``page_apart`` if a page has text that the
        document lacks; ``no_notebook`` if the file is no longer a notebook.
    """

    path: str
    words: str
    kind: Literal["not_saved", "page_apart", "no_notebook"] = "not_saved"

    @classmethod
    def of(cls, path: str, error: BaseException) -> Unsaved:
        """Return the problem of a document whose last save failed."""
        return cls(path, save_failure_message(path, error))

    @classmethod
    def in_page(cls, path: str, error: BaseException) -> Unsaved:
        """Return the problem of a document that could not be merged with a page."""
        failure = failure_of(error)
        refused = f"an error on this server ({error_name(error)})."
        cause = refused if failure is SaveFailure.REFUSED else words_of(failure)
        # A notification shows only the beginning of its text, so the instruction comes first.
        return cls(
            path,
            f"Keep the page of '{shown(path)}' open: what you typed there exists nowhere else. The "
            f"page could not be merged with its document: {cause} The server keeps trying.",
            "page_apart",
        )

    @classmethod
    def in_file(cls, path: str, why: str) -> Unsaved:
        """Return the problem of a notebook whose file is no longer a notebook."""
        return cls(
            path,
            f"The file '{shown(path)}' is no longer a notebook. Your open notebook is complete: "
            "save it to restore the file. The file's present content is then kept in a copy "
            "beside it. Or repair the file, and the page takes the repaired version. Another "
            f"program changed the file, as git does at a merge conflict ({why}).",
            "no_notebook",
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """Another version of a document, in a separate file, because it is unknown which is newer.

    Parameters
    ----------
    path : str
        The path of the document.
    copy : str
        The path of the other version.
    why : str
        The reason why there are two versions.
    """

    path: str
    copy: str
    why: str


@dataclass(frozen=True, slots=True)
class Troubles:
    """All such problems of one server."""

    unsaved: tuple[Unsaved, ...] = ()
    copies: tuple[Copy, ...] = ()
