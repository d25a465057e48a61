"""Images, which are sent as such, with the text beside them."""

from __future__ import annotations

from jmcp_lab.text.sanitize import clean

from ..images import Picture, header_size
from ..text import as_text
from .base import SILENT, Bundle, Format, Prominence, Shown
from .plain_text import TYPE as PLAIN_TYPE
from .plain_text import is_bare_repr

_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff")
"""In the order of preference."""


def picture_of(data: Bundle) -> Picture | None:
    """Return the image of an output that is best to send, or None."""
    for mime_type in _TYPES:
        if mime_type in data and (encoded := as_text(data[mime_type])):
            return Picture(mime_type, encoded)
    return None


def _show(data: Bundle) -> Shown | None:
    picture = picture_of(data)
    if picture is None:
        return None
    plain = clean(as_text(data.get(PLAIN_TYPE))).strip()
    return Shown("", "" if is_bare_repr(plain) else plain, picture)


def _outline(data: Bundle) -> str | None:
    picture = picture_of(data)
    if picture is None:
        return None
    size = header_size(picture)
    return f"image {size[0]}x{size[1]}" if size else "image"


FORMAT = Format(
    "image",
    show=_show,
    outline=_outline,
    prominence=Prominence.PICTURE,
    types=dict.fromkeys(_TYPES, SILENT),
)
