"""The file that holds the agents of one server root.

Only hashes of tokens are in it. It belongs to the user alone (0600 in a folder of 0700).
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
from .agent import COLORS, Agent, Mode, clean_claims
from .expiry import format_time, format_until
from .seal import Seal
from .validation import read_label, read_patterns

VERSION = 1
MOST_RECORDS = 1000
MOST_BYTES = 10_000_000

_ID = re.compile(r"[A-Za-z0-9_]{1,64}")

SHARED = ("label", "mode", "notebooks", "until", "expires", "token_hash", "paused", "owner")
"""What a person decides about an agent; the rest each server sees for itself."""


class Stored(NamedTuple):
    """What the file holds.

    Parameters
    ----------
    agents : dict of str to Agent
        By id.
    stopped : bool
        A person has stopped them all, and has not let them go on.
    sealed : dict of str to Agent
        The agents as one of the user's servers has sealed them, by id.
    revision : int
        Of the latest seal; 0 without one.
    stopped_sealed : bool
        A server has sealed `stopped`.
    """

    agents: dict[str, Agent]
    stopped: bool
    sealed: dict[str, Agent]
    revision: int
    stopped_sealed: bool


NOTHING = Stored({}, False, {}, 0, True)


def store_path(data_dir: str | Path, root_dir: str | Path) -> Path:
    """Return where the agents of a server root are kept."""
    root = os.path.realpath(root_dir)
    folder = hashlib.sha256(root.encode(errors="surrogateescape")).hexdigest()[:16]
    return Path(data_dir) / "jmcp_lab" / folder / "agents.json"


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def shared_record(agent: Agent) -> dict[str, Any]:
    """Return what a person decides about an agent, as it is stored."""
    record = to_record(agent)
    return {name: record[name] for name in SHARED}


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
    if not _ID.fullmatch(record["id"]) or not isinstance(record["token_hash"], str):
        raise ValueError("no agent")
    if mode is Mode.AUTO and until is None:
        mode = Mode.EDIT
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
        # Of an agent from before there were owners anybody is.
        owner=str(record.get("owner", "")),
        claims=clean_claims(record["claims"]),
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


def load(path: Path, log: logging.Logger, seal: Seal, revision: int = 0) -> Stored | None:
    """Read what is stored.

    A file that cannot be understood is set aside, not overwritten, and None is returned.

    Parameters
    ----------
    path : Path
    log : logging.Logger
    seal : Seal
    revision : int
        Of the latest seal that is known: an older one was put back by somebody.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_BYTES)
    except FileNotFoundError:
        return NOTHING
    except UnicodeDecodeError:
        text = ""
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        if len(data["agents"]) > MOST_RECORDS:
            raise ValueError("too many agents")
        agents = [from_record(record) for record in data["agents"]]
        stopped = data.get("stopped") is True
        return _with_seals(data, {agent.id: agent for agent in agents}, stopped, seal, revision)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidArgumentError) as error:
        log.warning(
            "The list of agents cannot be read (%s): it was set aside as %s. Agents that cannot "
            "connect any more have to be connected again.",
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
    """Write the agents, and whether all are stopped: all of it or nothing.

    Parameters
    ----------
    path : Path
    agents : iterable of Agent
        As they are in force.
    offered : mapping of str to Agent
        What others wrote about agents and nobody has looked at, by id.
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
