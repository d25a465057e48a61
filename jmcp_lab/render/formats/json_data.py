"""JSON that is shown as it is."""

from __future__ import annotations

from jmcp_lab.text.sanitize import clean

from ..text import compact_json
from .base import Bundle, Format, Shown, Unshown, named_if_not_empty

_TYPE = "application/json"


def _show(data: Bundle) -> Shown | None:
    if _TYPE not in data:
        return None
    return Shown("json", clean(compact_json(data[_TYPE])), mime_type=_TYPE)


FORMAT = Format(
    "json",
    show=_show,
    outline=named_if_not_empty(_TYPE, "json"),
    types={_TYPE: Unshown(note="")},
)
