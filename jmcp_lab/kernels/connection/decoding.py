"""Decode the messages that a kernel publishes, without work that this code does not need.

jupyter_client's `Session.deserialize` also converts all texts in both headers that look like dates.
That takes three quarters of its time, for each line of output that a kernel flushes.
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
"""Number of message parts in version 5 of Jupyter's wire protocol: signature, header, parent
header, metadata, content.
"""


class Unpacker:
    """Verifies and unpacks the published messages of one kernel.

    Parameters
    ----------
    session : Session
        Its key signs the kernel's messages.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parent: tuple[bytes, Any] = (b"", {})

    def checked(self, frames: list[bytes]) -> list[bytes]:
        """Return the parts of a message that this kernel has signed.

        This is thread-safe. The verification of an image of some megabytes does not block the event
        loop, because Python releases its lock while it hashes much data.

        Raises
        ------
        ValueError
            The message is truncated or not signed with the session's key. A signature may come
            twice, as with ``deserialize(content=False)``, because a kernel may repeat itself.
        """
        session = self._session
        parts = cast("list[bytes]", session.feed_identities(frames)[1])
        if len(parts) < PARTS:
            raise ValueError("It is incomplete.")
        if session.auth is not None and not compare_digest(parts[0], session.sign(parts[1:PARTS])):
            raise ValueError("Its signature does not match this kernel's key.")
        return parts

    def message(self, parts: list[bytes]) -> Message:
        """Return a verified message with its content still packed, as most are not for us.

        Raises
        ------
        ValueError
            It is not JSON.
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
        """Return the content of a verified message.

        Raises
        ------
        ValueError
            It is not JSON.
        """
        content = self._session.unpack(packed)
        return without_halves(content) if may_have_halves(packed) else content

    def _parent_of(self, packed: bytes) -> object:
        """Return a parent header from a cache, as it is the same for all messages of a flood."""
        if packed != self._parent[0]:
            self._parent = (packed, self._session.unpack(packed))
        return self._parent[1]
