"""What an output format is to the renderer; `jmcp_lab.render.formats` has the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from jmcp_lab.text.sanitize import clean

from ..text import as_text

if TYPE_CHECKING:
    from ..images import Picture

Bundle = Mapping[str, Any]
"""The data of an output: mime types and their contents. The kernel wrote it, so it may lie."""


class Prominence(IntEnum):
    """How much a format stands out; the most prominent form of an output names it in lists."""

    FIGURE = 0
    """Interactive figures and widgets."""
    PICTURE = 1
    """Images and tables."""
    DRAWING = 2
    """Vector graphics."""
    TEXT = 3


@dataclass(frozen=True, slots=True)
class Unshown:
    """What a reply says of a mime type when it shows another form of the output.

    Parameters
    ----------
    note : str
        Words after the type and its size; empty to say nothing.
    paged : bool
        Whether the content can be read in pages, if it is text.
    beside_images : bool
        Whether this holds only where an image is shown. Other forms say the same as this type,
        so that nothing is said of it beside them.
    """

    note: str = "not shown"
    paged: bool = True
    beside_images: bool = False


SILENT = Unshown(note="", paged=False)
"""For a mime type that says the same as what is shown, or less."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a reply shows an output.

    Parameters
    ----------
    what : str
        The form, in the server's words, such as ``plotly figure``; empty for plain text.
    text : str
        A summary, or the whole content as text.
    picture : Picture or None
    notes : tuple of str or None
        What the reply does not show. None: what the list of formats says of the other types.
    mime_type : str, optional
        The type whose whole content `text` is, which pages need not show again.
    """

    what: str
    text: str
    picture: Picture | None = None
    notes: tuple[str, ...] | None = None
    mime_type: str | None = None


class Source(NamedTuple):
    """The whole content of an output that a reply shows as a summary.

    Parameters
    ----------
    what : str
        What it is, in the server's words, such as ``the whole traceback``.
    text : callable
        Returns it, which may take long.
    """

    what: str
    text: Callable[[], str]


def _nothing(_: Bundle) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """An output format.

    Every function gets the data of an output and returns None where the format does not apply.

    Parameters
    ----------
    name : str
    show : callable
        Returns what a reply shows.
    source : callable
        Returns what pages show after the summary. None when the summary holds everything.
    outline : callable
        Returns a word or two for lists of cells. Must not decode or parse at length.
    prominence : Prominence
        Which of several formats of one output names it in lists.
    alone : bool
        Whether pages show only `source`, and no other text types of the output.
    types : mapping
        Mime types of this format: what a reply says of them when it does not show them.
    private_types : tuple of str
        First parts of mime types whose content means nothing to a reader, such as the state of a
        widget. A reply notes their size, and no page shows them.
    in_script : callable, optional
        For figures: given a script element of HTML and whether it is JSON, the summary of the
        figure that it draws.
    """

    name: str
    show: Callable[[Bundle], Shown | None] = _nothing
    source: Callable[[Bundle], Source | None] = _nothing
    outline: Callable[[Bundle], str | None] = _nothing
    prominence: Prominence = Prominence.TEXT
    alone: bool = False
    types: Mapping[str, Unshown] = field(default_factory=dict)
    private_types: tuple[str, ...] = ()
    in_script: Callable[[str, bool], str | None] | None = None


def named_if_not_empty(mime_type: str, words: str) -> Callable[[Bundle], str | None]:
    """Return an `outline` with the same words for each output that has something of a type."""
    return lambda data: words if data.get(mime_type) else None


def named_by_part(part: str, words: str) -> Callable[[Bundle], str | None]:
    """Return an `outline` that looks for a part of a mime type: any version will do."""
    return lambda data: words if any(part in mime_type for mime_type in data) else None


def markup_source(what: str, content: object) -> Source | None:
    """Return markup or a script as it was written, or None when there is none."""
    markup = as_text(content).strip("\n")
    return Source(what, lambda: clean(markup)) if markup else None
