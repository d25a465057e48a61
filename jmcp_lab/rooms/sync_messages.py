"""Read the sync messages of pages, and the state vectors in them.

pycrdt handles whole messages only. Their parts are numbers and byte strings in lib0's encoding.
"""

from __future__ import annotations

from typing import Any

from pycrdt import Doc


def payload(message: bytes) -> bytes:
    """Return the payload of a sync message: two one-byte numbers, a length, and that many bytes."""
    size, at = _number(message, 2)
    return message[at : at + size]


def clocks_in(state: bytes) -> dict[int, int]:
    """Return the Yjs clients of a state vector, each with its clock."""
    count, at = _number(state, 0)
    found = {}
    for _ in range(count):
        client, at = _number(state, at)
        found[client], at = _number(state, at)
    return found


def clients_ahead(update: bytes, other: bytes) -> int:
    """Return how many Yjs clients have updates in one state that another state lacks.

    Parameters
    ----------
    update, other : bytes
        The whole state of each.
    """
    states = []
    for whole in (update, other):
        document: Doc[Any] = Doc()
        document.apply_update(whole)
        states.append(clocks_in(document.get_state()))
    return sum(clock > states[1].get(client, 0) for client, clock in states[0].items())


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number that lib0's ``writeVarUint`` wrote; return it and the index after it.

    Raises
    ------
    IndexError
        The data ends inside the number.
    """
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
