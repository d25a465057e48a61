"""Finds out which user's program is at the other end of a local connection."""

from __future__ import annotations

import os
import socket
import struct
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..server.http import is_loopback

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
"""Tables of Linux's connections (proc(5)).

The second column is the socket's own address, the third its peer's, the eighth its user's id."""

_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of a Unix socket's peer (unix(7), SO_PEERCRED)."""

MAX_LINES = 200_000
"""Maximum number of lines to read of such a table."""


def is_here(request: HTTPServerRequest) -> bool:
    """Return whether a request comes from this computer."""
    stream = getattr(request.connection, "stream", None)
    family = getattr(getattr(stream, "socket", None), "family", None)
    return is_loopback(request.remote_ip) or family == getattr(socket, "AF_UNIX", object())


def uid_of_peer(request: HTTPServerRequest) -> int | None:
    """Return the id of the user who made a connection from this computer.

    Returns
    -------
    int or None
        None where it is unknown: on other systems than Linux, and for other computers.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        # Ask the connection itself, because headers of a request may be forged.
        connection: socket.socket = request.connection.stream.socket  # type: ignore[union-attr]
        if connection.family == socket.AF_UNIX:
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            return int(_CREDENTIALS.unpack(raw)[1])
        peer, here = connection.getpeername()[1], connection.getsockname()[1]
    except (AttributeError, OSError, IndexError, TypeError):
        return None
    return _uid(f":{peer:04X}", f":{here:04X}")


def _uid(from_port: str, to_port: str) -> int | None:
    """Return the user of the connection's other end, which is a socket of this computer too."""
    for table in _TABLES:
        try:
            with Path(table).open(encoding="ascii") as lines:
                for line in islice(lines, 1, MAX_LINES):
                    fields = line.split()
                    if (
                        fields[1].endswith(from_port)
                        and fields[2].endswith(to_port)
                        and _is_loopback_entry(fields[1].partition(":")[0])
                    ):
                        return int(fields[7])
        except (OSError, ValueError, IndexError):
            continue
    return None


def _is_loopback_entry(address: str) -> bool:
    """Return whether an address of the table is a loopback address.

    The table writes addresses in the computer's own byte order, four bytes at a time.
    """
    words = bytes.fromhex(address)
    if sys.byteorder == "little":
        words = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    if len(words) == 16 and words[:12] == bytes(10) + b"\xff\xff":
        words = words[12:]
    return words == bytes(15) + b"\x01" or (len(words) == 4 and words[0] == 127)


def is_own_user(uid: int | None) -> bool:
    """Return whether a program belongs to this server's own user, as far as is known."""
    return uid is None or uid == os.geteuid()
