"""Scripts for the page, which are never run here and are no text to read."""

from __future__ import annotations

from .base import Format, Unshown, named_if_not_empty

TYPE = "application/javascript"
_UNSHOWN = Unshown("script, not run and not shown")

FORMAT = Format(
    "script",
    outline=named_if_not_empty(TYPE, "script"),
    types={TYPE: _UNSHOWN, "text/javascript": _UNSHOWN},
)
