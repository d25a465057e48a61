"""Published messages are read as jupyter_client reads them, but for the dates in their headers."""

from __future__ import annotations

from typing import Any

import pytest
from jupyter_client.jsonutil import extract_dates, squash_dates
from jupyter_client.session import Session

from jmcp_lab.kernels.connection.decoding import Unpacker

KEY = b"a key"


def frames_of(session: Session, parent: dict[str, Any] | None = None) -> list[bytes]:
    message = session.msg("stream", {"name": "stdout", "text": "line"}, metadata={"a": [1]})
    message["parent_header"] = parent or {}
    return session.serialize(message, ident=b"kernel.x.stream.stdout")


@pytest.mark.parametrize("key", [KEY, b""], ids=["signed", "not signed"])
def test_a_message_is_decoded_as_by_jupyter_client(key: bytes) -> None:
    session = Session(key=key)
    unpacker = Unpacker(session)
    first = session.msg("execute_request")["header"]
    for parent in ({}, first, first, session.msg("execute_request")["header"]):
        frames = [*frames_of(session, parent), b"buffer"]
        _, parts = session.feed_identities(frames)
        wanted = squash_dates(session.deserialize(parts, content=False))
        found = unpacker.message(unpacker.checked(frames))
        assert squash_dates(extract_dates(found)) == wanted


@pytest.mark.parametrize("part", range(1, 6), ids=str)
def test_a_tampered_message_is_refused(part: int) -> None:
    session = Session(key=KEY)
    frames = frames_of(session)
    at = len(frames) - part
    frames[at] = frames[at][:-1] + b" "
    with pytest.raises(ValueError, match="signature"):
        Unpacker(session).checked(frames)


def test_a_truncated_message_is_refused() -> None:
    session = Session(key=KEY)
    with pytest.raises(ValueError, match="incomplete"):
        Unpacker(session).checked(frames_of(session)[:-1])
