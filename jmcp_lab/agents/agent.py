"""The Agent: one client that a person connected, with its permissions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .expiry import Until
from .modes import Mode

LABEL_LENGTH = 60
CLAIM_LENGTH = 40
"""Maximum characters shown of a client's name or version, which are the client's own claims."""

COLORS = (
    "#1e88e5",
    "#43a047",
    "#e53935",
    "#ab47bc",
    "#c77700",
    "#00897b",
    "#d81b60",
    "#5c6bc0",
)
"""Colours with a contrast of at least 3 against white and against a dark editor."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(slots=True, eq=False)
class Agent:
    """One client that a person connected. Only the registry changes it.

    Parameters
    ----------
    id : str
        ``a_…``; it survives changes of the label.
    label : str
        The name that the person gave it.
    notebooks : tuple of str
        Glob patterns of the notebooks in which it may work; empty for all. Elsewhere it asks, in
        any mode.
    until : Until or None
        When its mode ends, if that is one that ends.
    expires : datetime or None
        The end of its token.
    token_hash : str
        The SHA-256 of its token; empty once the token has expired, so that setting back the clock
        does not restore it.
    owner : str
        The person who connected it, and who alone decides for it if people have names; empty for
        anybody.
    claims : dict or None
        The ``name`` and ``version`` that the client gave for itself. They are shown as claims, and
        never trusted.
    current : str or None
        Its current notebook.
    """

    id: str
    label: str
    mode: Mode
    color: str
    created: datetime
    token_hash: str
    notebooks: tuple[str, ...] = ()
    until: Until | None = None
    expires: datetime | None = None
    paused: bool = False
    owner: str = ""
    claims: dict[str, str] | None = None
    first_call: datetime | None = None
    last_seen: datetime | None = None
    current: str | None = None

    def mode_ended(self, now: datetime, left: float) -> bool:
        """Return whether the time of its mode is over: by the clock, or by the seconds left."""
        timed = self.mode.ends and isinstance(self.until, datetime)
        return timed and (self.until <= now or left <= 0)  # type: ignore[operator]

    def end_mode(self) -> None:
        """Give it the mode that follows the one whose time is over."""
        if self.mode.after_end is not None:
            self.mode, self.until = self.mode.after_end, None

    def token_ended(self, now: datetime) -> bool:
        """Return whether a token that is still accepted has reached its end."""
        return bool(self.token_hash) and self.expires is not None and self.expires <= now


def next_color(agents: Iterable[Agent]) -> str:
    """Return the colour that the fewest agents have."""
    used = [agent.color for agent in agents]
    return min(COLORS, key=used.count)


def plain_text(text: str, length: int) -> str:
    """Return a text fit for a single line, without control, format or private characters."""
    cleaned = "".join(" " if char in "\t\r\n" else char for char in text)
    cleaned = "".join(char for char in cleaned if unicodedata.category(char) not in _HIDDEN)
    return " ".join(cleaned.split())[:length].rstrip()


def clean_claims(claims: Mapping[str, object] | None) -> dict[str, str] | None:
    """Return a client's claimed name and version, shortened and cleaned, or None."""
    if claims is None:
        return None
    found = {
        key: plain_text(value[:1000], CLAIM_LENGTH)
        for key in ("name", "version")
        if isinstance(value := claims.get(key), str)
    }
    return found if found.get("name") else None
