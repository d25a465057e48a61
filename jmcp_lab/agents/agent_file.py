"""The file with the agents of one server root.

It contains only hashes of tokens. It is private to the user (0600 in a folder with 0700).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InvalidArgumentError
from ..server.private_file import private_folder, write_private
from .agent import COLORS, Agent, clean_claims
from .expiry import format_time, format_until
from .modes import stored_mode
from .seal import Seal
from .validation import read_label, read_patterns

VERSION = 1
MAX_RECORDS = 1000
MAX_BYTES = 10_000_000
MAX_PATH = 4096

_ID = re.compile(r"[A-Za-z0-9_]{1,64}")

SHARED = ("label", "mode", "notebooks", "until", "expires", "token_hash", "paused", "owner")
"""Fields that a person decides about an agent; each server observes the others itself."""


class Stored(NamedTuple):
    """The content of the file.

    Parameters
    ----------
    agents : dict of str to Agent
        By id.
    stopped : bool
        Whether a person has paused all agents and not resumed them.
    sealed : dict of str to Agent
        The agents as one of the user's servers has sealed them, by id.
    revision : int
        The revision of the latest seal; 0 if there is none.
    stopped_sealed : bool
        Whether a server has sealed `stopped`.
    """

    agents: dict[str, Agent]
    stopped: bool
    sealed: dict[str, Agent]
    revision: int
    stopped_sealed: bool


NOTHING = Stored({}, False, {}, 0, True)


def store_path(data_dir: str | Path, root_dir: str | Path) -> Path:
    """Return the path of the file for a server root."""
    root = os.path.realpath(root_dir)
    folder = hashlib.sha256(root.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path(data_dir) / "jmcp_lab" / folder / "agents.json"


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _path(value: object) -> str | None:
    """Return the path of a notebook, or None if the stored value cannot be one."""
    fits = isinstance(value, str) and 0 < len(value) <= MAX_PATH and value.isprintable()
    return value if fits else None  # type: ignore[return-value]


def shared_record(agent: Agent) -> dict[str, Any]:
    """Return the fields that a person decides about an agent, in stored form."""
    record = to_record(agent)
    return {name: record[name] for name in SHARED}


def to_record(agent: Agent) -> dict[str, Any]:
    """Return an agent in stored form."""
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
        "current": agent.current,
    }


def from_record(record: dict[str, Any]) -> Agent:
    """Return the agent of a stored record, as the server that wrote it knows it."""
    mode, until = stored_mode(record["mode"]), record["until"]
    if not _ID.fullmatch(record["id"]) or not isinstance(record["token_hash"], str):
        raise ValueError("no agent")
    if mode.after_end is not None and until is None:
        mode = mode.after_end
    return Agent(
        id=record["id"],
        label=read_label(record["label"]),
        mode=mode,
        color=record["color"] if record["color"] in COLORS else COLORS[0],
        notebooks=read_patterns(record["notebooks"]),
        until="stop" if until == "stop" else _time(until),
        created=datetime.fromisoformat(record["created"]),
        expires=_time(record["expires"]),
        token_hash=record["token_hash"],
        paused=bool(record["paused"]),
        # An agent from before owners were introduced belongs to anybody.
        owner=str(record.get("owner", "")),
        claims=clean_claims(record["claims"]),
        first_call=_time(record["first_call"]),
        last_seen=_time(record["last_seen"]),
        current=_path(record.get("current")),
    )


def end_with_its_server(stored: Agent, mine: Agent | None) -> None:
    """End a mode "until this server stops" if another or an earlier server wrote it.

    Parameters
    ----------
    stored : Agent
        The agent as it was read.
    mine : Agent or None
        The agent as this server knows it.
    """

    def lasts(agent: Agent) -> bool:
        return agent.mode.ends and agent.until == "stop"

    if lasts(stored) and not (mine is not None and lasts(mine)):
        stored.end_mode()


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return a value that changes whenever the file is replaced, or None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def load(path: Path, log: logging.Logger, seal: Seal, revision: int = 0) -> Stored | None:
    """Read the file.

    A file that cannot be parsed is renamed rather than overwritten, and the result is None.

    Parameters
    ----------
    path : Path
    log : logging.Logger
    seal : Seal
    revision : int
        The latest known revision of a seal. An older one was put back by somebody.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_BYTES)
    except FileNotFoundError:
        return NOTHING
    except UnicodeDecodeError:
        text = ""
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        if len(data["agents"]) > MAX_RECORDS:
            raise ValueError("too many agents")
        agents = [from_record(record) for record in data["agents"]]
        stopped = data.get("stopped") is True
        return _with_seals(data, {agent.id: agent for agent in agents}, stopped, seal, revision)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidArgumentError) as error:
        log.warning(
            "The list of agents could not be read (%s). It was renamed to %s. Connect again any "
            "agent that can no longer connect.",
            type(error).__name__,
            path.name + ".unreadable",
        )
        path.replace(path.with_name(path.name + ".unreadable"))
        return None


def _with_seals(
    data: dict[str, Any], agents: dict[str, Agent], stopped: bool, seal: Seal, revision: int
) -> Stored:
    sealed: dict[str, tuple[int, Agent]] = {}
    for record in data["agents"]:
        part = record.get("sealed")
        if isinstance(part, dict) and isinstance(part.get("revision"), int):
            content = {key: value for key, value in part.items() if key != "seal"}
            if content.get("id") == record["id"] and seal.holds(content, part.get("seal")):
                sealed[record["id"]] = part["revision"], from_record(record | content)
    whole = {"stopped": stopped, "revision": data.get("revision")}
    number = data.get("revision")
    if not isinstance(number, int) or not seal.holds(whole, data.get("seal")):
        number = -1
    latest = max([revision, number, *(each for each, _ in sealed.values())])
    return Stored(
        agents,
        stopped,
        {key: agent for key, (at, agent) in sealed.items() if at == latest},
        latest,
        number == latest,
    )


def save(
    path: Path,
    agents: Iterable[Agent],
    offered: Mapping[str, Agent],
    *,
    stopped: bool,
    revision: int,
    seal: Seal,
) -> None:
    """Write the agents, and whether all are paused, atomically.

    Parameters
    ----------
    path : Path
    agents : iterable of Agent
        The agents in force.
    offered : mapping of str to Agent
        Unanswered changes of agents by others, by id.
    stopped : bool
    revision : int
        One more than that of the latest seal.
    seal : Seal

    Raises
    ------
    OSError
    """
    left = dict(offered)
    records = []
    for agent in agents:
        part = {"id": agent.id, "revision": revision} | shared_record(agent)
        record = to_record(left.pop(agent.id, agent))
        records.append(record | {"sealed": part | {"seal": seal.make(part)}})
    records += [to_record(agent) for agent in left.values()]
    whole: dict[str, Any] = {"stopped": stopped, "revision": revision}
    whole["seal"] = seal.make(whole)
    text = json.dumps({"version": VERSION, **whole, "agents": records})
    private_folder(path)
    # Somebody may have made the folder before, for all to read.
    path.parent.chmod(0o700)
    write_private(path, text)
