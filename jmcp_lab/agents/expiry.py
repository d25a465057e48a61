"""The end of a longer permission: a time, a duration, or the stop of this server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from ..errors import InvalidArgumentError

Until: TypeAlias = datetime | Literal["stop"]
"""A moment (with time zone, UTC), or until this server stops."""

LONGEST = timedelta(hours=8)
"""Maximum duration of a permission without asking again: a working day."""

_SPAN = re.compile(r"(\d{1,6})\s*([smh])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_HINT = (
    "Give a duration such as '30m' or '2h', an RFC 3339 time such as '2030-01-31T17:00:00Z', or "
    "'stop'"
)


def utc_now() -> datetime:
    """Return the current time, with time zone."""
    return datetime.now(UTC)


def parse_until(text: str, now: datetime) -> Until:
    """Parse an end.

    Parameters
    ----------
    text : str
        ``30m``, ``2h``, an RFC 3339 time with its zone, or ``stop``.
    now : datetime
        The current time, with time zone.

    Returns
    -------
    Until

    Raises
    ------
    InvalidArgumentError
        It is none of these, is in the past, or is more than 8 hours away.
    """
    text = text.strip()
    if text.lower() == "stop":
        return "stop"
    end = _moment(text, now)
    if end <= now:
        raise InvalidArgumentError(f"'{text[:40]}' is not in the future. {_HINT}.")
    if end - now > LONGEST:
        raise InvalidArgumentError(f"'{text[:40]}' is too far away: 8 hours at most. {_HINT}.")
    return end


def _moment(text: str, now: datetime) -> datetime:
    if span := _SPAN.fullmatch(text):
        return now + timedelta(seconds=int(span[1]) * _SECONDS[span[2].lower()])
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgumentError(f"'{text[:40]}' is not an end time. {_HINT}.") from None
    if end.tzinfo is None:
        raise InvalidArgumentError(f"'{text[:40]}' has no time zone. {_HINT}.")
    return end.astimezone(UTC)


def format_time(moment: datetime | None) -> str | None:
    """Return a moment as RFC 3339, UTC, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_until(until: Until | None) -> str | None:
    """Return an end as the REST API writes it: RFC 3339 or ``stop``."""
    return until if until is None or isinstance(until, str) else format_time(until)
