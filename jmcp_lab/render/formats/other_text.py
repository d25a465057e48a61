"""Types that are text to a model, although no format of the list knows what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from jmcp_lab.text.sanitize import clean

from ..text import as_text, json_text
from .base import Bundle, Source

_TEXT_TYPE = re.compile(
    r"text/.+|.+\+(?:json|xml|yaml|csv)|application/(?:.+[.-])?"
    r"(?:json|xml|yaml|toml|csv|sql|javascript|ecmascript|typescript|graphql|rtf|tex|latex|wkt)"
    r"(?:;.*)?"
)
_MIME_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,40}/[\w.+-]{1,60}(?:;[\w=. -]{0,40})?")


def is_text_type(mime_type: str) -> bool:
    """Return whether the content of a type is text, as its name says."""
    return _TEXT_TYPE.fullmatch(mime_type[:200]) is not None


def is_mime_type(mime_type: str) -> bool:
    """Return whether a type is well formed: the kernel chose it, so it may hold anything."""
    return _MIME_TYPE.fullmatch(mime_type[:200]) is not None


def mime_name(mime_type: str) -> str:
    """Return a mime type as it may stand in the server's words."""
    return mime_type if is_mime_type(mime_type) else "a type with an invalid name"


def text_of(content: object) -> str:
    """Return the content of a type as text: JSON is broken into lines."""
    is_json = isinstance(content, Mapping) or (
        isinstance(content, list) and not all(isinstance(line, str) for line in content)
    )
    return json_text(content) if is_json else clean(as_text(content)).strip("\n")


def source_of_types(data: Bundle, names: Sequence[str]) -> Source:
    """Return the texts of one or several types; of several, each stands after its name."""
    if len(names) == 1:
        return Source(f"its {mime_name(names[0])}", partial(text_of, data[names[0]]))

    def all_of_them() -> str:
        return "\n\n".join(f"{mime_name(name)}:\n{text_of(data[name])}" for name in names)

    return Source(f"its {', '.join(map(mime_name, names))}", all_of_them)
