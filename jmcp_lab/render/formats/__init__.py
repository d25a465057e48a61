"""Formats of outputs, a module each, and the ordered list of them.

To add one, write a module such as `markdown.py` and add it to the list before `plain_text`: the
first format that shows something wins. See ``docs/extending.md``, "An output format".

`base.Format` says what a format is. The functions below are all that the rest of the renderer asks
of the list.
"""

from __future__ import annotations

from functools import cache

from ..text import as_text, json_parts, size_words
from . import (
    bokeh,
    html_figures,
    html_text,
    images,
    json_data,
    latex,
    markdown,
    plain_text,
    plotly,
    scripts,
    svg,
    tables,
    vega,
    widgets,
)
from .base import Bundle, Format, Shown, Source, Unshown
from .other_text import is_mime_type, is_text_type, mime_name, source_of_types, text_of

FIGURES = (plotly.FORMAT, vega.FORMAT, bokeh.FORMAT)
"""Formats of interactive figures, which are also found in scripts inside HTML."""

FORMATS: tuple[Format, ...] = (
    latex.FORMAT,
    *FIGURES,
    html_figures.format_of(FIGURES),
    images.FORMAT,
    widgets.FORMAT,
    svg.FORMAT,
    markdown.FORMAT,
    tables.FORMAT,
    plain_text.FORMAT,
    html_text.FORMAT,
    json_data.FORMAT,
    scripts.FORMAT,
)
"""All formats. Of several forms of one output a reply shows the first in this list."""

_OTHER = Format("other text")
"""For outputs of which no format of the list shows anything."""

_PRIVATE = Unshown(paged=False)
_UNKNOWN = Unshown()

_MAX_TYPES = 20
"""Text types of one output that can be paged."""
_MAX_NOTES = 5


def shown_form(data: Bundle) -> tuple[Format, Shown]:
    """Return the form of an output that tells a model most, and its format."""
    for each in FORMATS:
        shown = each.show(data)
        if shown is not None:
            return each, shown
    for mime_type in text_types(data, None, has_image=False):
        # A script is text as well, but not for reading.
        if mime_type not in scripts.FORMAT.types and is_mime_type(mime_type):
            return _OTHER, Shown(mime_type, text_of(data[mime_type]), mime_type=mime_type)
    return _OTHER, Shown("", plain_text.plain_text(data))


def source_of_form(
    data: Bundle, shown: Format, mime_type: str | None, *, has_image: bool
) -> Source | None:
    """Return what pages show after the summary of an output, or None.

    Parameters
    ----------
    data : mapping
    shown : Format
        The format in which a reply shows the output.
    mime_type : str or None
        The type whose whole content the reply shows.
    has_image : bool
        Whether the reply shows an image.
    """
    if not shown.alone and (names := text_types(data, mime_type, has_image=has_image)):
        return source_of_types(data, names)
    return shown.source(data)


def outline_words(data: Bundle) -> str:
    """Return what an output is in a word or two; nothing for plain text."""
    for each in _most_prominent_first(FORMATS):
        if words := each.outline(data):
            return words
    if plain_text.TYPE in data:
        return ""
    named = next((name for name in data if _is_text(name) and is_mime_type(name)), "")
    return named or ("other output" if data else "empty output")


def text_types(data: Bundle, shown: str | None, *, has_image: bool) -> list[str]:
    """Return the text types of an output that a reply does not show."""
    return [
        name
        for name, content in data.items()
        if name != shown
        and content not in ("", None)
        and is_text_type(name)
        and (said := _unshown(name)).paged
        and (has_image or not said.beside_images)
    ][:_MAX_TYPES]


def notes_on(data: Bundle, shown: str | None, *, has_image: bool) -> tuple[str, ...]:
    """Return type and size of everything that a reply does not show of an output.

    Parameters
    ----------
    data : mapping
    shown : str or None
        The type whose whole content the reply shows.
    has_image : bool
        Whether the reply shows an image.
    """
    notes: list[str] = []
    for name in sorted(data) if has_image else ():
        text = as_text(data[name]) if (said := _unshown(name)).beside_images else ""
        notes += [_note(name, len(text), said)] if text.strip() else []
    others = [
        _note(name, _size(content), said)
        for name, content in data.items()
        if name != shown and (said := _unshown(name)).note and not said.beside_images
    ]
    if len(others) > _MAX_NOTES:
        others = [*others[:_MAX_NOTES], f"and {len(others) - _MAX_NOTES:,} more types"]
    return (*notes, *others)


def _note(mime_type: str, size: int, said: Unshown) -> str:
    return f"{mime_name(mime_type)}, {size_words(size)}: {said.note}"


def _is_text(mime_type: str) -> bool:
    return is_text_type(mime_type) and _unshown(mime_type) is not _PRIVATE


def _unshown(mime_type: str) -> Unshown:
    """Return what a reply says of a type that it does not show."""
    types, private = _types_of(FORMATS)
    said = types.get(mime_type)
    if said is not None:
        return said
    return _PRIVATE if mime_type.startswith(private) else _UNKNOWN


@cache
def _types_of(formats: tuple[Format, ...]) -> tuple[dict[str, Unshown], tuple[str, ...]]:
    """Return the mime types of formats, and the first parts of their private types."""
    types = {name: said for each in formats for name, said in each.types.items()}
    return types, tuple(start for each in formats for start in each.private_types)


@cache
def _most_prominent_first(formats: tuple[Format, ...]) -> list[Format]:
    return sorted(formats, key=lambda each: each.prominence)


def _size(content: object) -> int:
    """Return about how many characters an output holds for a type."""
    if isinstance(content, str):
        return len(content)
    try:
        return sum(map(len, json_parts(content)))
    except (TypeError, ValueError, RecursionError):
        return 0
