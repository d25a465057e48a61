"""The file that holds the agents of one server root.

Only hashes of tokens are in it. It belongs to the user alone (0600 in a folder of 0700) and is
replaced as a whole, so that a crash leaves the old file or the new one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ..shared_files import write_whole
from .agent import Agent, Mode
from .until import format_time, format_until

VERSION = 1

SHARED = ("label", "mode", "notebooks", "until", "expires", "token_hash", "paused")
"""What a person decides about an agent; the rest each server sees for itself."""


class Stored(NamedTuple):
    """What the file holds.

    Parameters
    ----------
    agents : dict of str to Agent
        By id.
    stopped : bool
        A person has stopped them all, and has not let them go on.
    """

    agents: dict[str, Agent]
    stopped: bool


def store_path(data_dir: str | Path, root_dir: str | Path) -> Path:
    """Return where the agents of a server root are kept."""
    root = os.path.realpath(root_dir)
    folder = hashlib.sha256(root.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path(data_dir) / "jmcp_lab" / folder / "agents.json"


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def to_record(agent: Agent) -> dict[str, Any]:
    """Return an agent as it is stored."""
    return {
        "id": agent.id,
        "label": agent.label,
        "mode": agent.mode.value,
        "color": agent.color,
        "notebooks": list(agent.notebooks),
        "until": format_until(agent.until),
        "created": format_time(agent.created),
        "expires": format_time(agent.expires),
        "token_hash": agent.token_hash,
        "paused": agent.paused,
        "owner": agent.owner,
        "claims": agent.claims,
        "first_call": format_time(agent.first_call),
        "last_seen": format_time(agent.last_seen),
    }


def from_record(record: dict[str, Any]) -> Agent:
    """Return the agent of a stored record, as the server that wrote it knows it."""
    mode, until = Mode(record["mode"]), record["until"]
    if mode is Mode.AUTO and until is None:
        mode = Mode.EDIT
    return Agent(
        id=record["id"],
        label=record["label"],
        mode=mode,
        color=record["color"],
        notebooks=tuple(record["notebooks"]),
        until="stop" if until == "stop" else _time(until),
        created=datetime.fromisoformat(record["created"]),
        expires=_time(record["expires"]),
        token_hash=record["token_hash"],
        paused=bool(record["paused"]),
        # Of an agent from before there were owners anybody is.
        owner=str(record.get("owner", "")),
        claims=record["claims"],
        first_call=_time(record["first_call"]),
        last_seen=_time(record["last_seen"]),
    )


def end_with_its_server(stored: Agent, mine: Agent | None) -> None:
    """End mode `auto` "until this server stops" where another server wrote it, or an earlier one.

    Parameters
    ----------
    stored : Agent
        As it was read.
    mine : Agent or None
        As this server knows it.
    """

    def lasts(agent: Agent) -> bool:
        return agent.mode is Mode.AUTO and agent.until == "stop"

    if lasts(stored) and not (mine is not None and lasts(mine)):
        stored.mode, stored.until = Mode.EDIT, None


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever the file is replaced, or None when there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def load(path: Path, log: logging.Logger) -> Stored | None:
    """Read what is stored.

    A file that cannot be understood is set aside, not overwritten, and None is returned.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Stored({}, False)
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        agents = [from_record(record) for record in data["agents"]]
        stopped = data.get("stopped") is True
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning(
            "The list of agents cannot be read (%s): it was set aside as %s. Agents that cannot "
            "connect any more have to be connected again.",
            type(error).__name__,
            path.name + ".unreadable",
        )
        path.replace(path.with_name(path.name + ".unreadable"))
        return None
    return Stored({agent.id: agent for agent in agents}, stopped)


def save(path: Path, agents: Iterable[Agent], *, stopped: bool) -> None:
    """Write the agents, and whether all are stopped: all of it or nothing.

    Raises
    ------
    OSError
    """
    records = [to_record(agent) for agent in agents]
    text = json.dumps({"version": VERSION, "stopped": stopped, "agents": records})
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    write_whole(path, text)
