"""Images, sound and video in HTML, in a few words: type, size and source."""

from __future__ import annotations

import re

from .images import Picture, header_size
from .text import clip, short_data_urls, size_words

_MOST_MEASURED = 20
"""Maximum number of images of a page whose width and height are read: each has to be opened."""

_LONGEST_ADDRESS = 200
_MIME_TYPE = r"[\w.+-]{1,40}/[\w.+-]{1,60}"
_DATA = re.compile(rf"data:({_MIME_TYPE})?((?:;[\w=.-]{{1,60}}){{0,4}}),(.*)", re.DOTALL)
_SHORTENED = re.compile(r"\(… ([\d,]{1,15}) characters(?:, (\d{1,6}x\d{1,6}))?\)")


def with_short_data_urls(markup: str) -> str:
    """Return HTML with long base64 data URLs replaced by their size, images with their pixels.

    Embedded files are longer than all the markup around them, so this is done before the markup is
    cut to `MAX_MARKUP`.
    """
    measured = 0

    def short(mime_type: str, length: int, encoded: str) -> str:
        nonlocal measured
        pixels = ""
        if mime_type.startswith("image/") and measured < _MOST_MEASURED:
            measured += 1
            pixels = _pixels(mime_type, encoded)
        comma = ", " if pixels else ""
        return f"data:{mime_type};base64,(… {length:,} characters{comma}{pixels})"

    return short_data_urls(markup, short)


def media_words(name: str, source: str, *, said_type: str = "", title: str = "") -> str:
    """Return an element in words, such as ``(image: a cat, image/png 10x10, 1.2 kB)``.

    Parameters
    ----------
    name : str
        The kind of element, such as ``image``.
    source : str
        A data URL, perhaps shortened by `with_short_data_urls`, or an address.
    said_type : str, optional
        The type that the element states for the source.
    title : str, optional
        The page's own words about it. With a title, the address is left out.
    """
    source = source.strip()
    data = _DATA.fullmatch(source)
    if data:
        what = [_data_words(data[1] or "", data[2], data[3])]
    elif source.startswith("data:"):
        what = []
    else:
        what = [said_type if re.fullmatch(_MIME_TYPE, said_type) else ""]
        what += [] if title else [clip(source, _LONGEST_ADDRESS)]
    words = ", ".join(part for part in [title, *what] if part)
    return f"({name}: {words})" if words else f"({name})"


def _data_words(mime_type: str, parameters: str, content: str) -> str:
    """Return type, pixels and size of the file in a data URL."""
    short = _SHORTENED.fullmatch(content)
    if content.startswith("(…") and not short:
        return mime_type
    length = int(short[1].replace(",", "") or 0) if short else len(content)
    pixels = short[2] if short else ""
    if parameters.endswith(";base64"):
        length = length * 3 // 4
        if not short and mime_type.startswith("image/"):
            pixels = _pixels(mime_type, content)
    kind = f"{mime_type} {pixels or ''}".strip()
    return f"{kind}, {size_words(length)}" if kind else size_words(length)


def _pixels(mime_type: str, encoded: str) -> str:
    """Return ``640x480``, or nothing for an image that cannot be read."""
    size = header_size(Picture(mime_type, encoded))
    return f"{size[0]}x{size[1]}" if size else ""
