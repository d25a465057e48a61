"""Reads JSON that a model put into a string where an array or an object is meant."""

from __future__ import annotations

import json
from typing import Any

MAX_CHARACTERS = 2_000_000
"""Maximum number of characters of all such strings in one call."""

MAX_BRACKETS = 50_000
"""Maximum number of brackets in them. A million empty objects take a second to make."""

MAX_COMMAS = 200_000
"""Maximum number of commas in them."""


class NotJsonError(ValueError):
    """The string is no JSON."""


class TooLargeError(ValueError):
    """The string is more than is read, or the strings of the call are together."""


class SentJson:
    """Reads the JSON strings of one call, within limits for all of them together."""

    def __init__(self) -> None:
        self._characters = self._brackets = self._commas = 0

    def read(self, text: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what a JSON string contains.

        The limits are checked before anything is parsed.

        Raises
        ------
        NotJsonError
        TooLargeError
        """
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise TooLargeError
        self._brackets += text.count("[") + text.count("{")
        self._commas += text.count(",")
        if self._brackets > MAX_BRACKETS or self._commas > MAX_COMMAS:
            raise TooLargeError
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise NotJsonError from None


def _refuse(constant: str) -> None:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise ValueError(constant)


def object_in(text: str) -> dict[str, Any] | None:
    """Return the object that a string holds, an empty one if it is blank, or None."""
    if not text.strip():
        return {}
    try:
        found = SentJson().read(text)
    except (NotJsonError, TooLargeError):
        return None
    return found if isinstance(found, dict) else None
