"""Parse and validate what people enter for an agent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from ..errors import InvalidArgumentError
from .agent import LABEL_LENGTH, Agent, plain_text
from .expiry import Until, parse_until
from .modes import MODES, Mode
from .notebook_patterns import choose_all

TOKEN_LIFE = timedelta(days=30)
LONGEST_LIFE = timedelta(days=366)


def new_agent(
    label: str,
    mode: Mode | str,
    notebooks: Iterable[str],
    until: Until | str | None,
    expires_in: float | None,
    owner: str,
    token_hash: str,
    clock: Callable[[], datetime],
) -> Agent:
    """Return a new agent, without a colour; see `AgentRegistry.add`.

    Raises
    ------
    InvalidArgumentError
    """
    now = clock()
    life = read_life(expires_in)
    mode = read_mode(mode)
    agent = Agent(
        id="a_" + secrets.token_hex(8),
        label=read_label(label),
        mode=mode,
        color="",
        created=now,
        token_hash=token_hash,
        notebooks=read_patterns(notebooks),
        until=read_until(until, clock) if mode.ends else None,
        expires=now + life,
        owner=owner,
    )
    check_bounds(agent.mode, agent.notebooks, agent.until)
    return agent


def read_changes(
    agent: Agent, changes: Mapping[str, object], clock: Callable[[], datetime]
) -> dict[str, object]:
    """Return the validated new values of some fields of an agent.

    Raises
    ------
    InvalidArgumentError
    """
    unknown = changes.keys() - {"label", "mode", "notebooks", "until", "paused"}
    if unknown:
        raise InvalidArgumentError(f"An agent has no '{min(unknown)}' that can be changed.")
    new: dict[str, object] = {}
    if "label" in changes:
        new["label"] = read_label(changes["label"])
    if "mode" in changes:
        new["mode"] = read_mode(changes["mode"])
    if "notebooks" in changes:
        new["notebooks"] = read_patterns(changes["notebooks"])
    if "until" in changes:
        new["until"] = read_until(changes["until"], clock)
    if "paused" in changes:
        if not isinstance(changes["paused"], bool):
            raise InvalidArgumentError("'paused' must be true or false.")
        new["paused"] = changes["paused"]
    mode = read_mode(changes["mode"]) if "mode" in changes else agent.mode
    if mode.ends or mode.only_chosen:
        # A mode that is chosen anew needs a new end: the one of the last time does not count.
        until = new.get("until", agent.until if agent.mode == mode else None)
        check_bounds(mode, new.get("notebooks", agent.notebooks), until)
    if not mode.keeps_end and (agent.until is not None or "until" in new):
        new["until"] = None
    return new


def read_until(until: object, clock: Callable[[], datetime]) -> Until | None:
    """Return an end, or None."""
    if until is None or isinstance(until, datetime):
        return until
    if not isinstance(until, str):
        raise InvalidArgumentError("'until' must be a string such as '30m', '2h' or 'stop'.")
    return parse_until(until, clock())


def read_label(value: object) -> str:
    """Return the name of an agent: one line of plain text."""
    label = plain_text(value[:1000], LABEL_LENGTH) if isinstance(value, str) else ""
    if not label:
        raise InvalidArgumentError("An agent needs a name, such as 'Claude Code on my laptop'.")
    return label


def read_mode(value: object) -> Mode:
    """Return the mode that a person chose, by its value or as a record."""
    found = MODES.get(value.value if isinstance(value, Mode) else str(value))
    if found is None:
        raise InvalidArgumentError(f"'mode' must be one of {', '.join(MODES)}.")
    return found


def read_life(expires_in: object) -> timedelta:
    """Return a token's life from a number of seconds or None."""
    if expires_in is None:
        return TOKEN_LIFE
    number = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    if not number or not 0 < expires_in <= LONGEST_LIFE.total_seconds():  # type: ignore[operator]
        raise InvalidArgumentError("'expires_in' must be a number of seconds, at most a year.")
    return timedelta(seconds=expires_in)  # type: ignore[arg-type]


def read_patterns(value: object) -> tuple[str, ...]:
    """Return glob patterns, relative to the server's root."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidArgumentError(
            "'notebooks' must be a list of patterns such as 'reports/*.ipynb'."
        )
    patterns = tuple(value)
    if len(patterns) > 50:
        raise InvalidArgumentError("'notebooks' can have at most 50 patterns.")
    for pattern in patterns:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= 300 or "\0" in pattern:
            raise InvalidArgumentError(
                "Each entry of 'notebooks' must be a pattern such as 'sales.ipynb'."
            )
        if pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern:
            raise InvalidArgumentError(
                f"'{plain_text(pattern, 80)}' is not relative to the server's root folder."
            )
    return patterns


def check_bounds(mode: Mode, notebooks: object, until: object) -> None:
    """Make sure that an agent has the chosen notebooks and the end that its mode needs.

    Raises
    ------
    InvalidArgumentError
    """
    patterns = notebooks if isinstance(notebooks, tuple) else ()
    everywhere = not patterns or choose_all(patterns) or any(map(_matches_everything, patterns))
    if mode.only_chosen and everywhere:
        raise InvalidArgumentError(
            f"Mode {mode.value} covers chosen notebooks, not all. Give patterns such as "
            "'sales.ipynb' or 'reports/*.ipynb' in 'notebooks'."
        )
    if mode.ends and until is None:
        raise InvalidArgumentError(
            f"Mode {mode.value} needs an end time. Give 'until', such as '2h' or 'stop'."
        )


def _matches_everything(pattern: str) -> bool:
    return not pattern.removesuffix(".ipynb").strip("*?/.") and pattern != "*.ipynb"
