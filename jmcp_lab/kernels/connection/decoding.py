"""Reading the messages that a kernel publishes, without what nobody here asks of them.

`Session.deserialize` of jupyter_client also makes dates of all texts in both headers that look
like one. That is three quarters of its time, for each line of output that a kernel flushes.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.adapter import adapt

from ...text.surrogates import may_have_halves, without_halves

if TYPE_CHECKING:
    from jupyter_client.session import Session

Message = dict[str, Any]

PARTS = 5
"""Signature, header, parent header, metadata, content: the wire protocol of Jupyter, version 5."""


class Unpacker:
    """Checks and unpacks published messages of one kernel.

    Parameters
    ----------
    session : Session
        Its key signs what the kernel says.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parent: tuple[bytes, Any] = (b"", {})

    def checked(self, frames: list[bytes]) -> list[bytes]:
        """Return the parts of a message that this kernel has signed.

        Any thread may ask. The time that it takes for an image of some megabytes is not the event
        loop's then: Python's lock is free while much is hashed.

        Raises
        ------
        ValueError
            When the message is not signed with the session's key, or cut. A signature may come
            twice, as with ``deserialize(content=False)``: a kernel may repeat itself.
        """
        session = self._session
        parts = cast("list[bytes]", session.feed_identities(frames)[1])
        if len(parts) < PARTS:
            raise ValueError("It is cut.")
        if session.auth is not None and not compare_digest(parts[0], session.sign(parts[1:PARTS])):
            raise ValueError("Its signature is not of this kernel's key.")
        return parts

    def message(self, parts: list[bytes]) -> Message:
        """Return a checked message with its content still packed: most are not for us.

        Raises
        ------
        ValueError
            When it is no JSON.
        """
        session = self._session
        header = session.unpack(parts[1])
        message = {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": header["msg_type"],
            "parent_header": self._parent_of(parts[2]),
            "metadata": session.unpack(parts[3]),
            "content": parts[4],
            "buffers": parts[PARTS:],
        }
        return adapt(message)

    def content(self, packed: bytes) -> object:
        """Return the content of a checked message.

        Raises
        ------
        ValueError
            When it is no JSON.
        """
        content = self._session.unpack(packed)
        return without_halves(content) if may_have_halves(packed) else content

    def _parent_of(self, packed: bytes) -> object:
        """Return a parent header: in a flood all messages have the same."""
        if packed != self._parent[0]:
            self._parent = (packed, self._session.unpack(packed))
        return self._parent[1]
